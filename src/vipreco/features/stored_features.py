"""Stored features of a population: only those that read an overridden fact are computed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol, Self, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.features.computed import ComputedFeatures, Floats, Pairs
from vipreco.features.engine import Ids, union
from vipreco.features.feature_set import FeatureSet
from vipreco.features.plan import Planned
from vipreco.features.tier_lines import TIER_LINES
from vipreco.features.vocabulary import Vocabulary
from vipreco.history import VIEWS, Records, ReusableView, View, check_query, named_columns, stretch_indices
from vipreco.mapped_arrays import mapped_array

Indices: TypeAlias = NDArray[np.intp]
POPULATION: Final = "population"
Overridden: TypeAlias = Mapping[str, frozenset[str] | None]
FILES: Final = ("values", "starts", "products", "pairs", "defaults")


def save_features(computed: ComputedFeatures, folder: Path) -> None:
    """Write features in the columns of a fit.

    Args:
        computed: Features of a population, after `encoded`.
        folder: Existing and empty.
    """
    pairs = computed.pairs
    arrays: list[NDArray[Any]] = [
        computed.customer_values,
        starts_of(computed),
        pairs.products,
        pairs.values,
        pairs.defaults,
    ]
    for name, values in zip(FILES, arrays, strict=True):
        np.save(folder / f"{name}.npy", values, allow_pickle=False)


def starts_of(computed: ComputedFeatures) -> NDArray[np.int64]:
    """Return the index of each customer's first pair, and the number of all, shape (n + 1,)."""
    ends = np.arange(len(computed) + 1)
    return np.searchsorted(computed.pairs.rows, ends).astype(np.int64)


def indices_of(population: Ids, customer_ids: Ids) -> Indices:
    """Return the index of each customer in a population, which is ascending; -1 for those outside."""
    if not len(population):
        return np.full(len(customer_ids), -1)
    found = np.minimum(np.searchsorted(population, customer_ids), len(population) - 1)
    return np.where(population[found] == customer_ids, found, -1)


def pair_indices(first: Indices, counts: Indices) -> tuple[NDArray[np.int32], Indices]:
    """Return the row of the customer of each pair, and the index of the pair, by first pair and number."""
    return np.repeat(np.arange(len(first), dtype=np.int32), counts), stretch_indices(first, counts)


class StoredRows(Protocol):
    """Stored features of a population at a date, of one part of customers or of several."""

    @property
    def records(self) -> Records:
        """The rows of the tables from which they were computed."""

    @property
    def day(self) -> date:
        """As-of date of the features."""

    def indices(self, customer_ids: Ids) -> Indices:
        """Return the index of each customer; -1 for those outside the population."""

    def values_of(self, indices: Indices) -> Floats:
        """Return the customer-grain columns of some customers, shape (n, columns)."""

    def pairs_of(self, indices: Indices, names: tuple[str, ...]) -> Pairs:
        """Return the pairs of some customers."""


