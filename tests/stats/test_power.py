"""Power and sample size against published examples, an independent formula, and simulated campaigns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.stats import norm

from vipreco.errors import UsageError
from vipreco.stats import customers_needed, detection_power


def test_the_examples_of_r_power_prop_test() -> None:
    """`power.prop.test(n = 50, p1 = .50, p2 = .75)` has power 0.740; for 0.90 it needs 76.7 a group."""
    assert detection_power(50, 50, 0.50, 0.25) == pytest.approx(0.740, abs=5e-4)
    assert customers_needed(0.50, 0.25, 0.5, power=0.9) == pytest.approx(2 * 76.7, abs=1)


def test_the_rule_of_sixteen() -> None:
    """Lehr: 16 x variance / effect squared in each group, for a power of 80 %."""
    assert customers_needed(0.10, 0.005, 0.5) == pytest.approx(2 * 16 * 0.10 * 0.90 / 0.005**2, rel=0.02)


@pytest.mark.parametrize(("treated", "control"), [(900, 100), (4000, 1000), (500, 500)])
@pytest.mark.parametrize(("base", "effect"), [(0.03, 0.02), (0.20, -0.05), (0.5, 0.04)])
def test_the_power_is_the_share_of_simulated_campaigns_that_the_test_finds(
    treated: int, control: int, base: float, effect: float
) -> None:
    random = np.random.default_rng(5)
    with_offer = random.binomial(treated, base + effect, 20_000)
    without = random.binomial(control, base, 20_000)
    pooled = (with_offer + without) / (treated + control)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    found = np.abs(with_offer / treated - without / control) > norm.ppf(0.975) * spread
    assert detection_power(treated, control, base, effect) == pytest.approx(found.mean(), abs=0.035)


@given(
    st.floats(0.01, 0.6), st.floats(0.005, 0.3), st.floats(0.05, 0.95), st.floats(0.5, 0.99), st.booleans()
)
@settings(max_examples=60, deadline=None)
def test_what_is_needed_reaches_the_power_and_less_does_not(
    base: float, effect: float, share: float, power: float, downwards: bool
) -> None:
    base, effect = (base + effect, -effect) if downwards else (base, effect)
    total = customers_needed(base, effect, share, power)
    assert _continuous(total, share, base, effect) >= power - 1e-9
    assert _continuous((total - 1) * 0.999, share, base, effect) < power


def _continuous(total: float, share: float, base: float, effect: float) -> float:
    """Power of the upper tail alone, with arms that need not be whole customers."""
    treated, control = total * (1 - share), total * share
    pooled = (1 - share) * (base + effect) + share * base
    null = math.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    spread = math.sqrt((base + effect) * (1 - base - effect) / treated + base * (1 - base) / control)
    return float(norm.cdf((abs(effect) - 1.959963984540054 * null) / spread))


def test_no_effect_is_found_as_often_as_a_false_alarm_is_allowed() -> None:
    assert detection_power(1000, 100, 0.1, 0.0) == pytest.approx(0.05)
    assert detection_power(1000, 100, 0.1, 0.0, alpha=0.01) == pytest.approx(0.01)


def test_an_empty_arm_shows_nothing_and_certain_rates_show_everything() -> None:
    assert detection_power(0, 100, 0.1, 0.1) == 0.0
    assert detection_power(100, 0, 0.1, 0.1) == 0.0
    assert detection_power(100, 100, 0.0, 1.0) == 1.0
    assert detection_power(100, 100, 0.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("base", "effect", "share", "power", "alpha", "where"),
    [
        (1.1, 0.0, 0.1, 0.8, 0.05, "base_rate"),
        (0.9, 0.2, 0.1, 0.8, 0.05, "base_rate + effect"),
        (0.1, 0.1, 0.0, 0.8, 0.05, "control_share"),
        (0.1, 0.1, 1.0, 0.8, 0.05, "control_share"),
        (0.1, 0.1, 0.1, 1.0, 0.05, "power"),
        (0.1, 0.1, 0.1, 0.8, 0.0, "alpha"),
        (0.1, 0.0, 0.1, 0.8, 0.05, "effect"),
        (math.nan, 0.1, 0.1, 0.8, 0.05, "base_rate"),
    ],
)
def test_what_cannot_be_is_refused(
    base: float, effect: float, share: float, power: float, alpha: float, where: str
) -> None:
    with pytest.raises(UsageError) as refused:
        customers_needed(base, effect, share, power, alpha)
    assert refused.value.where == where
