"""Facts of the rules given as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.policy import PolicyFacts
from vipreco.policy.columns import PolicyColumn, named


def facts_of_records(
    as_of: date,
    channel: str,
    customers: Sequence[Mapping[str, Any]],
    products: Sequence[Mapping[str, Any]],
    pairs: Mapping[str, Sequence[Sequence[Any]]],
    own: Iterable[PolicyColumn] = (),
) -> PolicyFacts:
    """Return facts given as plain values.

    Args:
        as_of: Date whose knowledge is used.
        channel: Channel of the offers.
        customers: A mapping a customer, from column to value; None = unknown.
        products: The same for products.
        pairs: For each column, a list of values for each customer; None = unknown.
        own: Columns of the bank's own that its rule files declare (`Policy.own`).
    """
    own = tuple(own)
    return PolicyFacts(
        as_of,
        channel,
        _frame(customers, own),
        _frame(products, own),
        {name: _array(values) for name, values in pairs.items()},
    )


def _frame(records: Sequence[Mapping[str, Any]], own: Iterable[PolicyColumn]) -> pl.DataFrame:
    names = dict.fromkeys(name for record in records for name in record)
    return pl.DataFrame(
        [
            pl.Series(name, [record.get(name) for record in records], dtype=named(name, own).dtype)
            for name in names
        ]
    ).with_columns(pl.col(pl.Float64).fill_nan(None))


def _array(values: Sequence[Sequence[Any]]) -> NDArray[np.generic]:
    rows = [[np.nan if value is None else value for value in row] for row in values]
    return np.array(rows, np.float64)
