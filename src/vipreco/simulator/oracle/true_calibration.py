"""Do propensities mean what they say, judged against the true chances and not against draws from them."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.stats import recalibration_to_rates

Floats = NDArray[np.float64]
GROUPS = 10


def true_ratio(propensity: Floats, chance: Floats) -> float:
    """Return sum of propensities over sum of true chances: 1 when the level is right."""
    return float(propensity.sum() / chance.sum()) if chance.sum() else np.nan


def true_slope(propensity: Floats, chance: Floats) -> float:
    """Return the slope of the logistic regression of the true chance on logit(propensity).

    1 is right, below 1: propensities are too extreme. It is what the recalibration slope of a backtest
    comes to with endlessly many outcomes. NaN where all propensities are equal.
    """
    return recalibration_to_rates(propensity, chance).slope


def true_deciles(propensity: Floats, chance: Floats, groups: int = GROUPS) -> pl.DataFrame:
    """Return mean propensity and mean true chance in groups of equally many pairs, the lowest first.

    Returns:
        Rows group, pairs, propensity, chance, ratio (sum of propensities over sum of chances).
    """
    order = np.argsort(propensity, kind="stable")
    parts = [part for part in np.array_split(order, groups) if len(part)]
    return pl.DataFrame(
        {
            "group": list(range(1, len(parts) + 1)),
            "pairs": [len(part) for part in parts],
            "propensity": [float(propensity[part].mean()) for part in parts],
            "chance": [float(chance[part].mean()) for part in parts],
            "ratio": [true_ratio(propensity[part], chance[part]) for part in parts],
        }
    )
