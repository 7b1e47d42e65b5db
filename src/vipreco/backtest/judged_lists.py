"""Lists of a model as ranking metrics see them: where acquired products stand, and what is listed at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vipreco.stats import Flags, Floats, acquired_ranks, listed


@dataclass(frozen=True)
class JudgedLists:
    """Lists of n judged customers by one model; every ranking metric follows from them.

    Scores of all products take a hundred times as much memory: few customers acquire anything in a month.

    Args:
        ranks: Place of each acquired product in its customer's list, row by row, 0 where it is not listable,
            shape (m,).
        covered: Products that are among the first k of anybody, shape (P,).
    """

    ranks: NDArray[np.int16]
    covered: Flags

    @classmethod
    def of(cls, scores: Floats, truth: Flags, listable: Flags, k: int) -> Self:
        """Return the lists by scores of n customers and P products.

        Args:
            scores: Numbers whose order alone counts, shape (n, P).
            truth: What was acquired, shape (n, P).
            listable: What may be listed, shape (n, P).
            k: Length of the lists.

        Raises:
            ValueError: The shapes differ, or the score of a listable product is NaN or infinite.
        """
        ranks = acquired_ranks(scores, truth, listable)
        return cls(ranks.astype(np.int16), np.asarray(listed(scores, listable, k).any(axis=0)))

    @classmethod
    def together(cls, parts: Sequence[JudgedLists]) -> Self:
        """Return the lists of customers who follow one another."""
        covered = np.stack([part.covered for part in parts]).any(axis=0)
        return cls(np.concatenate([part.ranks for part in parts]), np.asarray(covered))
