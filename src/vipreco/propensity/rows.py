"""Labelled rows of one or several as-of dates, as the boosters take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledRows:
    """Customers at as-of dates with what they acquired within the horizon.

    Args:
        customer_ids: Shape (n,).
        values: Feature matrix, float32, shape (n, columns).
        acquired: Shape (n, P).
        listable: Could be acquired at all (not held, or repeatable), shape (n, P).
        as_of: As-of date of each row, datetime64[D], shape (n,).
        weights: How many customers the row stands for (sampled rows stand for more than one), shape (n,).
    """

    customer_ids: NDArray[Any]
    values: NDArray[np.float32]
    acquired: Mask
    listable: Mask
    as_of: NDArray[np.datetime64]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.customer_ids)

    def take(self, rows: Mask | NDArray[np.int64]) -> LabelledRows:
        """Return the chosen rows."""
        return LabelledRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def acquirers(self) -> Mask:
        """Rows with at least one acquisition, shape (n,)."""
        return np.asarray(self.acquired.any(axis=1))


def stack(parts: Sequence[LabelledRows]) -> LabelledRows:
    """Put the rows of several dates or chunks under one another."""
    return LabelledRows(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(LabelledRows))
    )
