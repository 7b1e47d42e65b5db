"""Cells of facts, in the order of the customers they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import PRODUCT_ID

DATE, PLACE, TEXT = "_date", "_place", "_text_"  # beside a bank's own columns, any name
Columns: TypeAlias = dict[str, NDArray[Any]]
"""Place, product, date and cells (as text) of some rows, by column; the Python values as objects."""


@dataclass(frozen=True)
class Cells:
    """One cell of each of n customers; None where there is none.

    Args:
        dates: Dates of the rows, shape (n,).
        values: What stands there, as text, shape (n,).
        products: Products that the rows are about, shape (n,).
        there: Which customers have the cell, shape (n,).
    """

    dates: NDArray[Any]
    values: NDArray[Any]
    products: NDArray[Any]
    there: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Columns | None, column: str, customers: int) -> Cells:
        """Bring rows into the order of n customers.

        Args:
            rows: At most one a customer; None: there are none. A column may have a date of its own.
            column: Which column is the value; where it is empty there is no cell.
            customers: How many there are.
        """
        dates, values, products = (np.full(customers, None, object) for _ in range(3))
        there = np.zeros(customers, bool)
        if rows is not None:
            found = rows[TEXT + column]
            known = np.array([value is not None for value in found.tolist()], bool)
            places = rows[PLACE][known].astype(np.intp)
            dates[places] = rows[DATE + column if DATE + column in rows else DATE][known]
            values[places] = found[known]
            products[places] = rows[PRODUCT_ID][known]
            there[places] = True
        return cls(dates, values, products, there)


def columns_of(rows: pl.DataFrame) -> Columns:
    """Return the columns of some rows, for `Cells.of`."""
    return {name: np.array(values, object) for name, values in rows.to_dict(as_series=False).items()}
