"""Intervals of two rates against published ones, a numerical search, and simulated campaigns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from vipreco.stats import ArmCounts, p_values
from vipreco.stats.rates import difference_of_rates, holm, rate_interval, ratio_of_rates

# treated, treated_acquired, control, control_acquired, low, high: method 6 of Newcombe (1998), table II.
PUBLISHED = [
    (70, 56, 80, 48, 0.0528, 0.3382),
    (10, 9, 10, 3, 0.1700, 0.8406),
    (56, 5, 29, 0, -0.0326, 0.1933),
    (10, 10, 10, 0, 0.6636, 1.0000),
]
arms = st.tuples(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1)).map(
    lambda drawn: (drawn[0], round(drawn[0] * drawn[2]), drawn[1], round(drawn[1] * drawn[3]))
)


@pytest.mark.parametrize("row", PUBLISHED)
def test_the_published_intervals(row: tuple[int, int, int, int, float, float]) -> None:
    found = difference_of_rates(ArmCounts.of(*row[:4]))
    assert (found.low[0], found.high[0]) == pytest.approx(row[4:], abs=6e-5)


def test_the_interval_of_a_ratio_as_statsmodels_computes_it() -> None:
    """`confint_proportions_2indep(56, 70, 48, 80, method="score", compare="ratio")` of statsmodels 0.14."""
    found = ratio_of_rates(ArmCounts.of(70, 56, 80, 48))
    assert (found.low[0], found.high[0]) == pytest.approx((1.0790471195, 1.6721453591), abs=1e-8)


def test_wilsons_interval_as_published() -> None:
    """Newcombe (1998), 81 of 263 and 0 of 20."""
    found = rate_interval([81, 0], [263, 20])
    np.testing.assert_allclose([found.low, found.high], [[0.2553, 0.0], [0.3662, 0.1611]], atol=6e-5)


def likelihood(rates: tuple[float, float], row: tuple[int, int, int, int]) -> float:
    total = 0.0
    for rate, (number, acquired) in zip(rates, (row[:2], row[2:]), strict=True):
        for count, chance in ((acquired, rate), (number - acquired, 1 - rate)):
            total += count * math.log(max(chance, 1e-300)) if count else 0.0
    return total


def score(row: tuple[int, int, int, int], control_of: object, distance: float, relative: bool) -> float:
    """The score statistic, with the likeliest rates found by search instead of by formula."""
    treated_of = (lambda rate: rate * distance) if relative else (lambda rate: rate + distance)
    bounds = (0.0, min(1.0, 1 / distance)) if relative else (max(0.0, -distance), min(1.0, 1 - distance))
    best = minimize_scalar(
        lambda rate: -likelihood((treated_of(rate), rate), row),
        bounds=bounds, method="bounded", options={"xatol": 1e-12},
    ).x  # fmt: skip
    treated, control = treated_of(best), best
    factor = distance if relative else 1.0
    spread = treated * (1 - treated) / row[0] + factor**2 * control * (1 - control) / row[2]
    total = row[0] + row[2]
    away = row[1] / row[0] - (distance * row[3] / row[2] if relative else row[3] / row[2] + distance)
    return away / math.sqrt(spread * total / (total - 1))


@given(arms)
@settings(max_examples=40, deadline=None)
def test_at_both_ends_of_an_interval_the_searched_score_is_critical(row: tuple[int, int, int, int]) -> None:
    counts = ArmCounts.of(*row)
    for found, relative, least, most in (
        (difference_of_rates(counts), False, -1 + 1e-6, 1 - 1e-6),
        (ratio_of_rates(counts), True, 1e-5, 1e5),
    ):
        for end, sign in ((found.low[0], 1), (found.high[0], -1)):
            if least < end < most:
                expected = sign * norm.ppf(0.975)
                assert score(row, None, float(end), relative) == pytest.approx(expected, abs=2e-3)


@given(arms)
@settings(max_examples=40, deadline=None)
def test_an_interval_holds_its_estimate_and_turns_round_with_the_arms(row: tuple[int, int, int, int]) -> None:
    found = difference_of_rates(ArmCounts.of(*row))
    turned = difference_of_rates(ArmCounts.of(*row[2:], *row[:2]))
    assert found.low[0] <= found.value[0] <= found.high[0]
    assert turned.low[0] == pytest.approx(-found.high[0], abs=1e-6)
    assert turned.high[0] == pytest.approx(-found.low[0], abs=1e-6)


@given(arms)
@settings(max_examples=40, deadline=None)
def test_the_p_value_is_below_5_percent_just_when_the_interval_leaves_zero_out(
    row: tuple[int, int, int, int],
) -> None:
    found, p = difference_of_rates(ArmCounts.of(*row)), p_values(ArmCounts.of(*row))[0]
    if abs(p - 0.05) > 1e-6:
        assert (p < 0.05) == (found.low[0] > 1e-12 or found.high[0] < -1e-12)


@pytest.mark.parametrize(("treated", "control"), [(900, 100), (4500, 500), (500, 500)])
@pytest.mark.parametrize(("base", "lift"), [(0.02, 0.01), (0.10, 0.0), (0.05, -0.02)])
def test_intervals_cover_as_often_as_they_say(treated: int, control: int, base: float, lift: float) -> None:
    random = np.random.default_rng(11)
    with_offer = random.binomial(treated, base + lift, 4000)
    without = random.binomial(control, base, 4000)
    counts = ArmCounts.of(np.full(4000, treated), with_offer, np.full(4000, control), without)
    found = difference_of_rates(counts)
    assert 0.935 <= np.mean((found.low <= lift) & (lift <= found.high)) <= 0.975
    ratio, truth = ratio_of_rates(counts), (base + lift) / base
    assert 0.935 <= np.mean((ratio.low <= truth) & (truth <= ratio.high)) <= 0.975


def test_an_empty_arm_has_no_interval() -> None:
    empty = ArmCounts.of([10, 0], [1, 0], [0, 10], [0, 3])
    for found in (difference_of_rates(empty), ratio_of_rates(empty)):
        assert np.isnan([found.value, found.low, found.high]).all()
    assert np.isnan(p_values(empty)).all()
    assert np.isnan(rate_interval(0, 0).value).all()


def test_where_nobody_of_control_acquired_the_ratio_has_no_upper_end() -> None:
    found = ratio_of_rates(ArmCounts.of(100, 5, 100, 0))
    assert found.value[0] == found.high[0] == np.inf
    assert found.low[0] > 1


def test_many_looks_are_paid_for() -> None:
    """By hand: 4 x .01, then 3 x .02, then 2 x .03 (not below the one before), .9; NaN takes no part."""
    found = holm(np.array([0.03, 0.01, np.nan, 0.9, 0.02]))
    np.testing.assert_allclose(found, [0.06, 0.04, np.nan, 0.9, 0.06])
