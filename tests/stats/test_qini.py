"""Qini curves against a plain loop over thresholds and known answers; intervals against truth."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.errors import UsageError
from vipreco.stats import auuc, qini_coefficient, qini_curve

Rows = list[tuple[int, bool, int]]
rows_of_both_arms = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40
).filter(lambda rows: len({treated for _, treated, _ in rows}) == 2)


def columns(rows: Rows) -> tuple[list[int], list[bool], list[int]]:
    score, treated, outcome = zip(*rows, strict=True)
    return list(score), list(treated), list(outcome)


def by_thresholds(rows: Rows) -> list[tuple[float, float, float]]:
    """(share, qini, gain) after each threshold, by going through all rows each time."""
    found = [(0.0, 0.0, 0.0)]
    for threshold in sorted({score for score, _, _ in rows}, reverse=True):
        taken = [row for row in rows if row[0] >= threshold]
        with_offer = [outcome for _, treated, outcome in taken if treated]
        without = [outcome for _, treated, outcome in taken if not treated]
        rate = sum(without) / len(without) if without else 0.0
        treated_rate = sum(with_offer) / len(with_offer) if with_offer else 0.0
        gain = len(taken) * (treated_rate - rate)
        found.append((len(taken) / len(rows), sum(with_offer) - len(with_offer) * rate, gain))
    return found


def area(points: list[tuple[float, float]]) -> float:
    pairs = pairwise(points)
    return sum((right - left) * (below + above) / 2 for (left, below), (right, above) in pairs)


@given(rows_of_both_arms)
@settings(max_examples=50, deadline=None)
def test_the_curve_is_what_a_loop_over_thresholds_finds(rows: Rows) -> None:
    curve = qini_curve(*columns(rows))
    expected = by_thresholds(rows)
    found = list(zip(curve["share"], curve["qini"], curve["gain"], strict=True))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(curve["random"], curve["share"] * expected[-1][1], atol=1e-12)


@given(rows_of_both_arms)
@settings(max_examples=50, deadline=None)
def test_the_areas_are_those_under_the_loop(rows: Rows) -> None:
    expected = by_thresholds(rows)
    treated = sum(row[1] for row in rows)
    qini = area([(share, value) for share, value, _ in expected]) - expected[-1][1] / 2
    assert qini_coefficient(*columns(rows), resamples=0).value == pytest.approx(qini / treated, abs=1e-12)
    gained = area([(share, value) for share, _, value in expected])
    assert auuc(*columns(rows), resamples=0).value == pytest.approx(gained / len(rows), abs=1e-12)


@given(rows_of_both_arms)
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_and_the_scale_of_scores_do_not_matter(rows: Rows) -> None:
    score, treated, outcome = columns(rows[::-1])
    again = qini_curve(np.exp(score), treated, outcome)
    np.testing.assert_allclose(again["qini"], qini_curve(*columns(rows))["qini"], atol=1e-12)


def test_one_score_for_all_is_the_random_line() -> None:
    found = qini_coefficient([1, 1, 1, 1], [True, True, False, False], [1, 0, 0, 0], resamples=0)
    assert found.value == 0
    assert auuc([1, 1, 1, 1], [True, True, False, False], [1, 0, 0, 0], resamples=0).value == 0.25


def test_a_small_case_by_hand() -> None:
    """First depth: 1 of 1 treated, 0 of 1 control; second: 1 of 2 treated, 1 of 2 control."""
    curve = qini_curve([2, 2, 1, 1], [True, False, True, False], [1, 0, 0, 1])
    assert curve["qini"].to_list() == [0, 1, 0]
    assert curve["gain"].to_list() == [0, 2, 0]
    assert curve["customers"].to_list() == [0, 2, 4]
    found = qini_coefficient([2, 2, 1, 1], [True, False, True, False], [1, 0, 0, 1], resamples=0)
    assert found.value == 0.25  # a triangle of width 1 and height 1, over 2 treated customers


def simulated(seed: int, customers: int = 2000) -> tuple[Any, Any, Any]:
    """Score u is uniform; the effect of treatment is 0.2 u on a base of 0.2."""
    random = np.random.default_rng(seed)
    score, treated = random.random(customers), random.random(customers) < 0.7
    return score, treated, random.random(customers) < 0.2 + 0.2 * score * treated


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Integral of 0.2 ((1 - (1-x)^2) / 2 - x / 2) over x: 0.2 / 12."""
    truth = 0.2 / 12
    found = [qini_coefficient(*simulated(seed), seed=seed, resamples=80) for seed in range(100)]
    assert 0.87 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=3e-3)


def test_a_seed_gives_the_same_interval_and_a_useless_score_holds_zero() -> None:
    _, treated, outcome = simulated(1)
    score = np.random.default_rng(99).random(len(treated))
    found = qini_coefficient(score, treated, outcome, seed=3)
    assert found == qini_coefficient(score, treated, outcome, seed=3)
    assert found.low < 0 < found.high
    assert qini_coefficient(*simulated(1)).excludes_zero


@pytest.mark.parametrize(
    ("score", "treated", "outcome", "code"),
    [
        ([1, 2], [True, True], [0, 1], "one-arm"),
        ([1, 2], [False, False], [0, 1], "one-arm"),
        ([], [], [], "one-arm"),
        ([1, np.nan], [True, False], [0, 1], "not-finite"),
        ([1, 2], [True, False], [0, np.inf], "not-finite"),
        ([1, 2, 3], [True, False], [0, 1], "shape"),
    ],
)
def test_what_cannot_be_judged_is_refused(score: Any, treated: Any, outcome: Any, code: str) -> None:
    with pytest.raises(UsageError) as refused:
        qini_curve(score, treated, outcome)
    assert refused.value.code == code
