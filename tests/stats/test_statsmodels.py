"""Rates, means and calibration against statsmodels, an implementation that shares no line with ours.

Left out: the score interval of a *difference* of rates. statsmodels 0.15 gives [.0526, .3440] for 56 of 70
against 48 of 80, where Newcombe (1998) publishes [.0528, .3382], and fails outright for 30 of 900 against 2
of 100. `test_rates.py` holds ours against the publication and against a numerical search instead.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    score_test_proportions_2indep,
)
from statsmodels.stats.rates import confint_poisson
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from vipreco.stats import ArmCounts, difference_of_means, p_values, poisson_limits, recalibration
from vipreco.stats.rates import holm, rate_interval, ratio_of_rates

ARMS = [(70, 56, 80, 48), (900, 30, 100, 12), (5000, 160, 560, 11), (400, 13, 400, 21)]


@given(customers=st.integers(1, 100_000), share=st.floats(0, 1), level=st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=60, deadline=None)
def test_single_rates_have_wilsons_interval(customers: int, share: float, level: float) -> None:
    acquired = round(customers * share)
    found = rate_interval(acquired, customers, level)
    low, high = proportion_confint(acquired, customers, 1 - level, method="wilson")
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize("count", [0, 1, 4, 77, 1234])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_poisson_counts_have_the_exact_limits(count: int, level: float) -> None:
    low, high = poisson_limits(count, level)
    expected = confint_poisson(count, 1, "exact-c", 1 - level)
    assert (float(low), float(high)) == pytest.approx(np.nan_to_num(expected), rel=1e-9)


@pytest.mark.parametrize(("treated", "treated_acquired", "control", "control_acquired"), ARMS)
def test_the_ratio_of_rates_has_the_score_interval(
    treated: int, treated_acquired: int, control: int, control_acquired: int
) -> None:
    found = ratio_of_rates(ArmCounts.of(treated, treated_acquired, control, control_acquired))
    expected = confint_proportions_2indep(
        treated_acquired, treated, control_acquired, control, method="score", compare="ratio"
    )
    assert (found.low[0], found.high[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("treated", "treated_acquired", "control", "control_acquired"), ARMS)
def test_the_p_value_is_that_of_the_score_test(
    treated: int, treated_acquired: int, control: int, control_acquired: int
) -> None:
    expected = score_test_proportions_2indep(
        treated_acquired, treated, control_acquired, control, compare="diff"
    ).pvalue
    found = p_values(ArmCounts.of(treated, treated_acquired, control, control_acquired))
    assert found[0] == pytest.approx(expected, rel=1e-9)


@pytest.fixture(scope="module")
def few_objects() -> Iterator[None]:
    """`multipletests` collects garbage at each call: half a second where other tests have left much."""
    gc.freeze()
    yield
    gc.unfreeze()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
@pytest.mark.usefixtures("few_objects")
def test_many_p_values_are_corrected_as_holm_says(p: list[float]) -> None:
    np.testing.assert_allclose(holm(np.array(p)), multipletests(p, method="holm")[1], atol=1e-12)


def test_means_without_skew_have_welchs_interval() -> None:
    """Each value beside its mirror image: no skew, so that the interval is Welch's own."""
    random = np.random.default_rng(3)
    half, other = random.normal(5, 2, 40), random.normal(4, 7, 15)
    first, second = np.append(half, 10 - half), np.append(other, 8 - other)
    outcome = np.append(first, second)
    found = difference_of_means(outcome, np.arange(len(outcome)) < len(first))
    compared = CompareMeans(DescrStatsW(first), DescrStatsW(second))
    assert (found.low, found.high) == pytest.approx(compared.tconfint_diff(usevar="unequal"), rel=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_recalibration_is_the_binomial_regression(seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.normal(-2, 1, 3000)
    truth = random.random(3000) < 1 / (1 + np.exp(-(0.3 + 0.8 * x)))
    fitted = GLM(truth.astype(float), np.column_stack([np.ones_like(x), x]), family=Binomial()).fit()
    found = recalibration(1 / (1 + np.exp(-x)), truth)
    assert (found.intercept, found.slope) == pytest.approx(tuple(fitted.params), rel=1e-6)
