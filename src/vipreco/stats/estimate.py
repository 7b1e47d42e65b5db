"""A number with its interval, or with the reason why it has none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from vipreco.stats.arrays import Floats
from vipreco.stats.level import LEVEL

NO_RESAMPLES, NO_CUSTOMERS = "no resamples", "customers"
NO_TILT = 1e-9


@dataclass(frozen=True)
class Estimate:
    """A number and its interval; NaN ends and a reason where the data carry none.

    Args:
        value: The estimate; NaN where even that means nothing.
        low: Lower end of the interval.
        high: Upper end of the interval.
        lacks: Why there is no interval; empty if there is one.
        customers: Customers that it is a mean or ratio over; None where that is counted elsewhere.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    lacks: str = ""
    customers: int | None = None

    def __str__(self) -> str:
        if self.lacks:
            return f"not enough data ({self.lacks})"
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"

    @property
    def known(self) -> bool:
        """True if there is an interval."""
        return not self.lacks

    @property
    def excludes_zero(self) -> bool:
        """True if the interval lies on one side of 0."""
        return self.known and (self.low > 0 or self.high < 0)

    def times(self, factor: float) -> Estimate:
        """Return the estimate in another unit; `factor` is positive."""
        ends = (self.value * factor, self.low * factor, self.high * factor)
        return Estimate(*ends, self.lacks, self.customers)

    def p_value(self, level: float = LEVEL) -> float:
        """Return the two-sided p-value of 0, by the normal law of the interval; NaN without one."""
        if not self.known:
            return math.nan
        error = (self.high - self.low) / 2 / float(norm.ppf((1 + level) / 2))
        return 2 * float(norm.sf(abs(self.value) / error)) if error > 0 else math.nan


def around(value: float, error: float, quantile: float, tilt: float) -> Estimate:
    """Return an interval around an estimate that is skewed, by the transformation of Hall (1992).

    Where few acquisitions weigh much, an interval as long on both sides misses the truth on one of them.

    Args:
        value: The estimate.
        error: Its standard error.
        quantile: How many standard errors the interval would reach without any skew.
        tilt: Skewness of the estimate, that is of its terms over the root of their number.
    """
    return Estimate(
        value, value - error * _untilted(quantile, tilt), value - error * _untilted(-quantile, tilt)
    )


def _untilted(quantile: float, tilt: float) -> float:
    """Return the studentised value that Hall's transformation takes to `quantile`."""
    if abs(tilt) < NO_TILT:
        return quantile
    return 3 / tilt * (float(np.cbrt(1 + tilt * (quantile - tilt / 6))) - 1)


def percentiles(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """Return the ends that hold the share `level` of the values; NaN without any value."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
