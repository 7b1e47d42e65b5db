"""Acquisition rates by score group, beside the overall rate."""

from __future__ import annotations

import numpy as np
import pandas as pd

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.ordered import Ordered


def rate_by_decile(scores: Floats, truth: Flags, groups: int = 10) -> pd.DataFrame:
    """Acquisition rate by score group, best first, against the overall rate.

    Rows of equal score count as if shuffled at random, so a baseline with few different scores is not
    flattered by the order of its input.

    Args:
        scores: (m,) scores or propensities of the rows (customer-product pairs, or customers).
        truth: (m,) acquired or not.
        groups: 10 for deciles.

    Returns:
        One row a group: group, rows, acquisitions, rate, ratio (rate over overall rate), cumulative_share,
        cumulative_ratio. A group without rows, and every ratio when nothing was acquired, is NaN.
    """
    edges = np.linspace(0, len(scores), groups + 1).round().astype(np.int64)
    reached = Ordered.of(-scores, truth).reached(edges)
    rows, acquisitions = np.diff(edges), np.diff(reached)
    with np.errstate(invalid="ignore", divide="ignore"):
        overall = reached[-1] / edges[-1]
        return pd.DataFrame(
            {
                "group": np.arange(1, groups + 1),
                "rows": rows,
                "acquisitions": acquisitions,
                "rate": acquisitions / rows,
                "ratio": acquisitions / rows / overall,
                "cumulative_share": reached[1:] / reached[-1],
                "cumulative_ratio": reached[1:] / edges[1:] / overall,
            }
        )
