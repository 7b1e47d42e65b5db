"""AUC, average precision and top-decile ratio of weighted rows, quick enough for a thousand resamples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vipreco.stats.arrays import Flags, Floats

AUC, AVERAGE_PRECISION, TOP_DECILE = "auc", "average_precision", "top_decile_ratio"
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
        """Return AUC, average precision and top-decile ratio of weighted rows (n,).

        The ratio is the rate of the best tenth over the rate of all rows.

        Rows of equal score count as if shuffled at random. NaN where only one outcome has weight.
        """
        ordered = weights[self.order]
        if not len(ordered):
            return dict.fromkeys((AUC, AVERAGE_PRECISION, TOP_DECILE), np.nan)
        total = np.add.reduceat(ordered, self.starts)
        happened = np.add.reduceat(ordered * self.truth, self.starts)
        reached, found = np.cumsum(total), np.cumsum(happened)
        positives, negatives = found[-1], reached[-1] - found[-1]
        if positives <= 0 or negatives <= 0:
            return dict.fromkeys((AUC, AVERAGE_PRECISION, TOP_DECILE), np.nan)
        below = negatives - (reached - found) + (total - happened) / 2
        precision = np.divide(found, reached, out=np.zeros_like(found), where=reached > 0)
        top = np.interp(TOP_SHARE * reached[-1], np.append(0.0, reached), np.append(0.0, found))
        return {
            AUC: float(happened @ below / (positives * negatives)),
            AVERAGE_PRECISION: float(happened @ precision / positives),
            TOP_DECILE: float(top / positives / TOP_SHARE),
        }
