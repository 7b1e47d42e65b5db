"""Facts for the rules: about n customers, P products and their pairs at one date, in one channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.policy.columns import PUBLIC_CHANNELS, Grain, Kind, PolicyColumn

Pairs: TypeAlias = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True)
class PolicyFacts:
    """Facts in named columns; a column that is not there was not present by the bank at all.

    Args:
        as_of: Date whose knowledge is used.
        channel: Channel of the offers.
        customers: One row a customer, columns `customer_*`; null = unknown.
        products: One row a product, columns `product_*`; null = unknown.
        pairs: Arrays of shape (n, P) by `pair_*`: flags as booleans, numbers as they are; in float arrays NaN
            = unknown, flags there are 0 and 1.
    """

    as_of: date
    channel: str
    customers: pl.DataFrame
    products: pl.DataFrame
    pairs: Pairs

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of customers and products."""
        return self.customers.height, self.products.height

    @cached_property
    def context(self) -> dict[str, object]:
        """The facts of the question itself."""
        return {
            "context_channel": self.channel,
            "context_public_channel": self.channel in PUBLIC_CHANNELS,
            "context_as_of_date": self.as_of,
        }

    @cached_property
    def present(self) -> frozenset[str]:
        """Names of the columns that are there."""
        return frozenset((*self.context, *self.customers.columns, *self.products.columns, *self.pairs))

    def rows(self, rows: slice) -> PolicyFacts:
        """Return the same about a stretch of the customers, without a copy."""
        pairs = {name: values[rows] for name, values in self.pairs.items()}
        return replace(self, customers=self.customers[rows], pairs=pairs)

    def take(self, rows: NDArray[np.intp]) -> PolicyFacts:
        """Return the same about the customers at some places, in that order."""
        pairs = {name: values[rows] for name, values in self.pairs.items()}
        return replace(self, customers=self.customers[rows], pairs=pairs)

    def sample(self, customers: int, seed: int) -> PolicyFacts:
        """Return the same about at most so many customers, chosen at random, in their order."""
        count = min(customers, self.customers.height)
        chosen = np.random.default_rng(seed).choice(self.customers.height, count, replace=False)
        chosen.sort()
        return self.take(chosen)

    def value(self, name: str, row: int, column: int) -> object:
        """Return one fact of a pair as a Python value; None = unknown."""
        if name in self.context:
            return self.context[name]
        if name in self.customers.columns:
            return self.customers[name][row]
        if name in self.products.columns:
            return self.products[name][column]
        value = self.pairs[name][row, column].item() if name in self.pairs else None
        return None if value != value else value  # noqa: PLR0124  NaN = unknown

    def frame(self, grain: Grain, columns: Iterable[PolicyColumn]) -> pl.DataFrame:
        """Return the columns asked for, one row a customer, product, or pair (by customer, then product)."""
        customers, products = self.shape
        height = {Grain.CUSTOMER: customers, Grain.PAIR: customers * products}.get(grain, products)
        series = [self._series(column, grain).alias(column.name) for column in columns]
        long = [one if len(one) == height else one.new_from_index(0, height) for one in series]
        return pl.DataFrame(long or None, height=height)

    def _series(self, column: PolicyColumn, grain: Grain) -> pl.Series:
        """Return a column as long as the frame of the grain, or of one value that is the same everywhere."""
        if column.name in self.context:
            return pl.Series([self.context[column.name]], dtype=column.dtype)
        if column.name not in self.present:
            return pl.Series([None], dtype=column.dtype)
        if column.grain is Grain.PAIR:
            return flat_series(self.pairs[column.name], column.kind)
        table = self.customers if column.grain is Grain.CUSTOMER else self.products
        own = table[column.name]
        others = self.customers.height * self.products.height // max(len(own), 1)
        return own if grain is not Grain.PAIR or others == 1 else self._spread(own, column.grain)

    def _spread(self, values: pl.Series, grain: Grain) -> pl.Series:
        """Return the values of customers or products for each pair."""
        if len(values) == 1:
            return values
        return values.gather(self._places[0 if grain is Grain.CUSTOMER else 1])

    @cached_property
    def _places(self) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        customers, products = self.shape
        rows, columns = np.arange(customers, dtype=np.uint32), np.arange(products, dtype=np.uint32)
        return np.repeat(rows, products), np.tile(columns, customers)


def flat_series(values: NDArray[np.generic], kind: Kind) -> pl.Series:
    """Return an (n, P) array as one column, NaN as null."""
    series = pl.Series(values.ravel())
    if series.dtype.is_float():
        series = series.fill_nan(None)
    return series.cast(pl.Boolean if kind is Kind.FLAG else pl.Float64)