@dataclass(frozen=True)
class StoredFeatures:
    """Features of a population at a date, as `save_features` wrote them; the files are mapped, not read.

    Args:
        records: The rows of the tables from which they were computed.
        day: As-of date of the features.
        customer_ids: The population, ascending, shape (n,).
        values: Customer-grain columns of a fit, shape (n, columns).
        starts: Index of each customer's first pair, and the number of all, shape (n + 1,).
        products: Index of the product of each pair, shape (pairs,).
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
        return cls(records, day, customer_ids, *(mapped_array(folder / f"{name}.npy") for name in FILES))

    def indices(self, customer_ids: Ids) -> Indices:
        """Return the index of each customer; -1 for those outside the population."""
        return indices_of(self.customer_ids, customer_ids)

    def values_of(self, indices: Indices) -> Floats:
        """Return the customer-grain columns of some customers, shape (n, columns)."""
        return self.values[indices]

    def pairs_of(self, indices: Indices, names: tuple[str, ...]) -> Pairs:
        """Return the pairs of some customers."""
        rows, there = pair_indices(self.starts[indices], self.starts[indices + 1] - self.starts[indices])
        return Pairs(names, self.defaults, rows, self.products[there], self.pairs[there])


@dataclass(frozen=True)
class Invalidation:
    """The features that are no longer valid once some views have other rows.

    Args:
        planned: The files that compute them, and the steps that these read, in order.
        vocabulary: Their columns of the fit.
        columns: Their indices among the customer-grain columns of the fit.
        features: Their indices among the product-grain features of the fit.
    """

    planned: tuple[Planned, ...]
    vocabulary: Vocabulary
    columns: Indices
    features: Indices

    @classmethod
    def of(cls, planned: Sequence[Planned], vocabulary: Vocabulary, overridden: Overridden) -> Self:
        """Find them by what the SQL reads.

        Args:
            planned: All files, in order.
            vocabulary: Columns of the fit.
            overridden: Views that have other rows, with the columns that differ; None: any.
        """
        read = reads(planned)
        known = {*vocabulary.names, *vocabulary.product_names}
        touched = touched_files(planned, overridden)
        chosen = [
            item
            for item in planned
            if item.file.name in touched and any(feature.name in known for feature in item.features)
        ]
        names = {feature.name for item in chosen for feature in item.features}
        steps = frozenset[str]().union(*(read[item.file.name] for item in chosen))
        columns = np.flatnonzero([name in names for name in vocabulary.names])
        features = np.flatnonzero([name in names for name in vocabulary.product_names])
        own = Vocabulary(
            tuple(vocabulary.names[index] for index in columns),
            tuple(vocabulary.product_names[index] for index in features),
            vocabulary.categories,
        )
        used = tuple(
            item for item in planned if item in chosen or (is_step(item) and item.file.name in steps)
        )
        return cls(used, own, columns, features)


class StoredFeatureSet(FeatureSet):
    """Gives the stored features of a fit, and computes those that read an overridden fact.

    The SQL of a feature says what it reads: views, what these are made of, and steps before it.

    Args:
        features: The definitions.
        vocabulary: Columns and categories of the fit.
        product_ids: Products of the fit.
        stored: Their features, in these columns.
    """

    def __init__(
        self,
        features: FeatureSet,
        vocabulary: Vocabulary,
        product_ids: tuple[str, ...],
        stored: StoredRows,
    ) -> None:
        super().__init__(features.definition, features.dictionary, features.prohibited, features.ladder)
        self._vocabulary, self._product_ids, self._stored = vocabulary, product_ids, stored
        self._fills = {feature.name: feature.default for feature in self.features()}
        # A request about somebody who is no customer takes 71 ms of CPU, without this 80 ms.
        self._strangers: dict[frozenset[str], ComputedFeatures] = {}

    def compute(
        self, view: View, products: list[str] | tuple[str, ...], customers: pa.Array | None = None
    ) -> ComputedFeatures:
        """Return the result of `FeatureSet.compute`; in the columns of the fit where these were stored."""
        view = view if customers is None else view.of(customers)
        usual = view.date == self._stored.day and tuple(products) == self._product_ids
        if not usual or not isinstance(view, ReusableView) or view.records is not self._stored.records:
            return super().compute(view, products)
        overridden = view.overridden
        names = frozenset(overridden)
        known = self._known(view, names)
        if known is None:
            return self._remembered(super().compute(view, products).encoded(self._vocabulary), names)
        invalid = Invalidation.of(self._planned(view), self._vocabulary, overridden)
        return self._updated(known, invalid, view) if invalid.planned else known

    def _known(self, view: ReusableView, overridden: frozenset[str]) -> ComputedFeatures | None:
        """Return the stored features of the customers of a view; of a stranger, those of the one before."""
        new = POPULATION in overridden
        ids = self._population(view) if new else np.array(sorted(view.customer_ids), np.str_)
        indices = self._stored.indices(ids)
        there = indices >= 0
        if not new:
            ids, indices = ids[there], indices[there]
        elif not there.all():
            stranger = self._strangers.get(overridden) if len(ids) == 1 else None
            return stranger and replace(stranger, customer_ids=ids)
        pairs = self._stored.pairs_of(indices, self._vocabulary.product_names)
        return self._encoded(ids, self._stored.values_of(indices), pairs)

    def _remembered(self, computed: ComputedFeatures, overridden: frozenset[str]) -> ComputedFeatures:
        """Keep the features of a stranger: those that read no further row are the same for the next one."""
        if len(computed) == 1:
            self._strangers[overridden] = computed
        return computed

    def _updated(self, known: ComputedFeatures, invalid: Invalidation, view: View) -> ComputedFeatures:
        """Compute the invalid features, and put them in the place of the known ones."""
        ids, products = known.customer_ids, self._product_ids
        fresh = self._made(view, invalid.planned, ids, products).encoded(invalid.vocabulary)
        values = known.customer_values.copy()
        values[:, invalid.columns] = fresh.customer_values
        pairs = known.pairs
        if len(invalid.features):
            pairs = replaced(pairs, fresh.pairs, invalid.features, max(len(products), 1))
        return self._encoded(ids, values, pairs)

    def _encoded(self, ids: Ids, values: Floats, pairs: Pairs) -> ComputedFeatures:
        fit = self._vocabulary
        return ComputedFeatures(ids, self._product_ids, fit.names, values, fit.categories, pairs, self._fills)


def reads(planned: Sequence[Planned]) -> dict[str, frozenset[str]]:
    """Return the names that each file reads: views, and the steps before it with all that these read."""
    names, found, steps = VIEWS | {TIER_LINES}, dict[str, frozenset[str]](), dict[str, frozenset[str]]()
    for item in planned:
        direct = check_query(item.sql, names, item.file.sql_name)
        found[item.file.name] = direct.union(*(steps.get(name, ()) for name in direct))
        if is_step(item):
            names |= {item.file.name}
            steps[item.file.name] = found[item.file.name]
    return found


def touched_files(planned: Sequence[Planned], overridden: Overridden) -> frozenset[str]:
    """Return the names of the files whose SQL looks at what is other: rows, or a column that differs."""
    names, touched = VIEWS | {TIER_LINES} | {item.file.name for item in planned}, set[str]()
    for item in planned:
        direct = check_query(item.sql, names, item.file.sql_name)
        read = {*direct, item.file.requires}
        other = [columns for view, columns in overridden.items() if view in read]
        if direct & touched or any(_looks_at(item, columns) for columns in other):
            touched.add(item.file.name)
    return frozenset(touched)


def _looks_at(item: Planned, columns: frozenset[str] | None) -> bool:
    named = named_columns(item.sql)
    return named is None or columns is None or not named.isdisjoint(map(str.lower, columns))


def is_step(item: Planned) -> bool:
    """Return True for a file that others read by its name."""
    return item.file.grain == "shared"


def replaced(pairs: Pairs, fresh: Pairs, features: NDArray[np.intp], products: int) -> Pairs:
    """Return pairs with some features taken from others; a pair that is not there has the defaults.

    Args:
        pairs: With all features.
        fresh: With some of them, of the same customers.
        features: Their indices.
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
