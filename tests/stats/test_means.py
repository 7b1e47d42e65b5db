"""Differences of means against scipy, against least squares written out, and against simulated campaigns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student, ttest_ind

from vipreco.stats import difference_of_means


def campaign(seed: int, customers: int = 1500, effect: float = 3.0) -> tuple[Any, Any, Any]:
    """Outcome with a skewed part that is known before, and one that is not; one in four is control."""
    random = np.random.default_rng(seed)
    known = random.exponential(5, customers)
    treated = random.random(customers) < 0.75
    outcome = known * 2 + random.exponential(4, customers) + effect * treated
    return outcome, treated, known[:, None]


def test_without_covariates_or_skew_it_is_welchs_interval() -> None:
    """Mirrored outcomes have no skew in either arm."""
    drawn = np.random.default_rng(1).normal(0, 1, 20)
    outcome = np.concatenate([3 + drawn, 3 - drawn, 2 * drawn[:7], -2 * drawn[:7]])
    treated = np.arange(54) < 40
    found = difference_of_means(outcome, treated)
    theirs = ttest_ind(outcome[treated], outcome[~treated], equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.value == pytest.approx(3.0)


def test_with_skew_halls_transformation_turns_the_ends_back_into_welchs() -> None:
    outcome, treated, _ = campaign(1, 60)
    found = difference_of_means(outcome, treated)
    theirs = ttest_ind(outcome[treated], outcome[~treated], equal_var=False)
    error, thirds = 0.0, 0.0
    for arm, sign in ((outcome[treated], 1), (outcome[~treated], -1)):
        terms = (arm - arm.mean()) / len(arm) * np.sqrt(len(arm) / (len(arm) - 1))
        error, thirds = error + np.sum(terms**2), thirds + sign * np.sum(terms**3)
    tilt = thirds / error**1.5
    quantile = student.ppf(0.975, theirs.df)
    for end, expected in ((found.low, quantile), (found.high, -quantile)):
        t = (found.value - end) / np.sqrt(error)
        assert t + tilt * t**2 / 3 + tilt**2 * t**3 / 27 + tilt / 6 == pytest.approx(expected)


def test_dear_acquisitions_of_a_small_control_group_give_false_alarms_as_rarely_as_they_should() -> None:
    """Welch's interval, as long on both sides, gives nearly all of its alarms on one side."""
    random = np.random.default_rng(9)
    above = below = too_high = 0
    for _ in range(1500):
        treated = random.random(1500) >= 0.1
        outcome = (random.random(1500) < 0.15) * random.lognormal(4, 0.5, 1500)
        found = difference_of_means(outcome, treated)
        above, below = above + (found.low > 0), below + (found.high < 0)
        welch = ttest_ind(outcome[treated], outcome[~treated], equal_var=False)
        too_high += welch.pvalue < 0.05 and welch.statistic > 0
    assert 0.012 <= above / 1500 <= 0.038
    assert 0.012 <= below / 1500 <= 0.038
    assert too_high > 1.5 * above


def test_with_covariates_the_value_is_that_of_one_regression_with_interactions() -> None:
    outcome, treated, known = campaign(2)
    centred = known[:, 0] - known.mean()
    flags = treated.astype(float)
    design = np.column_stack([np.ones_like(flags), flags, centred, flags * centred])
    expected = np.linalg.lstsq(design, outcome, rcond=None)[0][1]
    assert difference_of_means(outcome, treated, known).value == pytest.approx(expected)


def test_what_is_known_before_narrows_the_interval_and_both_cover() -> None:
    plain, adjusted = [], []
    for seed in range(400):
        outcome, treated, known = campaign(seed)
        plain.append(difference_of_means(outcome, treated))
        adjusted.append(difference_of_means(outcome, treated, known))
    for found in (plain, adjusted):
        assert 0.92 <= np.mean([one.low <= 3.0 <= one.high for one in found]) <= 0.98
    widths = [np.mean([one.high - one.low for one in found]) for found in (plain, adjusted)]
    assert widths[1] < 0.5 * widths[0]


def test_a_constant_covariate_changes_nothing() -> None:
    outcome, treated, _ = campaign(3, 80)
    constant = np.ones((80, 1))
    assert difference_of_means(outcome, treated, constant) == difference_of_means(outcome, treated)


def test_too_few_customers_or_no_spread_have_no_interval() -> None:
    one = difference_of_means(np.array([1.0, 2.0]), np.array([True, False]))
    assert (one.lacks, one.known) == ("customers", False)
    nobody = difference_of_means(np.zeros(0), np.zeros(0, np.bool_), np.zeros((0, 1)))
    assert nobody.lacks == "customers"
    same = difference_of_means(np.zeros(10), np.arange(10) < 5)
    assert (same.value, same.lacks) == (0.0, "spread")
