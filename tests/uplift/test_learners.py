"""The contract that every learner meets: it finds a planted effect, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest

from tests.uplift.designs import design, true_effect
from vipreco.errors import InputRejectedError, UsageError
from vipreco.propensity import Booster
from vipreco.stats import qini_coefficient
from vipreco.uplift import LEARNERS, LearnerContext, RandomisedRows, UpliftSettings, response
from vipreco.uplift.learners import Learner
from vipreco.uplift.stopped_booster import stopping_rows

LEARNT, UNSEEN, IDLE, IDLE_UNSEEN = (
    design(4000, 1),
    design(6000, 2),
    design(3000, 3, effect=0),
    design(4000, 4, effect=0),
)


@pytest.fixture(scope="module", params=list(LEARNERS))
def kind(request: pytest.FixtureRequest) -> type[Learner]:
    return LEARNERS[str(request.param)]


@pytest.fixture(scope="module")
def learner(kind: type[Learner], context: LearnerContext) -> Learner:
    return kind.fit(LEARNT, context)


def hash_of(learner: Learner) -> str:
    texts = [f"{part}:{booster.text()}" for part, booster in sorted(learner.boosters.items())]
    return sha256("".join([*texts, str(learner.treated_rate)]).encode()).hexdigest()


def test_it_finds_the_planted_effect(learner: Learner) -> None:
    found, truth = learner.uplift(UNSEEN.values), true_effect(UNSEEN.values)
    assert np.corrcoef(found, truth)[0, 1] > 0.8
    assert abs(found[truth > 0].mean() - 0.25) < 0.07
    assert abs(found[truth < 0].mean() + 0.05) < 0.07


def test_its_order_beats_chance_and_who_answers_anyway(learner: Learner, context: LearnerContext) -> None:
    scores = learner.uplift(UNSEEN.values), response(LEARNT, context).score(UNSEEN.values)
    ours, answer = (qini_coefficient(one, UNSEEN.treated, UNSEEN.outcome, resamples=200) for one in scores)
    assert ours.low > 0
    assert ours.low > answer.value


def test_without_an_effect_its_order_is_chance(kind: type[Learner], context: LearnerContext) -> None:
    score = kind.fit(IDLE, context).uplift(IDLE_UNSEEN.values)
    found = qini_coefficient(score, IDLE_UNSEEN.treated, IDLE_UNSEEN.outcome, resamples=200)
    assert found.low <= 0 <= found.high


def test_with_treatments_drawn_anew_it_finds_nothing(kind: type[Learner], context: LearnerContext) -> None:
    fitted = kind.fit(LEARNT.shuffled(5), context).uplift(UNSEEN.values)
    unseen = UNSEEN.shuffled(6)
    found = qini_coefficient(fitted, unseen.treated, unseen.outcome, resamples=200)
    assert found.low <= 0 <= found.high


def test_the_order_of_rows_changes_nothing(
    kind: type[Learner], learner: Learner, context: LearnerContext
) -> None:
    shuffled = LEARNT.take(np.random.default_rng(0).permutation(len(LEARNT)))
    assert hash_of(kind.fit(shuffled, context)) == hash_of(learner)


def test_the_same_rows_and_seed_give_the_same_hash(
    kind: type[Learner], learner: Learner, context: LearnerContext
) -> None:
    assert hash_of(kind.fit(LEARNT, context)) == hash_of(learner)
    other = replace(context, machine=replace(context.machine, seed=8))
    assert hash_of(kind.fit(LEARNT, other)) != hash_of(learner)


def test_it_comes_back_from_its_texts(kind: type[Learner], learner: Learner) -> None:
    parts = {
        part: Booster.from_text(one.text(), one.names, 1, threads=1) for part, one in learner.boosters.items()
    }
    again = kind.of(parts, learner.treated_rate)
    assert np.array_equal(again.uplift(UNSEEN.values), learner.uplift(UNSEEN.values))


def test_it_refuses_an_arm_without_an_outcome(kind: type[Learner], context: LearnerContext) -> None:
    nobody = replace(LEARNT, outcome=LEARNT.outcome & LEARNT.treated)
    with pytest.raises(InputRejectedError, match="no difference"):
        kind.fit(nobody, context)


def test_a_known_chance_that_differs_by_customer_does_not_mislead(
    kind: type[Learner], context: LearnerContext
) -> None:
    """Those who answer anyway were treated four times as often as the others; nobody is moved."""
    rows, random = design(8000, 9, effect=0), np.random.default_rng(9)
    chance = np.where(rows.values[:, 1] > 0, 0.8, 0.2)
    treated = random.random(len(rows)) < chance
    blind = np.ascontiguousarray(rows.values[:, [0, 2]])
    hidden = RandomisedRows(rows.customer_ids, blind, treated, rows.outcome, chance)
    naive = rows.outcome[treated].mean() - rows.outcome[~treated].mean()
    names = (context.names[0], context.names[2])
    found = kind.fit(hidden, replace(context, names=names)).uplift(hidden.values).mean()
    assert naive > 0.2
    assert abs(found) < 0.03


def test_weights_make_the_arms_alike() -> None:
    rows = RandomisedRows(
        np.array(["a", "b", "c", "d"]),
        np.zeros((4, 1), np.float32),
        np.array([True, True, False, False]),
        np.array([True, False, True, False]),
        np.array([0.5, 0.25, 0.5, 0.75]),
    )
    assert rows.weights.tolist() == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize("chance", [0.0, 1.0, float("nan")])
def test_who_was_sure_of_an_arm_is_refused(chance: float) -> None:
    one = design(1, 1)
    with pytest.raises(UsageError, match="it cannot be compared"):
        replace(one, probability=np.array([chance]))


def test_growing_stops_by_customers_of_the_training_part() -> None:
    settings = UpliftSettings(stopping_folds=5)
    unseen = stopping_rows(LEARNT.customer_ids, settings, seed=7)
    assert 0.15 < unseen.mean() < 0.25
    twice = stopping_rows(np.repeat(LEARNT.customer_ids, 2), settings, seed=7)
    assert np.array_equal(twice, np.repeat(unseen, 2))


def test_without_an_effect_growing_stops_early(context: LearnerContext) -> None:
    idle = replace(IDLE, outcome=np.random.default_rng(1).random(len(IDLE)) < 0.3)
    trees = response(idle, context).model.num_trees()
    assert trees < response(LEARNT, context).model.num_trees()
