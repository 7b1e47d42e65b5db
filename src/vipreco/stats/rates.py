"""Two rates of a randomised comparison: their difference and ratio, with intervals that cover.

The intervals are those of Miettinen and Nurminen (1985): all differences (ratios) that a score test does not
refuse, where the two rates are estimated under the difference (ratio) that is tested. They keep their promise
with few acquisitions and with a small control group, where the usual ones do not. Everything works on arrays:
one place a subgroup.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from vipreco.stats.arrays import Floats
from vipreco.stats.level import LEVEL

HALVINGS = 40
WIDEST_RATIO = np.log(1e6)
Score = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Intervals:
    """Estimates with their intervals, a place a subgroup; NaN where an arm is empty."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class ArmCounts:
    """Customers of both arms, and those of them who acquired; a place a subgroup."""

    treated: Floats
    treated_acquired: Floats
    control: Floats
    control_acquired: Floats

    @classmethod
    def of(
        cls, treated: ArrayLike, treated_acquired: ArrayLike, control: ArrayLike, control_acquired: ArrayLike
    ) -> ArmCounts:
        """Take whole numbers or arrays of them."""
        given = (treated, treated_acquired, control, control_acquired)
        return cls(*(np.atleast_1d(np.asarray(one, np.float64)) for one in given))

    @property
    def treated_rate(self) -> Floats:
        """Rate of the treated; NaN without any."""
        return _share(self.treated_acquired, self.treated)

    @property
    def control_rate(self) -> Floats:
        """Rate of the control group; NaN without any."""
        return _share(self.control_acquired, self.control)

    @property
    def correction(self) -> Floats:
        """Factor that makes the variance unbiased: all customers over all but one."""
        total = self.treated + self.control
        return total / np.maximum(total - 1, 1)


def difference_of_rates(counts: ArmCounts, level: float = LEVEL) -> Intervals:
    """Return treated rate minus control rate."""
    value = counts.treated_rate - counts.control_rate
    critical = float(norm.ppf((1 + level) / 2))

    def score(difference: Floats) -> Floats:
        return _difference_score(counts, difference)

    low = _crossing(score, np.full_like(value, -1.0), value, critical)
    high = _crossing(score, value, np.full_like(value, 1.0), -critical)
    return _known(counts, Intervals(value, low, high))


