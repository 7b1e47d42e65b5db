"""Two means of a randomised comparison, such as money a customer: their difference, with its interval.

What is known before the campaign (a covariate, such as the promised chance) narrows the interval: each arm
has a regression of its own, read at the mean of all customers (Lin, 2013). Standard error and degrees of
freedom are Welch's where there are no covariates. The interval follows the skew of the difference: a few dear
acquisitions in a small control group weigh much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t as student

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate, around
from vipreco.stats.level import LEVEL


@dataclass(frozen=True)
class _Mean:
    """Mean of an arm at the covariates of all customers, with its variance, third moment and freedom."""

    value: float
    variance: float
    third: float
    freedom: int


def difference_of_means(
    outcome: Floats, treated: Flags, covariates: Floats | None = None, level: float = LEVEL
) -> Estimate:
    """Return mean of the treated minus mean of the control group.

    Args:
        outcome: (n,) money, or 0 and 1.
        treated: (n,) whether treated, by lot.
        covariates: (n, k) known before the campaign; constant ones are left out.
        level: Of the interval.

    Returns:
        The estimate; without an interval where an arm has fewer customers than the regression needs.
    """
    if len(outcome) == 0:
        return Estimate(math.nan, lacks="customers")
    design = _design(covariates, len(outcome))
    arms = [design[treated], design[~treated]]
    if min(len(arm) for arm in arms) < design.shape[1] + 1:
        return Estimate(math.nan, lacks="customers")
    first, second = (_mean(arm, outcome[flags]) for arm, flags in zip(arms, (treated, ~treated), strict=True))
    value, variance = first.value - second.value, first.variance + second.variance
    if variance == 0:
        return Estimate(value, lacks="spread")
    error = math.sqrt(variance)
    quantile = float(student.ppf((1 + level) / 2, _freedom(first, second, variance)))
    return around(value, error, quantile, (first.third - second.third) / error**3)


def weighted_difference(outcome: Flags, treated: Flags, weights: Floats, level: float = LEVEL) -> Estimate:
    """Return weighted rate of the treated minus that of the control group, with a normal interval.

    Args:
        outcome: (n,) whether it happened.
        treated: (n,) whether treated.
        weights: (n,) such as inverse probabilities of the arm.
        level: Of the interval.
    """
    arms = [_weighted_rate(outcome[arm], weights[arm]) for arm in (treated, ~treated)]
    value, error = arms[0][0] - arms[1][0], math.sqrt(arms[0][1] + arms[1][1])
    half = float(norm.ppf((1 + level) / 2)) * error
    return Estimate(value, value - half, value + half)


def _weighted_rate(outcome: Flags, weights: Floats) -> tuple[float, float]:
    """Return a weighted rate and the square of its standard error."""
    exact = weights.astype(np.float64)
    rate = float(exact @ outcome / exact.sum())
    return rate, float((exact**2) @ (outcome - rate) ** 2 / exact.sum() ** 2)


def _design(covariates: Floats | None, customers: int) -> Floats:
    """Return a column of ones and the covariates, centred and scaled."""
    ones = np.ones((customers, 1))
    if covariates is None:
        return ones
    spread = covariates.std(axis=0)
    varying = covariates[:, spread > 0]
    scaled = (varying - varying.mean(axis=0)) / spread[spread > 0]
    return np.concatenate([ones, scaled], axis=1)


def _mean(design: Floats, outcome: Floats) -> _Mean:
    """Return the intercept with its moments; the variance is HC2, which is exact for a plain mean."""
    inverse = np.linalg.pinv(design.T @ design)
    residual = outcome - design @ (inverse @ (design.T @ outcome))
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    terms = design @ inverse[:, 0] * residual / np.sqrt(np.maximum(1 - leverage, 1e-9))
    value = float(inverse[0] @ (design.T @ outcome))
    return _Mean(value, float(np.sum(terms**2)), float(np.sum(terms**3)), len(outcome) - design.shape[1])


def _freedom(first: _Mean, second: _Mean, variance: float) -> float:
    """Return the degrees of freedom of Welch and Satterthwaite."""
    parts = first.variance**2 / first.freedom + second.variance**2 / second.freedom
    return variance**2 / parts


def mean_limits(
    mean: Floats, deviation: Floats, customers: Floats, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Return the limits of means by Student's law; NaN where there are fewer than two customers.

    Args:
        mean: Of each group, shape (n,).
        deviation: Standard deviation of the values in each group.
        customers: Of each group.
        level: Of the limits.
    """
    freedom = np.where(customers > 1, customers - 1, np.nan)
    half = student.ppf((1 + level) / 2, freedom) * deviation / np.sqrt(np.maximum(customers, 1))
    return mean - half, mean + half
