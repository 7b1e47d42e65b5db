"""Calibration: exact where nothing is to learn, scikit-learn's where priors are flat, shrunk where few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from vipreco.propensity import Calibration

FLAT = (1e6, 1e6)
USUAL = (0.5, 0.25)


def drawn(
    generator: np.random.Generator, rows: int, shift: float, factor: float
) -> tuple[np.ndarray, np.ndarray]:
    raw = expit(generator.normal(-2, 1.5, (rows, 1)))
    return raw, generator.random((rows, 1)) < expit(factor * logit(raw) + shift)


def everybody(raw: np.ndarray) -> np.ndarray:
    return np.ones(raw.shape, bool)


def test_with_flat_priors_it_is_logistic_regression():
    generator = np.random.default_rng(3)
    raw, truth = drawn(generator, 200, 0.7, 0.6)
    weights = generator.uniform(0.5, 2.0, 200)
    found = Calibration.fit(raw, truth, everybody(raw), weights, FLAT)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000)
    oracle.fit(logit(raw), truth[:, 0], sample_weight=weights)
    assert found.slope == pytest.approx(oracle.coef_[0, 0], abs=2e-4)
    assert found.intercepts[0] == pytest.approx(oracle.intercept_[0], abs=2e-4)


def test_the_sum_of_probabilities_is_the_number_of_acquisitions():
    """Also where most scores are tiny and a few are large: a coarse summary would promise too much."""
    generator = np.random.default_rng(8)
    raw = expit(generator.normal(-7, 3, (9000, 1)))
    truth = generator.random((9000, 1)) < 0.5 * raw
    found = Calibration.fit(raw, truth, everybody(raw), np.ones(9000), USUAL)
    assert found.apply(raw).sum() == pytest.approx(truth.sum(), rel=0.005)


def test_it_finds_the_line_that_made_the_data():
    raw, truth = drawn(np.random.default_rng(4), 200_000, -0.5, 1.2)
    found = Calibration.fit(raw, truth, everybody(raw), np.ones(len(raw)), FLAT)
    assert (found.slope, found.intercepts[0]) == pytest.approx((1.2, -0.5), abs=0.03)


def test_a_product_with_few_acquisitions_keeps_close_to_the_common_correction():
    generator = np.random.default_rng(5)
    raw = np.full((4000, 2), 0.05)
    truth = np.column_stack([generator.random(4000) < 0.1, np.zeros(4000, bool)])
    listable = np.column_stack([np.ones(4000, bool), np.arange(4000) < 30])
    found = Calibration.fit(raw, truth, listable, np.ones(4000), USUAL)
    often, seldom = found.apply(np.array([[0.05, 0.05]]))[0]
    assert often == pytest.approx(truth[:, 0].mean(), rel=0.05)
    assert 0.04 < seldom < often


def test_positives_are_counted_among_candidates_only():
    raw = np.full((4, 2), 0.5)
    truth = np.array([[1, 1], [1, 0], [0, 0], [1, 1]], bool)
    listable = np.array([[1, 1], [0, 1], [1, 1], [1, 0]], bool)
    assert Calibration.fit(raw, truth, listable, np.ones(4), USUAL).positives.tolist() == [2, 1]


def test_rows_without_weight_do_not_count():
    raw, truth = drawn(np.random.default_rng(6), 500, 0.3, 1.0)
    weights = np.where(np.arange(500) < 250, 1.0, 0.0)
    some = Calibration.fit(raw, truth, everybody(raw), weights, USUAL)
    alone = Calibration.fit(raw[:250], truth[:250], everybody(raw[:250]), weights[:250], USUAL)
    assert some.slope == pytest.approx(alone.slope, abs=0.02)
    assert some.intercepts[0] == pytest.approx(alone.intercepts[0], abs=0.05)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=20),
    st.floats(0.1, 3),
    st.floats(-3, 3),
)
def test_it_keeps_the_order_and_stays_between_0_and_1(values: list[float], slope: float, intercept: float):
    raw = np.sort(np.array(values))[:, None]
    applied = Calibration(slope, np.array([intercept]), np.zeros(1, np.int64)).apply(raw)
    assert ((applied >= 0) & (applied <= 1)).all()
    assert (np.diff(applied[:, 0]) >= -1e-15).all()


def test_the_identity_changes_nothing():
    raw = np.array([[0.0001, 0.3], [0.5, 0.99]])
    assert Calibration.identity(2).apply(raw) == pytest.approx(raw, rel=1e-9)
