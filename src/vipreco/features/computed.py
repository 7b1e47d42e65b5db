"""Features of a population at one date: stored compactly, given as dense chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import UsageError
from vipreco.features.vocabulary import UNKNOWN, LearntColumns, Vocabulary, column_names, recoded

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class FeatureMatrix:
    """Dense features of some customers.

    Attributes:
        customer_ids: Ids, shape (n,).
        names: Column names: the customer columns, then for each product its block `<feature>@<product_id>`.
        values: float32, shape (n, len(names)); NaN = missing number, -1 = unknown category.
        product_ids: The products, in the order of their blocks.
    """

    customer_ids: NDArray[np.str_]
    names: tuple[str, ...]
    values: Floats
    product_ids: tuple[str, ...]


@dataclass(frozen=True)
class Pairs:
    """Product-grain features of the (customer, product) pairs that have any, ordered by customer.

    Attributes:
        names: Feature names, without product.
        defaults: Value of a pair that is not here, shape (features,).
        rows: Index of the customer, ascending, shape (pairs,).
        products: Index of the product, shape (pairs,).
        values: float32, shape (pairs, features).
    """

    names: tuple[str, ...]
    defaults: Floats
    rows: NDArray[np.int32]
    products: NDArray[np.int32]
    values: Floats

    def of(self, names: tuple[str, ...], fills: Mapping[str, float | str | None]) -> Pairs:
        """Return the same pairs with these features in this order; an absent one has its default.

        Raises:
            UsageError: A feature is neither here nor in the dictionary.
        """
        if names == self.names:
            return self
        indices = {name: place for place, name in enumerate(self.names)}
        defaults = [
            self.defaults[indices[name]] if name in indices else _number(_known_fill(name, fills))
            for name in names
        ]
        values = np.empty((len(self.values), len(names)), dtype=np.float32)
        for column, name in enumerate(names):
            values[:, column] = self.values[:, indices[name]] if name in indices else defaults[column]
        return replace(self, names=names, defaults=np.asarray(defaults, dtype=np.float32), values=values)

    def scatter(self, target: NDArray[np.float32], start: int) -> None:
        """Write the customers from `start` on into `target`, shape (n, products, features)."""
        first, last = np.searchsorted(self.rows, [start, start + len(target)])
        target[:] = self.defaults
        target[self.rows[first:last] - start, self.products[first:last]] = self.values[first:last]


@dataclass(frozen=True)
class ComputedFeatures:
    """All features of a population at one as-of date.

    Attributes:
        customer_ids: Ids, ascending, shape (n,).
        product_ids: The products asked for.
        customer_names: Customer-grain columns.
        customer_values: float32, shape (n, customer columns); a category is its index in `categories`.
        categories: Values of each category column; ascending here, in the fit's order after `encoded`.
        pairs: The product-grain features.
        fills: Value that stands for an absent customer column, by name.
    """

    customer_ids: NDArray[np.str_]
    product_ids: tuple[str, ...]
    customer_names: tuple[str, ...]
    customer_values: Floats
    categories: Mapping[str, tuple[str, ...]]
    pairs: Pairs
    fills: Mapping[str, float | str | None]

    def __len__(self) -> int:
        return len(self.customer_ids)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of a matrix, in order."""
        return column_names(self.customer_names, self.pairs.names, self.product_ids)

    @property
    def category_names(self) -> list[str]:
        """Names of the columns that hold category codes."""
        return [name for name in self.customer_names if name in self.categories]

    def learnt_columns(self) -> LearntColumns:
        """Return what a vocabulary is made of."""
        counts = {name: self._counted(name) for name in self.category_names}
        return LearntColumns(len(self), self.customer_names, self.pairs.names, counts)

    def _counted(self, name: str) -> dict[str, int]:
        codes = self.customer_values[:, self.customer_names.index(name)].astype(np.int64)
        values = self.categories[name]
        counts = np.bincount(codes[codes >= 0], minlength=len(values))
        return dict(zip(values, counts.tolist(), strict=True))

    def matrix(self, start: int = 0, stop: int | None = None) -> FeatureMatrix:
        """Return the dense features of the customers `start` to `stop` (default: all)."""
        ids = self.customer_ids[start:stop]
        width, features = len(self.customer_names), len(self.pairs.names)
        values = np.empty((len(ids), width + len(self.product_ids) * features), dtype=np.float32)
        values[:, :width] = self.customer_values[start:stop]
        blocks = values[:, width:].reshape(len(ids), len(self.product_ids), features)
        self.pairs.scatter(blocks, start)
        return FeatureMatrix(ids, self.names, values, self.product_ids)

    def take(self, indices: NDArray[np.intp]) -> ComputedFeatures:
        """Return the features of the customers at some indices, ascending, each once."""
        pairs, there = self.pairs, np.isin(self.pairs.rows, indices)
        kept = replace(
            pairs,
            rows=np.searchsorted(indices, pairs.rows[there]).astype(np.int32),
            products=pairs.products[there],
            values=pairs.values[there],
        )
        ids, values = self.customer_ids[indices], self.customer_values[indices]
        return replace(self, customer_ids=ids, customer_values=values, pairs=kept)

    @property
    def blank(self) -> Floats:
        """The value of each column of a matrix for a customer without any row, shape (columns,)."""
        known = {name: self.fills.get(name) for name in self.customer_names}
        own = [_filled(fill, self.categories.get(name)) for name, fill in known.items()]
        return np.concatenate(
            [np.asarray(own, np.float32), np.tile(self.pairs.defaults, len(self.product_ids))]
        )

    def chunks(self, size: int) -> Iterator[FeatureMatrix]:
        """Give dense chunks of at most `size` customers, in order."""
        for start in range(0, len(self), size):
            yield self.matrix(start, start + size)

    def encoded(self, vocabulary: Vocabulary) -> ComputedFeatures:
        """Return the same features with the columns and the category codes of a fit.

        Raises:
            UsageError: A column of the fit is neither here nor in the feature dictionary.
        """
        if self._fits(vocabulary):
            return self
        values = np.empty((len(self), len(vocabulary.names)), dtype=np.float32)
        for column, name in enumerate(vocabulary.names):
            values[:, column] = self._column(name, vocabulary)
        return replace(
            self,
            customer_names=vocabulary.names,
            customer_values=values,
            categories=vocabulary.categories,
            pairs=self.pairs.of(vocabulary.product_names, self.fills),
        )

    def _fits(self, vocabulary: Vocabulary) -> bool:
        names = self.customer_names == vocabulary.names and self.pairs.names == vocabulary.product_names
        return names and self.categories == vocabulary.categories

    def _column(self, name: str, vocabulary: Vocabulary) -> Floats | float:
        known = vocabulary.categories.get(name)
        if name not in self.customer_names:
            return self._absent(name, known)
        column = self.customer_values[:, self.customer_names.index(name)]
        if known is None:
            return column
        return recoded(self.categories[name], known)[column.astype(np.int32)]

    def _absent(self, name: str, known: tuple[str, ...] | None) -> float:
        return _filled(_known_fill(name, self.fills), known)


def _known_fill(name: str, fills: Mapping[str, float | str | None]) -> float | str | None:
    if name not in fills:
        raise UsageError(
            f"the fitted feature {name} is missing: the tables no longer have its column",
            remedy="import files with the same columns, or fit anew",
            code="feature-missing",
        )
    return fills[name]


def _filled(fill: float | str | None, known: tuple[str, ...] | None) -> float:
    """Return what stands for an absent value of a column; `known` are the values of a category."""
    if known is not None:
        return float(known.index(fill)) if isinstance(fill, str) and fill in known else UNKNOWN
    return _number(fill)


def _number(fill: float | str | None) -> float:
    return float("nan") if fill is None else float(fill)
