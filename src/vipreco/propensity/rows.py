"""Labelled rows of one or several as-of dates, as the boosters take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.propensity.streamed_rows import StreamedRows, chosen_rows

Mask = NDArray[np.bool_]
Chosen: TypeAlias = Mask | NDArray[np.int64]


class Rows(Protocol):
    """Labelled rows, or some of them: what the boosters learn from."""

    @property
    def values(self) -> NDArray[np.float32]:
        """Feature matrix, shape (n, columns)."""

    @property
    def examples(self) -> NDArray[np.float32] | StreamedRows:
        """Feature matrix for a booster to learn from; very large choices are taken row by row."""

    @property
    def acquired(self) -> Mask:
        """Products acquired, shape (n, P)."""

    @property
    def listable(self) -> Mask:
        """Products that could be acquired, shape (n, P)."""

    @property
    def customer_ids(self) -> NDArray[Any]:
        """Customers, shape (n,)."""

    @property
    def as_of(self) -> NDArray[np.datetime64]:
        """As-of date of each row, shape (n,)."""

    @property
    def weights(self) -> NDArray[np.float32]:
        """Customers that each row stands for, shape (n,)."""

    @property
    def acquirers(self) -> Mask:
        """Rows with at least one acquisition, shape (n,)."""

    def take(self, rows: Chosen) -> Self:
        """Return the chosen rows."""

    def __len__(self) -> int: ...


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

    def take(self, rows: Chosen) -> LabelledRows:
        """Return the chosen rows."""
        return LabelledRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def uncopied(self) -> SomeRows:
        """The same rows, of which `take` copies no feature matrix before it is asked for.

        Of 600,000 rows with 940 columns the matrix takes 2.3 GB; a fit chooses among them eight times.
        """
        return SomeRows(self)

    @property
    def examples(self) -> NDArray[np.float32]:
        """Feature matrix for a booster to learn from."""
        return self.values

    @property
    def acquirers(self) -> Mask:
        """Rows with at least one acquisition, shape (n,)."""
        return np.asarray(self.acquired.any(axis=1))


@dataclass(frozen=True)
class SomeRows:
    """Some of the rows of a matrix that is not copied.

    Args:
        whole: All rows.
        indices: Those that are meant, in order, each as often as it is there; None: all.
    """

    whole: LabelledRows
    indices: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.whole) if self.indices is None else len(self.indices)

    @property
    def values(self) -> NDArray[np.float32]:
        """Feature matrix; a copy, unless all rows are meant."""
        return self._of(self.whole.values)

    @property
    def examples(self) -> NDArray[np.float32] | StreamedRows:
        """Feature matrix for a booster to learn from; very large ones are taken row by row."""
        return self.values if self.indices is None else chosen_rows(self.whole.values, self.indices)

    @cached_property
    def acquired(self) -> Mask:
        """Products acquired."""
        return self._of(self.whole.acquired)

    @cached_property
    def listable(self) -> Mask:
        """Products that could be acquired."""
        return self._of(self.whole.listable)

    @cached_property
    def customer_ids(self) -> NDArray[Any]:
        """Customers."""
        return self._of(self.whole.customer_ids)

    @cached_property
    def as_of(self) -> NDArray[np.datetime64]:
        """As-of date of each row."""
        return self._of(self.whole.as_of)

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """Customers that each row stands for."""
        return self._of(self.whole.weights)

    @cached_property
    def acquirers(self) -> Mask:
        """Rows with at least one acquisition."""
        return np.asarray(self.acquired.any(axis=1))

    def take(self, rows: Chosen) -> SomeRows:
        """Return the chosen rows."""
        chosen = np.flatnonzero(rows) if rows.dtype == bool else np.asarray(rows, np.int64)
        if self.indices is None and len(chosen) == len(self) and rows.dtype == bool:
            return self
        return SomeRows(self.whole, chosen if self.indices is None else self.indices[chosen])

    def _of(self, values: NDArray[Any]) -> NDArray[Any]:
        return values if self.indices is None else values[self.indices]


def stack(parts: Sequence[LabelledRows]) -> LabelledRows:
    """Put the rows of several dates or chunks under one another."""
    return LabelledRows(
        *(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(LabelledRows))
    )
