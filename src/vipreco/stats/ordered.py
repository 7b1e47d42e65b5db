"""Rows in the order of their score, so that a table over millions of rows costs one sort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.stats.arrays import Flags, Floats


@dataclass(frozen=True)
class Ordered:
    """The scores of m rows, ascending, and those of the rows whose acquisition happened.

    Two plain sorts serve every question about thresholds; carrying the outcomes along through an
    indirect sort takes ten times as long.
    """

    scores: Floats
    happened: Floats

    @classmethod
    def of(cls, scores: Floats, truth: Flags) -> Self:
        """Sort (m,) scores with (m,) outcomes."""
        return cls(np.sort(scores), np.sort(scores[truth]))

    def __len__(self) -> int:
        return len(self.scores)

    def edges(self, groups: int) -> NDArray[np.int64]:
        """Borders of `groups` groups of equally many rows; fewer groups when there are fewer rows."""
        return np.unique(np.linspace(0, len(self), groups + 1).round().astype(np.int64))

    def reached(self, edges: NDArray[np.int64]) -> NDArray[np.float64]:
        """Acquisitions among the lowest `edges` rows; rows of equal score count as if shuffled at random."""
        if len(self) == 0:
            return np.zeros(len(edges))
        score = self.scores[np.maximum(edges - 1, 0)]
        first, last = self._places(self.scores, score)
        below, until = self._places(self.happened, score)
        return below + (edges - first) / (last - first) * (until - below)

    def sums(self, edges: NDArray[np.int64], values: Floats) -> NDArray[np.float64]:
        """Sum of `values`, given in the order of `scores`, from the start to each edge."""
        return np.insert(np.cumsum(values, dtype=np.float64), 0, 0.0)[edges]

    def mid_ranks(self) -> NDArray[np.float64]:
        """Rank from 1 of each row that happened, among all rows; equal scores share their mean rank."""
        first, last = self._places(self.scores, self.happened)
        return (first + last + 1) / 2

    @staticmethod
    def _places(within: Floats, score: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        left, right = (np.searchsorted(within, score, side=side) for side in ("left", "right"))
        return left.astype(np.float64), right.astype(np.float64)
