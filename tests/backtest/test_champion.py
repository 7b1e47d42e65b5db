"""A challenger beside the champion: same customers, nothing that it learnt is judged, paired differences."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.backtest.test_replay import MONTHS, PLAN, SETTINGS, features, history
from vipreco.backtest import BacktestPlan, Champion, backtest, rolling_folds, rolling_trials
from vipreco.backtest.calibration_parts import by_product, by_tier, surely_off
from vipreco.backtest.champion import (
    ARTIFACT,
    CHAMPION,
    REFITTED,
    SAME,
    compare_with_champion,
)
from vipreco.backtest.judged_parts import propensities_of
from vipreco.backtest.scored_customers import ScoredCustomers
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData

__all__ = ["features", "history"]
OTHER = SETTINGS.model_copy(update={"source": "item-item-cosine"})


def champion_of(
    history: History, features: FeatureSet, days: tuple[date, ...], settings: RecommenderSettings = SETTINGS
) -> Champion:
    recommender = Recommender.fit(TrainingData(Panel(history, days)), features, settings, PLAN.machine)
    return Champion(recommender, settings, history.label_window(days[-1], 1)[1])


def judged(ours: list[list[float]], theirs: list[list[float]], truth: list[list[int]]) -> ScoredCustomers:
    happened = np.array(truth, bool)
    return ScoredCustomers(
        {"vipreco": np.array(ours), CHAMPION: np.array(theirs)},
        happened,
        np.ones_like(happened),
        np.zeros_like(happened),
        np.array(["VIP", "VIP", "MASS", "MASS"][: len(happened)], object),
        np.array(["1", "2", "3", "4"][: len(happened)], object),
    )


def test_a_champion_is_taken_as_it_is_where_all_it_learnt_had_happened(
    history: History, features: FeatureSet
) -> None:
    first, second = rolling_trials(Panel(history, ()), rolling_folds(history.snapshot_dates, 1, folds=2))
    champion = champion_of(history, features, (MONTHS[0],))
    for trial in (first, second):
        rival, basis = champion.for_trial(trial, champion.recommender, PLAN.machine)
        assert (rival is champion.recommender, basis) == (True, ARTIFACT)


def test_a_champion_that_learnt_the_judged_month_is_fitted_anew_on_what_the_trial_learns_from(
    history: History, features: FeatureSet
) -> None:
    first = next(rolling_trials(Panel(history, ()), rolling_folds(history.snapshot_dates, 1, folds=2)))
    champion = champion_of(history, features, tuple(MONTHS[:2]), OTHER)
    challenger = champion_of(history, features, (MONTHS[0],)).recommender
    rival, basis = champion.for_trial(first, challenger, PLAN.machine)
    assert (basis, rival.as_of_dates) == (REFITTED, (MONTHS[0],))
    assert rival.settings.source == "item-item-cosine"
    own = replace(champion, settings=SETTINGS)
    assert own.for_trial(first, challenger, PLAN.machine) == (challenger, SAME)


def test_the_same_recipe_is_never_worse_than_itself(history: History, features: FeatureSet) -> None:
    trials = rolling_trials(Panel(history, ()), rolling_folds(history.snapshot_dates, 1, folds=2))
    champion = champion_of(history, features, tuple(MONTHS[:3]))
    found = backtest(trials, features, SETTINGS, PLAN, champion=champion)
    against = found.against_champion
    assert against is not None
    assert set(against.bases.values()) == {SAME}
    summary = against.summary()
    assert [summary[f"map-above-champion{end}"] for end in ("", "/low", "/high")] == [0.0, 0.0, 0.0]
    assert summary["log-loss-above-champion/low"] == 0.0
    assert against.champion["map@3"] == pytest.approx(found.value("map@3"))
    alone = rolling_trials(Panel(history, ()), rolling_folds(history.snapshot_dates, 1, folds=2))
    assert found.summary() == backtest(alone, features, SETTINGS, PLAN).summary()


def test_months_in_which_both_were_the_same_fit_say_nothing_of_either(
    history: History, features: FeatureSet
) -> None:
    folds = rolling_folds(history.snapshot_dates, 1, folds=2)
    champion = champion_of(history, features, folds[-1].train[1:])
    both, newest = (
        backtest(
            rolling_trials(Panel(history, ()), chosen), features, SETTINGS, PLAN, champion=champion
        ).against_champion
        for chosen in (folds, folds[-1:])
    )
    assert both is not None
    assert newest is not None
    assert list(both.bases.values()) == [SAME, ARTIFACT]
    assert (both.map, both.log_loss) == (newest.map, newest.log_loss)
    assert both.log_loss.value != 0


def test_products_that_the_champion_never_saw_have_no_chance_there(
    history: History, features: FeatureSet
) -> None:
    recommender = champion_of(history, features, (MONTHS[0],)).recommender
    view = history.as_of(MONTHS[1])
    found = propensities_of(recommender, view, ("c", "new", "a"))
    assert found[:, 1].tolist() == [0.0] * len(found)
    whole = propensities_of(recommender, view, recommender.product_ids)
    assert found[:, 0].tolist() == whole[:, recommender.product_ids.index("c")].tolist()


def test_differences_are_ours_minus_the_champions_by_tier_and_over_everybody() -> None:
    """Worked by hand: we rank the two VIPs' products first, the champion second; MASS the other way."""
    right, wrong = [0.9, 0.1], [0.1, 0.9]
    truth = [[1, 0]] * 4
    both = judged([right, right, wrong, right], [wrong, wrong, right, right], truth)
    plan = BacktestPlan(2, 200, Machine(seed=1, threads=1))
    found = compare_with_champion(both, "vipreco", {}, plan)
    assert found.map.value == pytest.approx((0.5 + 0.5 - 0.5 + 0) / 4)
    assert {tier: one.value for tier, one in found.by_tier.items()} == {"VIP": 0.5, "MASS": -0.25}
    assert found.by_tier["VIP"].low == 0.5
    loss = -np.log([0.1, 0.9, 0.1, 0.9])
    ours, theirs = 2 * (loss[1] * 3 + loss[0]), 2 * (loss[0] * 2 + loss[1] * 2)
    assert found.log_loss.value == pytest.approx((theirs - ours) / theirs)


