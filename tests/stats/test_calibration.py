"""Calibration numbers against scikit-learn, known answers, and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, logit
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss as sklearn_log_loss, roc_auc_score

from vipreco.stats import (
    Flags,
    Floats,
    auc,
    brier,
    calibration_by_product,
    calibration_summary,
    log_loss,
    ratio_interval,
    recalibration,
    reliability_table,
)


def forecasts(rows: int = 4000, seed: int = 5) -> tuple[Floats, Flags]:
    random = np.random.default_rng(seed)
    p = random.beta(0.6, 6.0, rows)
    return p, random.random(rows) < p


def test_true_probabilities_have_slope_one_and_intercept_zero() -> None:
    line = recalibration(*forecasts(200_000))
    assert line.slope == pytest.approx(1.0, abs=0.02)
    assert line.intercept == pytest.approx(0.0, abs=0.05)


def test_a_known_distortion_is_found_again() -> None:
    """p' with logit(p') = 2 logit(p) + 1 is undone by slope 1/2 and intercept -1/2."""
    p, truth = forecasts(200_000)
    line = recalibration(expit(2 * logit(p) + 1), truth)
    assert line.slope == pytest.approx(0.5, abs=0.01)
    assert line.intercept == pytest.approx(-0.5, abs=0.05)


def test_slope_and_intercept_agree_with_scikit_learn() -> None:
    p, truth = forecasts()
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(p)[:, None], truth)
    line = recalibration(p, truth)
    assert line.slope == pytest.approx(model.coef_[0, 0], abs=1e-4)
    assert line.intercept == pytest.approx(model.intercept_[0], abs=1e-4)


def test_many_rows_are_grouped_for_the_line_without_moving_it() -> None:
    """300,000 rows in 65,536 groups: far less than the standard error of 0.007 from the exact answer."""
    p, truth = forecasts(300_000)
    model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit(p)[:, None], truth)
    line = recalibration(p, truth)
    assert line.slope == pytest.approx(model.coef_[0, 0], abs=7e-5)
    assert line.intercept == pytest.approx(model.intercept_[0], abs=2e-4)


@pytest.mark.parametrize(
    ("propensities", "truth"),
    [
        ([], []),
        ([0.2, 0.3], [True, True]),
        ([0.2, 0.2], [True, False]),
        ([0.1, 0.2, 0.8, 0.9], [False, False, True, True]),
        ([0.1, 0.2, 0.8, 0.9], [True, True, False, False]),
        ([0.1, 0.5, 0.5, 0.9], [False, False, True, True]),
    ],
    ids=[
        "no rows",
        "one outcome",
        "one propensity",
        "separated",
        "separated upside down",
        "separated but for a tie",
    ],
)
def test_where_no_slope_can_be_told_it_is_unknown_and_not_a_number_of_chance(
    propensities: list[float], truth: list[bool]
) -> None:
    line = recalibration(np.array(propensities), np.array(truth, dtype=bool))
    assert np.isnan(line.slope)
    assert np.isnan(line.intercept)


def test_propensities_of_exactly_zero_and_one_are_survived() -> None:
    p = np.array([0.0, 1.0, 0.5, 0.2, 0.7])
    truth = np.array([True, False, True, False, True])
    assert np.isfinite(log_loss(p, truth))
    assert np.isfinite(recalibration(p, truth).slope)


def test_reliability_table_of_two_bins_counted_by_hand() -> None:
    p = np.array([0.4, 0.1, 0.2, 0.3])
    truth = np.array([True, False, True, False])
    table = reliability_table(p, truth, bins=2)
    assert table["rows"].tolist() == [2, 2]
    assert table["expected_rate"].tolist() == pytest.approx([0.15, 0.35])
    assert table["observed_rate"].tolist() == [0.5, 0.5]
    assert calibration_summary(p, truth, bins=2)["calibration_error"] == pytest.approx((0.35 + 0.15) / 2)


def test_reliability_table_agrees_with_scikit_learn() -> None:
    p, truth = forecasts()
    observed, expected = calibration_curve(truth, p, n_bins=10, strategy="quantile")
    table = reliability_table(p, truth)
    np.testing.assert_allclose(table["expected_rate"], expected, atol=2e-3)
    np.testing.assert_allclose(table["observed_rate"], observed, atol=4e-3)


@given(truth=hnp.arrays(np.bool_, st.integers(0, 40)), seed=st.integers(0, 5), bins=st.integers(1, 12))
def test_reliability_loses_no_row_and_does_not_depend_on_their_order(
    truth: Flags, seed: int, bins: int
) -> None:
    random = np.random.default_rng(seed)
    p = random.integers(1, 4, len(truth)) / 5
    order = random.permutation(len(truth))
    table = reliability_table(p, truth, bins)
    np.testing.assert_allclose(table, reliability_table(p[order], truth[order], bins), atol=1e-12)
    assert table["rows"].sum() == len(truth)
    assert (table["rows"] * table["observed_rate"]).sum() == pytest.approx(truth.sum())
    assert (table["rows"] * table["expected_rate"]).sum() == pytest.approx(p.sum())


@given(
    truth=hnp.arrays(np.bool_, 30).filter(lambda flags: 0 < flags.sum() < 30),
    ticks=hnp.arrays(np.int64, 30, elements=st.integers(1, 9)),
)
def test_auc_log_loss_and_brier_agree_with_scikit_learn_ties_included(
    truth: Flags, ticks: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> None:
    p = ticks / 10
    assert auc(p, truth) == pytest.approx(roc_auc_score(truth, p))
    assert log_loss(p, truth) == pytest.approx(sklearn_log_loss(truth, p))
    assert brier(p, truth) == pytest.approx(brier_score_loss(truth, p))


def test_auc_of_one_outcome_only_is_unknown() -> None:
    assert np.isnan(auc(np.array([0.1, 0.2]), np.array([False, False])))


def test_calibration_by_product_looks_at_candidates_only() -> None:
    p = np.array([[0.5, 0.9], [0.1, 0.2], [0.4, 0.6]])
    truth = np.array([[True, False], [False, False], [False, True]])
    listable = np.array([[True, False], [True, True], [True, True]])
    table = calibration_by_product(p, truth, listable, ["card", "loan"])
    assert table.index.tolist() == ["card", "loan"]
    assert table["rows"].tolist() == [3, 2]
    assert table["expected"].tolist() == pytest.approx([1.0, 0.8])
    assert table["observed"].tolist() == [1, 1]
    assert table["ratio"].tolist() == pytest.approx([1.0, 0.8])


def test_a_product_that_is_never_a_candidate_is_a_row_of_unknowns() -> None:
    nobody = np.zeros((3, 1), dtype=bool)
    row = calibration_by_product(np.full((3, 1), 0.1), nobody, nobody, ["closed"]).iloc[0]
    assert row["rows"] == 0
    assert np.isnan(row["ratio"])
    assert np.isnan(row["slope"])


def test_the_summary_of_true_probabilities_expects_what_is_observed() -> None:
    summary = calibration_summary(*forecasts(200_000))
    assert summary["ratio"] == pytest.approx(1.0, abs=0.02)
    assert summary["calibration_error"] < 0.005


def test_the_interval_of_a_sum_widens_with_customers_who_acquire_several_and_with_the_learnt_sample() -> None:
    """100 acquisitions of 100 customers of whom 0.1 was expected of 1,000: nearly the Poisson law."""
    expected = np.full(1000, 0.1)
    single = np.zeros(1000)
    single[:100] = 1.0
    known = ratio_interval(expected, single)
    assert known.value == pytest.approx(1.0)
    assert np.log(known.high) == pytest.approx(1.96 * np.sqrt(1 / 100))
    assert np.log(known.low) == pytest.approx(-np.log(known.high))
    several = np.zeros(1000)
    several[:25] = 4.0
    spread = (25 * 3.9**2 + 975 * 0.1**2) / 100
    assert np.log(ratio_interval(expected, several).high) == pytest.approx(1.96 * np.sqrt(spread / 100))
    learnt = ratio_interval(expected, single, learnt=100)
    assert np.log(learnt.high) == pytest.approx(1.96 * np.sqrt(2 / 100))


def test_a_wrong_level_does_not_count_as_spread() -> None:
    """Twice as many were expected as came; who acquires how often is as by the Poisson law."""
    happened = np.repeat([1.0, 0.0], [100, 900])
    found = ratio_interval(np.full(1000, 0.2), happened)
    assert found.value == pytest.approx(2.0)
    assert np.log(found.high / 2.0) == pytest.approx(1.96 * np.sqrt(1 / 100))
    assert np.isnan(ratio_interval(np.full(3, 0.2), np.zeros(3)).value)


def test_the_interval_of_a_sum_covers_the_true_ratio() -> None:
    """200 samples of customers whose acquisitions come together; level learnt from another such sample."""
    random, inside = np.random.default_rng(5), 0

    def drawn() -> Floats:
        return random.poisson(random.gamma(0.3, 0.1 / 0.3, 800)).astype(np.float64)

    for _ in range(200):
        learnt = drawn()
        found = ratio_interval(np.full(800, learnt.mean()), drawn(), learnt.sum())
        inside += found.low <= 1.0 <= found.high
    assert 182 <= inside <= 200
