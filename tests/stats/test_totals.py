"""Sums over customers who each decide by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from vipreco.stats import mean_limits, totals_of_chances


def test_expected_totals_are_sums_and_a_certain_event_has_no_spread() -> None:
    count, amount = totals_of_chances(np.array([0.5, 0.25, 0.0]), np.array([100.0, 40.0, 1e9]))
    assert (count.value, amount.value) == (0.75, 60.0)
    sure, paid = totals_of_chances(np.array([1.0, 1.0]), np.array([3.0, np.nan]))
    assert (sure.low, sure.value, sure.high) == (2, 2, 2)
    assert (paid.low, paid.value, paid.high) == (3, 3, 3)


def test_the_interval_of_equal_chances_is_that_of_the_binomial_law() -> None:
    count, amount = totals_of_chances(np.full(200, 0.1), np.full(200, 5.0), seed=3)
    low, high = binom.ppf([0.025, 0.975], 200, 0.1)
    assert (count.low, count.high) == pytest.approx((low, high), abs=1)
    assert (amount.low, amount.high) == pytest.approx((count.low * 5, count.high * 5))


def test_nobody_has_no_interval() -> None:
    count, amount = totals_of_chances(np.zeros(0), np.zeros(0))
    assert (count.value, amount.value, count.known) == (0.0, 0.0, False)


def test_limits_of_a_mean_follow_student() -> None:
    # 4 values 1, 2, 3, 4: mean 2.5, deviation 1.2910, t(3) = 3.1824
    low, high = mean_limits(np.array([2.5]), np.array([1.2909944]), np.array([4.0]))
    assert (low[0], high[0]) == pytest.approx((2.5 - 2.0543, 2.5 + 2.0543), abs=1e-4)
    assert np.isnan(mean_limits(np.array([1.0]), np.array([np.nan]), np.array([1.0]))[0][0])
