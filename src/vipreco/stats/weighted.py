"""Figures of one ranking under weights of its rows, fast enough to be told for a thousand resamples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

AUC, AVERAGE_PRECISION, LIFT = "auc", "average_precision", "lift_10"
TOP_SHARE = 0.1


@dataclass(frozen=True)
class Ranking:
    """Rows in the order of their score, the highest first; equal scores are one group.

    Args:
        order: Rows, best first, shape (n,).
        truth: Whether it happened, in that order, shape (n,).
        starts: Place at which each group of equal scores begins, shape (groups,).
    """

    order: NDArray[np.intp]
    truth: Flags
    starts: NDArray[np.intp]

    @classmethod
    def of(cls, scores: Floats, truth: Flags) -> Self:
        """Order (n,) scores, none of them NaN, with (n,) outcomes."""
        order = np.argsort(-scores, kind="stable")
        ordered = scores[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(ordered) else order[:0]
        return cls(order, truth[order], starts)

    def figures(self, weights: Floats) -> dict[str, float]:
        """Return AUC, average precision, and lift in the best tenth, of weighted rows (n,).

        Rows of equal score count as if shuffled at random. NaN where only one outcome has weight.
        """
        ordered = weights[self.order]
        if not len(ordered):
            return dict.fromkeys((AUC, AVERAGE_PRECISION, LIFT), np.nan)
        total = np.add.reduceat(ordered, self.starts)
        happened = np.add.reduceat(ordered * self.truth, self.starts)
        reached, found = np.cumsum(total), np.cumsum(happened)
        positives, negatives = found[-1], reached[-1] - found[-1]
        if positives <= 0 or negatives <= 0:
            return dict.fromkeys((AUC, AVERAGE_PRECISION, LIFT), np.nan)
        below = negatives - (reached - found) + (total - happened) / 2
        precision = np.divide(found, reached, out=np.zeros_like(found), where=reached > 0)
        top = np.interp(TOP_SHARE * reached[-1], np.append(0.0, reached), np.append(0.0, found))
        return {
            AUC: float(happened @ below / (positives * negatives)),
            AVERAGE_PRECISION: float(happened @ precision / positives),
            LIFT: float(top / positives / TOP_SHARE),
        }


def resampled_weights(
    customers: NDArray[Any], weights: Floats, seed: int, resamples: int
) -> Iterator[Floats]:
    """Give the rows' weights in bootstrap samples of customers; all rows of a customer come along together.

    Args:
        customers: Customer of each row, shape (n,).
        weights: Weight of each row, shape (n,).
        seed: Of the draws.
        resamples: How many.
    """
    _, codes = np.unique(customers.astype(np.str_), return_inverse=True)
    number, random = int(codes.max(initial=-1)) + 1, np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = np.bincount(random.integers(number, size=number), minlength=number)
        yield weights * drawn[codes]
