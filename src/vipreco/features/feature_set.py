"""The feature definitions of a project: read once, checked as a whole, run over any as-of view."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from vipreco.columns import ACTIVITY, CUSTOMER_ID, CUSTOMERS
from vipreco.durable import canonical_json
from vipreco.errors import UsageError
from vipreco.features.check import check_definition
from vipreco.features.computed import ComputedFeatures, Pairs
from vipreco.features.dictionary import Dictionary, Feature, Prohibited, parse_definition
from vipreco.features.engine import CustomerBlock, Ids, customer_block, product_pairs
from vipreco.features.plan import Planned, plan
from vipreco.features.tier_lines import TIER_LINES, TIERS_FILE, tier_lines
from vipreco.features.vocabulary import LearntColumns, Vocabulary, most_frequent
from vipreco.history import CONTRACTS, View
from vipreco.settings import TierLadder

DICTIONARY = "dictionary.toml"
PROHIBITED = "prohibited.toml"
RARE_CUSTOMERS = 25
RARE_SHARE = 1_000


class FeatureSet:
    """SQL files with their dictionary; the same for fit, backtest, night batch and request.

    Attributes:
        definition: Content of every file that defines a feature, by name; it goes into the artifact.
        dictionary: The parsed `dictionary.toml`.
        prohibited: The parsed `prohibited.toml`.
        ladder: The bank's tiers, part of the definition: features read their lines.
    """

    def __init__(
        self,
        definition: Mapping[str, bytes],
        dictionary: Dictionary,
        prohibited: Prohibited,
        ladder: TierLadder,
    ) -> None:
        self.definition = dict(sorted(definition.items()))
        self.dictionary = dictionary
        self.prohibited = prohibited
        self.ladder = ladder
        # Of the 29 to 57 ms of CPU of a request, planning anew takes 1.9 ms, looking it up 0.15 ms.
        self._plans: dict[object, list[Planned]] = {}

    @classmethod
    def read(cls, folder: Path, ladder: TierLadder | None = None) -> FeatureSet:
        """Read and check `dictionary.toml`, `prohibited.toml` and the SQL files of a folder.

        Args:
            folder: The project's feature definitions.
            ladder: The project's tiers; files that need their lines are left out where there are none.

        Raises:
            UsageError: A file is missing or wrong, the SQL and the dictionary disagree, a prohibited
                attribute is named, or the SQL reads around the views.
        """
        names = sorted(path.name for path in Path(folder).glob("*.sql"))
        try:
            definition = {
                name: (Path(folder) / name).read_bytes() for name in (DICTIONARY, PROHIBITED, *names)
            }
        except OSError as error:
            raise UsageError(
                f"the feature definitions cannot be read: {error.strerror}",
                where=str(error.filename),
                remedy=f"the folder needs {DICTIONARY}, {PROHIBITED} and the SQL files",
                code="unreadable",
            ) from error
        if ladder is not None and ladder.ladder:
            definition[TIERS_FILE] = canonical_json(ladder.model_dump(mode="json"))
        return cls.from_definition(definition)

    @classmethod
    def from_definition(cls, definition: Mapping[str, bytes], *, checked: bool = False) -> FeatureSet:
        """Make a feature set of the files that an artifact carries, with the same checks as `read`.

        Args:
            definition: Contents of the files by name.
            checked: Whether the same files have passed these checks before.
        """
        dictionary = parse_definition(definition[DICTIONARY], Dictionary, DICTIONARY)
        prohibited = parse_definition(definition[PROHIBITED], Prohibited, PROHIBITED)
        if not checked:
            check_definition(dictionary, prohibited, definition)
        ladder = TierLadder.model_validate_json(definition.get(TIERS_FILE, b"{}"))
        return cls(definition, dictionary, prohibited, ladder)

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and contents of all files."""
        digest = hashlib.sha256()
        for name, content in self.definition.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def compute(
        self, view: View, products: list[str] | tuple[str, ...], customers: pa.Array | None = None
    ) -> ComputedFeatures:
        """Compute all features of the population of a view, or of some customers of it.

        Args:
            view: At the as-of date.
            products: Products whose blocks are wanted, in order.
            customers: Ids to which the work is limited; those without a current snapshot drop out.

        Raises:
            UsageError: The tables hold a prohibited attribute, or the SQL cannot run on its columns.
        """
        view = view if customers is None else view.of(customers)
        return self._made(view, self._planned(view), self._population(view), tuple(products))

    def learn_vocabulary(self, *computed: ComputedFeatures) -> Vocabulary:
        """Return the columns and categories of one or more computed populations, to be kept with a fit."""
        return self.vocabulary_of(LearntColumns.merged([item.learnt_columns() for item in computed]))

    def vocabulary_of(self, learnt: LearntColumns) -> Vocabulary:
        """Return the columns and categories that are kept with a fit.

        The frequent categories come first; a value past `max_categories` of the dictionary is unknown. So
        is a value of fewer than one in a thousand customers (25, where that is less): at the date of the fit
        every rare value is known, a month later many are not, so its absence would mean another thing then.
        """
        min_count = min(RARE_CUSTOMERS, learnt.customers // RARE_SHARE)
        limits = self._category_limits()
        categories = {
            name: most_frequent(
                list(counts),
                np.fromiter(counts.values(), np.int64, len(counts)),
                limits.get(name, limits[""]),
                min_count,
            )
            for name, counts in learnt.counts.items()
        }
        return Vocabulary(learnt.names, learnt.product_names, categories)

    def features(self) -> list[Feature]:
        """Return the entries of the dictionary, with `{column}` where a bank's own columns come in."""
        return [feature for file in self.dictionary.file for feature in file.features]

    def _planned(self, view: View) -> list[Planned]:
        """Return the files to run on the columns of the bank; planned once for equal columns."""
        columns = tuple((table, tuple(view.columns(table).items())) for table in CONTRACTS)
        key = view.present_tables, columns
        if key not in self._plans:
            self._refuse_prohibited(view)
            self._plans[key] = self._plan(view)
        return self._plans[key]

    def _plan(self, view: View) -> list[Planned]:
        sql = {file.name: self.definition[file.sql_name].decode() for file in self.dictionary.file}
        present = view.present_tables | ({TIER_LINES} if self.ladder.ladder else set())
        made = [plan(file, sql[file.name], present, view.columns) for file in self.dictionary.file]
        return [item for item in made if item is not None]

    def _refuse_prohibited(self, view: View) -> None:
        names = [
            name
            for table in (CUSTOMERS, ACTIVITY)
            for name in view.columns(table)
            if name not in CONTRACTS[table].types
        ]
        reasons = {name: self.prohibited.reason(name) for name in names}
        refused = [f"{name}: {reason}" for name, reason in sorted(reasons.items()) if reason]
        if refused:
            raise UsageError(
                "the tables hold attributes that may never be a feature",
                where=PROHIBITED,
                remedy="leave these columns out of the mapping and import again",
                code="prohibited",
                examples=refused,
            )

    def _population(self, view: View) -> Ids:
        ids = view.query(f"SELECT {CUSTOMER_ID} FROM population ORDER BY customer_index")[CUSTOMER_ID]
        return np.asarray(ids.to_pylist(), dtype=np.str_)

    def _made(
        self, view: View, planned: Sequence[Planned], ids: Ids, products: tuple[str, ...]
    ) -> ComputedFeatures:
        """Return the features of some files, among which are the steps that these read."""
        view.derive(TIER_LINES, tier_lines(self.ladder, view.date), TIERS_FILE)
        for item in _of_grain(planned, "shared"):
            view.derive(item.file.name, item.sql, item.file.sql_name)
        blocks = [customer_block(view, item, ids) for item in _of_grain(planned, "customer")]
        pairs = product_pairs(view, _of_grain(planned, "product"), ids, products)
        return self._computed(ids, products, blocks, pairs)

    def _computed(
        self, ids: Ids, products: tuple[str, ...], blocks: list[CustomerBlock], pairs: Pairs
    ) -> ComputedFeatures:
        values = [block.values for block in blocks] or [np.empty((len(ids), 0), dtype=np.float32)]
        return ComputedFeatures(
            ids,
            products,
            tuple(name for block in blocks for name in block.names),
            np.concatenate(values, axis=1),
            {name: found for block in blocks for name, found in block.categories.items()},
            pairs,
            {feature.name: feature.default for feature in self.features()},
        )

    def _category_limits(self) -> dict[str, int]:
        limits = {feature.name: feature.max_categories for feature in self.features()}
        return {"": Feature.model_fields["max_categories"].default, **limits}


def read_prohibited(folder: Path) -> Prohibited:
    """Read what no feature may use from the `prohibited.toml` of a folder.

    Raises:
        UsageError: The file is missing or wrong.
    """
    path = Path(folder) / PROHIBITED
    try:
        return parse_definition(path.read_bytes(), Prohibited, str(path))
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", where=str(path), code="unreadable") from error


def _of_grain(planned: Sequence[Planned], grain: str) -> list[Planned]:
    return [item for item in planned if item.file.grain == grain]
