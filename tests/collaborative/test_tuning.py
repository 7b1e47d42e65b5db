"""The search for the settings of ALS looks at the two dates that it is given, and at nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from vipreco.collaborative import HoldingState
from vipreco.collaborative.als import ImplicitALS
from vipreco.collaborative.linear import Ease, ItemItemBM25
from vipreco.collaborative.state import Flags, Scores
from vipreco.collaborative.tuning import AlsSearch, mean_reciprocal_rank, tune, tune_als


def pair(customers: int = 400) -> tuple[HoldingState, HoldingState]:
    """Two families of four products; each customer completes the own family a step later."""
    random = np.random.default_rng(0)
    family = np.repeat([[True, False], [False, True]], customers // 2, axis=0).repeat(4, axis=1)
    later = family & (random.random(family.shape) < 0.9)
    earlier = later & (random.random(family.shape) < 0.6)
    return state(earlier), state(later)


def state(held: Flags) -> HoldingState:
    nothing, segments = np.zeros_like(held), np.zeros(len(held), dtype=np.int32)
    return HoldingState(held, nothing, segments, tuple(f"p{column}" for column in range(held.shape[1])))


def test_the_best_trial_is_first_and_never_worse_than_the_defaults() -> None:
    before, after = pair()
    trials = tune_als(before, after, AlsSearch(trials=5))
    assert [trial.quality for trial in trials] == sorted((trial.quality for trial in trials), reverse=True)
    assert any(trial.source.factors == ImplicitALS().factors for trial in trials)
    assert trials[0].quality > 0.7


def test_the_same_search_twice_is_the_same() -> None:
    before, after = pair()
    assert tune_als(before, after, AlsSearch(trials=3)) == tune_als(before, after, AlsSearch(trials=3))


def test_any_source_can_be_tuned_and_the_given_order_breaks_ties() -> None:
    before, after = pair()
    settings = [Ease(regularization=3.0), Ease(regularization=3.0), ItemItemBM25()]
    trials = tune(before, after, settings)
    assert {trial.source.name for trial in trials} == {"ease", "item-item-bm25"}
    assert trials.index(tune(before, after, settings[:1])[0]) in {0, 1}


def test_another_seed_tries_other_settings() -> None:
    first, second = (list(AlsSearch(trials=4, seed=seed).settings()) for seed in (1, 2))
    assert first[1:] != second[1:]


def test_every_trial_stays_within_the_space() -> None:
    search = AlsSearch(factors=(3, 5), regularization=(1.0, 2.0), alpha=(4.0, 8.0), trials=30)
    for source in list(search.settings())[1:]:
        assert 3 <= source.factors <= 5
        assert 1.0 <= source.regularization <= 2.0
        assert 4.0 <= source.alpha <= 8.0


def test_the_judge_sees_what_was_acquired_and_what_could_have_been() -> None:
    before, after = pair()
    seen = []

    def judge(scores: Scores, truth: Flags, candidates: Flags) -> float:
        seen.append((truth, candidates))
        return float(scores.shape[1])

    tune_als(before, after, AlsSearch(trials=1), judge)
    assert (seen[0][0] == (after.held & ~before.held)).all()
    assert (seen[0][1] == ~before.held).all()


def test_mean_reciprocal_rank_counted_by_hand() -> None:
    """One acquisition in second place of the candidates, one in first: (1/2 + 1) / 2."""
    scores = np.array([[9, 3, 2], [1, 2, 3]], dtype=np.float32)
    truth = np.array([[False, False, True], [False, False, True]])
    candidates = np.array([[False, True, True], [True, True, True]])
    assert mean_reciprocal_rank(scores, truth, candidates) == pytest.approx(0.75)


def test_without_an_acquisition_the_quality_is_zero() -> None:
    nothing = np.zeros((2, 3), dtype=bool)
    assert mean_reciprocal_rank(np.ones((2, 3), dtype=np.float32), nothing, ~nothing) == 0.0
