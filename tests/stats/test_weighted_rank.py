"""Weighted figures of a ranking against scikit-learn, and bootstrap weights of customers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from vipreco.stats import Ranking
from vipreco.stats.weighted_rank import AUC, AVERAGE_PRECISION, TOP_DECILE

row = st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 5))


@settings(max_examples=200, deadline=None)
@given(st.lists(row, min_size=2, max_size=30))
def test_auc_and_average_precision_are_those_of_scikit_learn_ties_and_weights_included(rows):
    scores, truth, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = Ranking.of(scores.astype(float), truth).figures(weights.astype(float))
    if truth.all() or not truth.any():
        assert np.isnan(list(found.values())).all()
        return
    assert found[AUC] == pytest.approx(roc_auc_score(truth, scores, sample_weight=weights))
    assert found[AVERAGE_PRECISION] == pytest.approx(
        average_precision_score(truth, scores, sample_weight=weights)
    )


def test_the_top_decile_ratio_is_the_share_found_in_the_best_tenth_over_a_tenth():
    truth = np.zeros(20, bool)
    truth[[0, 1, 10, 19]] = True
    ordered = Ranking.of(-np.arange(20.0), truth).figures(np.ones(20))
    assert ordered[TOP_DECILE] == pytest.approx(2 / 4 / 0.1)
    assert Ranking.of(np.zeros(20), truth).figures(np.ones(20))[TOP_DECILE] == pytest.approx(1.0)


def test_a_weight_is_as_good_as_a_copy_of_the_row():
    scores, truth = np.array([3.0, 2.0, 2.0, 1.0, 0.0]), np.array([True, False, True, False, True])
    weights = np.array([2, 1, 3, 2, 1])
    copied = Ranking.of(np.repeat(scores, weights), np.repeat(truth, weights)).figures(np.ones(9))
    assert Ranking.of(scores, truth).figures(weights.astype(float)) == pytest.approx(copied)


def test_nothing_to_rank_has_no_figures():
    assert np.isnan(list(Ranking.of(np.zeros(0), np.zeros(0, bool)).figures(np.zeros(0)).values())).all()