def test_sums_of_both_are_over_the_products_that_the_champion_knows() -> None:
    """By hand: the first product was acquired twice, we expect .9, the champion 2; it has no second one."""
    ours, theirs = [[0.4, 0.9], [0.5, 0.9]], [[0.9, 0.0], [1.1, 0.0]]
    both = judged(ours, theirs, [[1, 0], [1, 1]])
    plan = BacktestPlan(2, 20, Machine(seed=1, threads=1))
    found = compare_with_champion(both, "vipreco", {}, plan).summary()
    assert found["calibration_ratio/beside-champion"] == pytest.approx(0.45)
    assert found["calibration_ratio/champion"] == pytest.approx(1.0)


def test_the_lower_end_is_one_sided() -> None:
    """With an error rate of 5 %, 5 % of the resamples lie below it."""
    truth = [[1, 0]] * 4
    both = judged([[0.9, 0.1]] * 2 + [[0.1, 0.9]] * 2, [[0.9, 0.1]] + [[0.1, 0.9]] + [[0.9, 0.1]] * 2, truth)
    plans = [BacktestPlan(2, 2000, Machine(seed=1, threads=1), error_rate=rate) for rate in (0.05, 0.25)]
    strict, loose = (compare_with_champion(both, "vipreco", {}, plan).map for plan in plans)
    assert strict.value == loose.value
    assert strict.low < loose.low < loose.value


def test_a_product_or_tier_is_off_only_where_chance_does_not_explain_it() -> None:
    random = np.random.default_rng(3)
    chances = np.tile(random.uniform(0.05, 0.4, (800, 1)), (1, 2))
    truth = random.random((800, 2)) < chances * [1.0, 0.4]  # of the second product 2.5 times too many
    rated = ScoredCustomers(
        {"vipreco": chances},
        truth,
        np.ones_like(truth),
        np.zeros_like(truth),
        np.array(["A", "B"] * 400, object),
        np.arange(800).astype(str).astype(object),
    )
    right, wrong = by_product(rated, "vipreco", ("x", "y"), np.array([np.inf, np.inf]))
    assert (right.part, right.surely_off) == ("x", 1.0)
    assert wrong.acquisitions == truth[:, 1].sum()
    assert 1.5 < wrong.surely_off < wrong.ratio.value
    assert surely_off([right, wrong]) == wrong.surely_off
    assert surely_off([]) == 1.0
    assert {part.part for part in by_tier(rated, "vipreco", np.inf)} == {"A", "B"}


def test_products_without_evidence_say_nothing() -> None:
    few = judged([[0.2, 0.9]] * 4, [[0.2, 0.9]] * 4, [[0, 0]] * 4)
    assert by_product(few, "vipreco", ("x", "y"), np.zeros(2)) == ()
