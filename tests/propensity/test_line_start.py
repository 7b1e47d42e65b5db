"""The line over a distance: the answer that a plain logistic regression gives, and unknown distances."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from vipreco.propensity import LineStart


def bank(rows: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    distance = random.exponential(0.5, rows).astype(np.float32)
    happened = random.random(rows) < 1 / (1 + np.exp(2 + 4 * distance))
    return distance, happened, random.integers(1, 4, rows).astype(np.float64)


def test_it_is_the_logistic_regression_over_distance_and_its_logarithm():
    distance, happened, weights = bank()
    terms = np.column_stack([distance, np.log(distance + 0.02)])
    oracle = LogisticRegression(C=1e6, max_iter=5000).fit(terms, happened, sample_weight=weights)
    found = LineStart.fit(distance, happened, weights).logits(distance)
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), oracle.predict_proba(terms)[:, 1], atol=0.02)


def test_an_unknown_distance_gives_the_mean_of_the_known_ones():
    distance, happened, weights = bank()
    start = LineStart.fit(distance, happened, weights)
    found = start.logits(np.array([np.nan, 0.1], np.float32))
    assert found[0] == start.centre == pytest.approx(np.average(start.logits(distance), weights=weights))
    assert found[1] != found[0]


def test_rows_of_unknown_distance_change_nothing_of_the_line():
    distance, happened, weights = bank()
    more = (np.append(distance, np.float32(np.nan)), np.append(happened, True), np.append(weights, 50.0))
    assert (
        LineStart.fit(*more).weights.tolist() == LineStart.fit(distance, happened, weights).weights.tolist()
    )


def test_without_any_known_distance_it_is_the_share_that_happened():
    happened = np.array([True, False, False, False])
    start = LineStart.fit(np.full(4, np.nan, np.float32), happened, np.ones(4))
    assert 1 / (1 + np.exp(-start.logits(np.array([np.nan], np.float32))[0])) == pytest.approx(0.25)
