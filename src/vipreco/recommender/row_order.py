"""One order of rows that come from several parts: date by date, the customers of a date by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vipreco.recommender.panels import Arrays

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class RowOrder:
    """Indices of the rows of each date and part among all rows.

    Args:
        indices: By date and part, those of its rows.
    """

    indices: tuple[tuple[Indices, ...], ...]

    @classmethod
    def of(cls, parts: Sequence[Arrays], dates: int) -> Self:
        """Return the order of rows whose customers stand in `<date>.ids`."""
        found, start = [], 0
        for date in range(dates):
            ids = [part[f"{date}.ids"] for part in parts]
            rank = np.argsort(np.argsort(np.concatenate(ids), kind="stable"), kind="stable")
            ends = np.cumsum([len(own) for own in ids])
            found.append(tuple(start + own for own in np.split(rank, ends[:-1])))
            start += len(rank)
        return cls(tuple(found))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return sum(len(own) for date in self.indices for own in date)

    def whole(self, date: int) -> Indices:
        """Return the indices of the rows of all parts of a date, part after part."""
        return np.concatenate(self.indices[date])
