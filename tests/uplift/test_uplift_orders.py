"""Judging: exact numbers on four customers, strata, pairs; choice and checks on planted designs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.uplift.designs import design
from vipreco.stats import HeldOut, auuc, judge_orders, qini_coefficient
from vipreco.uplift import LEARNERS, LearnerContext
from vipreco.uplift_trial import (
    before_treatment,
    fit_learner,
    fit_response,
    folds_of,
    overlap,
    placebo,
    unseen_scores,
)
from vipreco.uplift_trial.selection import choose, fit_chosen

ROWS = design(3000, 21)


def test_four_customers_by_hand() -> None:
    """Treated with outcome, control without, then the two others: 1 of 2 treated is gained at half depth."""
    four = HeldOut(
        np.array(["a", "b", "c", "d"]),
        np.array([True, False, True, False]),
        np.array([True, False, False, False]),
        np.zeros(4, np.int64),
    )
    score = np.array([4.0, 3.0, 2.0, 1.0])
    found = judge_orders({"good": score, "bad": -score}, four, "bad", resamples=0)
    # Qini at depths 0, 1/4, 1/2, 3/4, 1 is 0 1 1 1 1: area 7/8, a random order 1/2; two were treated.
    assert found["good"].qini.value == pytest.approx((7 / 8 - 1 / 2) / 2)
    # Reversed it is 0 0 0 0 1: area 1/8.
    assert found["bad"].qini.value == pytest.approx((1 / 8 - 1 / 2) / 2)
    assert found["good"].qini_above.value == pytest.approx(3 / 8)
    assert not found["good"].qini.known
    assert not found["bad"].qini_above.known


def test_a_single_stratum_is_the_plain_figure() -> None:
    score = np.random.default_rng(1).random(len(ROWS))
    found = judge_orders({"any": score}, HeldOut.of(ROWS), resamples=0)["any"]
    assert found.qini.value == qini_coefficient(score, ROWS.treated, ROWS.outcome, resamples=0).value
    assert found.auuc.value == auuc(score, ROWS.treated, ROWS.outcome, resamples=0).value


def test_strata_are_ordered_within_and_weighed_by_rows() -> None:
    score, stratum = ROWS.values[:, 0].astype(np.float64), (np.arange(len(ROWS)) < 1000).astype(np.int64)
    parts = [
        (
            mask.mean(),
            qini_coefficient(score[mask], ROWS.treated[mask], ROWS.outcome[mask], resamples=0).value,
        )
        for mask in (stratum == 0, stratum == 1)
    ]
    apart = score + 100 * stratum  # what is between strata does not count
    found = judge_orders({"any": apart}, HeldOut.of(ROWS, stratum), resamples=0)["any"].qini.value
    assert found == pytest.approx(sum(share * value for share, value in parts))


def test_a_pair_is_compared_on_the_same_resamples() -> None:
    score = ROWS.values[:, 0].astype(np.float64)
    judged = judge_orders({"one": score, "same": 2 * score + 1}, HeldOut.of(ROWS), "one", resamples=50)
    same = judged["same"]
    assert (same.qini_above.value, same.qini_above.low, same.qini_above.high) == (0.0, 0.0, 0.0)
    assert not same.beats_reference
    assert same.beats_random


def test_rows_of_a_customer_are_drawn_together() -> None:
    """Doubled rows carry no more than single ones: the interval must not shrink."""
    score = ROWS.values[:, 0].astype(np.float64)
    twice = np.concatenate([np.arange(len(ROWS))] * 2)
    single = judge_orders({"o": score}, HeldOut.of(ROWS), resamples=100, seed=3)["o"].qini
    double = judge_orders({"o": score[twice]}, HeldOut.of(ROWS.take(twice)), resamples=100, seed=3)["o"].qini
    assert (double.low, double.high) == pytest.approx((single.low, single.high), abs=1e-12)


def test_an_empty_arm_has_no_figure() -> None:
    nobody = replace(ROWS, treated=np.zeros(len(ROWS), bool))
    found = judge_orders({"o": ROWS.values[:, 0].astype(np.float64)}, HeldOut.of(nobody), resamples=5)["o"]
    assert not found.qini.known
    assert not found.beats_random


def test_the_learner_beats_the_response_model_where_the_two_differ(context: LearnerContext) -> None:
    fold = folds_of(ROWS, context, 2)
    scores = {
        name: unseen_scores(ROWS, context, fold, fit)
        for name, fit in (("learner", fit_chosen(2)), ("response", fit_response))
    }
    found = judge_orders(scores, HeldOut.of(ROWS, fold), "response", resamples=100)
    assert found["learner"].beats_random
    assert found["learner"].beats_reference


def test_the_choice_is_the_highest_qini_and_the_simplest_of_equals(context: LearnerContext) -> None:
    fold = folds_of(ROWS, context, 2)
    choice = choose(ROWS, context, fold)
    assert set(choice.qini) == set(LEARNERS)
    assert choice.qini[choice.name] == max(choice.qini.values())
    assert choose(ROWS, context, fold, ("t",)).name == "t"


def test_no_customer_is_scored_by_what_saw_them(context: LearnerContext) -> None:
    twice = ROWS.take(np.repeat(np.arange(500), 2))
    fold, seen = folds_of(twice, context, 3), []

    def fit(rows, _growing):
        seen.append(set(rows.customer_ids.tolist()))
        return lambda values: np.zeros(len(values))

    unseen_scores(twice, context, fold, fit)
    for number, known in enumerate(seen):
        assert known.isdisjoint(twice.customer_ids[fold == number].tolist())
        assert known == set(twice.customer_ids[fold != number].tolist())


def test_the_placebo_moves_nobody(context: LearnerContext) -> None:
    found = placebo(ROWS, context, 2, fit_learner("s"), seed=4, resamples=100)
    assert found.low <= 0 <= found.high


def test_an_outcome_before_the_treatment_is_moved_by_nothing(context: LearnerContext) -> None:
    earlier = np.random.default_rng(5).random(len(ROWS)) < 0.2 + 0.4 * (ROWS.values[:, 1] > 0)
    found = before_treatment(ROWS, earlier, context, 2, fit_learner("s"), seed=4, resamples=100)
    assert found.low <= 0 <= found.high


def test_overlap_tells_arms_that_are_not_what_the_design_says() -> None:
    ten = ROWS.take(np.arange(100))
    half = replace(ten, treated=np.arange(100) < 50)
    assert overlap(half).sound
    assert overlap(half).p_value == 1.0
    # 80 of 100 where 50 are expected: 6 standard deviations.
    skewed = overlap(replace(ten, treated=np.arange(100) < 80))
    assert skewed.p_value == pytest.approx(1.973e-9, rel=1e-3)
    assert not skewed.sound
