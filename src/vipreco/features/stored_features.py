"""Features that were laid down for a population: computed anew is only what reads a fact that is another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.features.computed import ComputedFeatures, Floats, Pairs
from vipreco.features.engine import Ids, union
from vipreco.features.feature_set import FeatureSet
from vipreco.features.plan import Planned
from vipreco.features.tier_lines import TIER_LINES
from vipreco.features.vocabulary import Vocabulary
from vipreco.history import VIEWS, Records, ReusableView, View, check_query

Places: TypeAlias = NDArray[np.intp]
POPULATION: Final = "population"
FILES: Final = ("values", "starts", "products", "pairs", "defaults")


def save_features(computed: ComputedFeatures, folder: Path) -> None:
    """Write features in the columns of a fit.

    Args:
        computed: Features of a population, after `encoded`.
        folder: Existing and empty.
    """
    pairs, ends = computed.pairs, np.arange(len(computed) + 1)
    starts = np.searchsorted(pairs.rows, ends).astype(np.int64)
    arrays: list[NDArray[Any]] = [
        computed.customer_values,
        starts,
        pairs.products,
        pairs.values,
        pairs.defaults,
    ]
    for name, values in zip(FILES, arrays, strict=True):
        np.save(folder / f"{name}.npy", values, allow_pickle=False)


@dataclass(frozen=True)
class StoredFeatures:
    """Features of a population at a date, as `save_features` wrote them; the files are mapped, not read.

    Args:
        records: The rows of the tables from which they were computed.
        day: As of which they were.
        customer_ids: The population, ascending, shape (n,).
        values: Customer-grain columns of a fit, shape (n, columns).
        starts: Place of each customer's first pair, and the number of all, shape (n + 1,).
        products: Place of the product of each pair, shape (pairs,).
        pairs: Product-grain features of each pair, shape (pairs, features).
        defaults: Value of a pair that is not here, shape (features,).
    """

    records: Records
    day: date
    customer_ids: Ids
    values: Floats
    starts: NDArray[np.int64]
    products: NDArray[np.int32]
    pairs: Floats
    defaults: Floats

    @classmethod
    def open(cls, folder: Path, records: Records, day: date, customer_ids: Ids) -> Self:
        """Map the files of a folder; the other arguments are those of the class."""
        mapped = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in FILES]
        return cls(records, day, customer_ids, *map(np.asarray, mapped))

    def places(self, customer_ids: Ids) -> Places:
        """Return the place of each customer, -1 of who is not of the population."""
        if not len(self.customer_ids):
            return np.full(len(customer_ids), -1)
        places = np.minimum(np.searchsorted(self.customer_ids, customer_ids), len(self.customer_ids) - 1)
        return np.where(self.customer_ids[places] == customer_ids, places, -1)

    def pairs_of(self, places: Places, names: tuple[str, ...]) -> Pairs:
        """Return the pairs of some customers."""
        first, counts = self.starts[places], self.starts[places + 1] - self.starts[places]
        rows = np.repeat(np.arange(len(places), dtype=np.int32), counts)
        there = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(len(rows))
        return Pairs(names, self.defaults, rows, self.products[there], self.pairs[there])


@dataclass(frozen=True)
class Invalidation:
    """What has to be computed anew once some views have other rows.

    Args:
        planned: The files, and the steps that these read, in order.
        vocabulary: Their columns of the fit.
        columns: Their places among the customer-grain columns of the fit.
        features: Their places among the product-grain features of the fit.
    """

    planned: tuple[Planned, ...]
    vocabulary: Vocabulary
    columns: NDArray[np.intp]
    features: NDArray[np.intp]

    @classmethod
    def of(cls, planned: Sequence[Planned], vocabulary: Vocabulary, beyond: frozenset[str]) -> Self:
        """Tell it by what the SQL reads.

        Args:
            planned: All files, in order.
            vocabulary: Columns of the fit.
            beyond: Views that have other rows.
        """
        read = reads(planned)
        known = {*vocabulary.names, *vocabulary.product_names}
        chosen = [
            item
            for item in planned
            if beyond & {*read[item.file.name], item.file.requires}
            and any(feature.name in known for feature in item.features)
        ]
        names = {feature.name for item in chosen for feature in item.features}
        steps = frozenset[str]().union(*(read[item.file.name] for item in chosen))
        columns = np.flatnonzero([name in names for name in vocabulary.names])
        features = np.flatnonzero([name in names for name in vocabulary.product_names])
        own = Vocabulary(
            tuple(vocabulary.names[place] for place in columns),
            tuple(vocabulary.product_names[place] for place in features),
            vocabulary.categories,
        )
        used = tuple(
            item for item in planned if item in chosen or (is_step(item) and item.file.name in steps)
        )
        return cls(used, own, columns, features)


class StoredFeatureSet(FeatureSet):
    """The features of a fit as they were laid down; those that read a fact that is another are computed.

    What a feature reads is told by its SQL: the views, what these are made of, and the steps before it. Of
    somebody of whom the tables have no row, those that read nothing else are kept from who came first.

    Args:
        features: The definitions.
        vocabulary: Columns and categories of the fit.
        product_ids: Products of the fit.
        laid: What was laid down, in these columns.
    """

    def __init__(
        self, features: FeatureSet, vocabulary: Vocabulary, product_ids: tuple[str, ...], laid: StoredFeatures
    ) -> None:
        super().__init__(features.definition, features.dictionary, features.prohibited, features.ladder)
        self._vocabulary, self._product_ids, self._laid = vocabulary, product_ids, laid
        self._fills = {feature.name: feature.default for feature in self.features()}
        self._anew: dict[tuple[int, frozenset[str]], Invalidation] = {}
        self._strangers: dict[frozenset[str], ComputedFeatures] = {}

    def compute(
        self, view: View, products: list[str] | tuple[str, ...], customers: pa.Array | None = None
    ) -> ComputedFeatures:
        """Return what `FeatureSet.compute` does; in the columns of the fit where these were laid down."""
        view = view if customers is None else view.of(customers)
        usual = view.date == self._laid.day and tuple(products) == self._product_ids
        beyond = view.beyond(self._laid.records) if usual and isinstance(view, ReusableView) else None
        if beyond is None or not isinstance(view, ReusableView):
            return super().compute(view, products)
        known = self._known(view, beyond)
        if known is None:
            return self._remembered(super().compute(view, products).encoded(self._vocabulary), beyond)
        anew = self._anew_of(view, beyond)
        return self._mixed(known, anew, view) if anew.planned else known

    def _known(self, view: ReusableView, beyond: frozenset[str]) -> ComputedFeatures | None:
        """Return what was laid down of those in a view; of a stranger, what was kept of the one before."""
        ids = self._population(view) if POPULATION in beyond else np.array(sorted(view.asked), np.str_)
        places = self._laid.places(ids)
        there = places >= 0
        if POPULATION not in beyond:
            ids, places = ids[there], places[there]
        elif not there.all():
            stranger = self._strangers.get(beyond) if len(ids) == 1 else None
            return stranger and replace(stranger, customer_ids=ids)
        pairs = self._laid.pairs_of(places, self._vocabulary.product_names)
        return self._encoded(ids, self._laid.values[places], pairs)

    def _remembered(self, computed: ComputedFeatures, beyond: frozenset[str]) -> ComputedFeatures:
        """Keep what is known of a stranger: what reads no further row is the same of the next one."""
        if len(computed) == 1:
            self._strangers[beyond] = computed
        return computed

    def _mixed(self, known: ComputedFeatures, anew: Invalidation, view: View) -> ComputedFeatures:
        """Put what is computed anew in the place of what was known."""
        ids, products = known.customer_ids, self._product_ids
        fresh = self._made(view, anew.planned, ids, products).encoded(anew.vocabulary)
        values = known.customer_values.copy()
        values[:, anew.columns] = fresh.customer_values
        pairs = known.pairs
        if len(anew.features):
            pairs = replaced(pairs, fresh.pairs, anew.features, max(len(products), 1))
        return self._encoded(ids, values, pairs)

    def _encoded(self, ids: Ids, values: Floats, pairs: Pairs) -> ComputedFeatures:
        fit = self._vocabulary
        return ComputedFeatures(ids, self._product_ids, fit.names, values, fit.categories, pairs, self._fills)

    def _anew_of(self, view: View, beyond: frozenset[str]) -> Invalidation:
        planned = self._planned(view)
        key = id(planned), beyond  # what is planned is kept for good
        if key not in self._anew:
            self._anew[key] = Invalidation.of(planned, self._vocabulary, beyond)
        return self._anew[key]


def reads(planned: Sequence[Planned]) -> dict[str, frozenset[str]]:
    """Return what each file reads: views, and the steps before it with all that these read."""
    names, found, steps = VIEWS | {TIER_LINES}, dict[str, frozenset[str]](), dict[str, frozenset[str]]()
    for item in planned:
        direct = check_query(item.sql, names, item.file.sql_name)
        found[item.file.name] = direct.union(*(steps.get(name, ()) for name in direct))
        if is_step(item):
            names |= {item.file.name}
            steps[item.file.name] = found[item.file.name]
    return found


def is_step(item: Planned) -> bool:
    """Whether a file is a step for others, which read it by its name."""
    return item.file.grain == "shared"


def replaced(pairs: Pairs, fresh: Pairs, features: NDArray[np.intp], products: int) -> Pairs:
    """Return pairs with some features taken from others; who has no such pair there has its defaults.

    Args:
        pairs: With all features.
        fresh: With some of them, of the same customers.
        features: Their places.
        products: Number of all products.
    """
    before, after = (one.rows.astype(np.int64) * products + one.products for one in (pairs, fresh))
    keys = union([before, after])
    values = np.empty((len(keys), len(pairs.names)), np.float32)
    values[:] = pairs.defaults
    values[np.searchsorted(keys, before)] = pairs.values
    values[:, features] = pairs.defaults[features]
    values[np.searchsorted(keys, after)[:, None], features] = fresh.values
    rows, columns = (keys // products).astype(np.int32), (keys % products).astype(np.int32)
    return replace(pairs, rows=rows, products=columns, values=values)
