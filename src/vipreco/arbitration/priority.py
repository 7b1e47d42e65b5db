"""priority = propensity x value: what offers are ordered by."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vipreco.project import Section


class ArbitrationSettings(Section):
    """What an acquisition counts for.

    Args:
        value: `none` orders by propensity alone; `unit_value` multiplies it by the product's
            `unit_value_amount`, so that the priority is an expected amount of money.
    """

    value: Literal["none", "unit_value"] = "none"


def priority(
    propensity: NDArray[np.floating[Any]], unit_values: NDArray[np.float64], settings: ArbitrationSettings
) -> NDArray[np.float64]:
    """Return the priority of each pair, shape (n, P).

    Args:
        propensity: P(acquire within the horizon), shape (n, P).
        unit_values: Value of one acquisition in the bank's currency, NaN where unknown, shape (P,).
        settings: What an acquisition counts for. A product without a known value counts for nothing.
    """
    if settings.value == "none":
        return np.asarray(propensity, np.float64)
    return np.asarray(propensity * np.nan_to_num(unit_values, nan=0.0), np.float64)