def ratio_of_rates(counts: ArmCounts, level: float = LEVEL) -> Intervals:
    """Return treated rate over control rate; the upper end is infinite where nobody of control acquired."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = counts.treated_rate / counts.control_rate
        centre = np.clip(np.log(value), -WIDEST_RATIO, WIDEST_RATIO)
    critical = float(norm.ppf((1 + level) / 2))
    centre = np.nan_to_num(centre)

    def score(logarithm: Floats) -> Floats:
        return _ratio_score(counts, np.exp(logarithm))

    low = np.exp(_crossing(score, np.full_like(value, -WIDEST_RATIO), centre, critical))
    high = np.exp(_crossing(score, centre, np.full_like(value, WIDEST_RATIO), -critical))
    low = np.where(counts.treated_acquired == 0, 0.0, low)
    high = np.where(counts.control_acquired == 0, np.inf, high)
    return _known(counts, Intervals(value, low, high))


def p_values(counts: ArmCounts) -> Floats:
    """Return the two-sided p-value of "no difference"; NaN where an arm is empty, 1 where nobody acquired."""
    p: Floats = 2 * norm.sf(np.abs(_difference_score(counts, np.zeros_like(counts.treated))))
    return np.where((counts.treated > 0) & (counts.control > 0), p, np.nan)


def rate_interval(acquired: ArrayLike, customers: ArrayLike, level: float = LEVEL) -> Intervals:
    """Return single rates with Wilson's interval; NaN without customers."""
    number = np.atleast_1d(np.asarray(customers, np.float64))
    share = _share(np.atleast_1d(np.asarray(acquired, np.float64)), number)
    square = float(norm.ppf((1 + level) / 2)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (share + square / (2 * number)) / (1 + square / number)
        half = np.sqrt(square * (share * (1 - share) + square / (4 * number)) / number) / (
            1 + square / number
        )
    return Intervals(share, np.clip(centre - half, 0, share), np.clip(centre + half, share, 1))


def poisson_limits(counts: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the exact limits of the expectation behind Poisson counts (Garwood, 1936)."""
    observed, tail = np.asarray(counts, np.float64), (1 - level) / 2
    low = np.where(observed > 0, chi2.ppf(tail, np.maximum(2 * observed, 1)) / 2, 0.0)
    return low, np.asarray(chi2.ppf(1 - tail, 2 * observed + 2) / 2, np.float64)


def average_poisson_limits(counts: ArrayLike, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return limits that cover the expectation behind Poisson counts as often as stated on average.

    The exact ones cover too often where counts are small; these are Jeffreys'. Counts need not be whole.
    """
    observed, tail = np.asarray(counts, np.float64), (1 - level) / 2
    low = np.where(observed > 0, chi2.ppf(tail, 2 * observed + 1) / 2, 0.0)
    return low, np.asarray(chi2.ppf(1 - tail, 2 * observed + 1) / 2, np.float64)


def p_value_of_count(observed: float, expected: float, variance: float) -> float:
    """Return the two-sided p-value of a count by its expectation and variance; NaN without variance."""
    if not variance > 0:
        return math.nan
    return 2 * float(norm.sf(abs(observed - expected) / math.sqrt(variance)))


def holm(p: Floats) -> Floats:
    """Return p-values that hold for all of them together (Holm, 1979); NaN takes no part.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted = np.full_like(p, np.nan)
    places = np.flatnonzero(~np.isnan(p))
    order = places[np.argsort(p[places], kind="stable")]
    stepped = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1))
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _difference_score(counts: ArmCounts, difference: Floats) -> Floats:
    """Return the score statistic under a difference; it falls as the difference grows."""
    treated, control = _under_difference(counts, difference)
    spread = treated * (1 - treated) / counts.treated + control * (1 - control) / counts.control
    away = counts.treated_rate - counts.control_rate - difference
    return _standardised(away, spread * counts.correction)


def _under_difference(counts: ArmCounts, difference: Floats) -> tuple[Floats, Floats]:
    """Return the likeliest rates with this difference (Farrington and Manning, 1990)."""
    first, second = counts.treated_rate, counts.control_rate
    with np.errstate(divide="ignore", invalid="ignore"):
        size = counts.control / counts.treated
        a = 1 + size
        b = -(1 + size + first + size * second + difference * (size + 2))
        c = difference**2 + difference * (2 * first + size + 1) + first + size * second
        d = -first * difference * (1 + difference)
        v = (b / (3 * a)) ** 3 - b * c / (6 * a**2) + d / (2 * a)
        u = np.where(v >= 0, 1, -1) * np.sqrt(np.maximum((b / (3 * a)) ** 2 - c / (3 * a), 0))
        angle = np.arccos(np.clip(np.nan_to_num(v / u**3), -1, 1))
        rate = 2 * u * np.cos((np.pi + angle) / 3) - b / (3 * a)
    treated = np.clip(rate, np.maximum(0, difference), np.minimum(1, 1 + difference))
    return treated, treated - difference


def _ratio_score(counts: ArmCounts, ratio: Floats) -> Floats:
    """Return the score statistic under a ratio; it falls as the ratio grows."""
    a = (counts.treated + counts.control) * ratio
    b = counts.treated * ratio + counts.treated_acquired + counts.control + counts.control_acquired * ratio
    c = counts.treated_acquired + counts.control_acquired
    with np.errstate(divide="ignore", invalid="ignore"):
        control = 2 * c / (b + np.sqrt(np.maximum(b**2 - 4 * a * c, 0)))
        control = np.clip(control, 0, np.minimum(1, 1 / ratio))
        treated = ratio * control
        spread = (
            treated * (1 - treated) / counts.treated + ratio**2 * control * (1 - control) / counts.control
        )
    return _standardised(counts.treated_rate - ratio * counts.control_rate, spread * counts.correction)


def _standardised(away: Floats, variance: Floats) -> Floats:
    """Return `away` in standard errors; certain where there is no spread, 0 where there is nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = away / np.sqrt(np.maximum(variance, 0))
    return np.where(np.abs(away) < 1e-15, 0.0, np.nan_to_num(score, nan=0.0))


def _crossing(score: Score, low: Floats, high: Floats, target: float) -> Floats:
    """Return where a falling score passes `target` between `low` and `high`, by halving."""
    below, above = low.copy(), high.copy()
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        beyond = score(middle) > target
        below, above = np.where(beyond, middle, below), np.where(beyond, above, middle)
    return (below + above) / 2


def _known(counts: ArmCounts, ends: Intervals) -> Intervals:
    """Return NaN where an arm is empty."""
    unknown = (counts.treated == 0) | (counts.control == 0)
    return Intervals(*(np.where(unknown, np.nan, one) for one in (ends.value, ends.low, ends.high)))


def _share(part: Floats, whole: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = part / whole
    return share
