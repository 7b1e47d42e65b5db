"""Running a backtest: nobody is learnt from and judged at once, and the numbers are those of the metrics."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vipreco.backtest import BacktestPlan, backtest, customer_trials, rolling_folds, rolling_trials
from vipreco.backtest.judged_parts import Judge, judge_panel
from vipreco.backtest.replay import OURS
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.stats import average_precision

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]
CUSTOMERS = 120
SMALL = BoosterSettings(rounds=8, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(propensity=PropensitySettings(product=SMALL, any=SMALL))
PLAN = BacktestPlan(list_length=3, resamples=50, machine=Machine(seed=2, threads=1))


@pytest.fixture(scope="module")
def history() -> History:
    """Each month a fifth of the customers acquires: the first half product b, the others c."""
    ids = [f"{number:04d}" for number in range(CUSTOMERS)]
    acquired = [
        (ids[number], "b" if number < 60 else "c", month)
        for place, month in enumerate(MONTHS[1:])
        for number in range(CUSTOMERS)
        if number % 5 == place
    ]
    held = [(customer, "a", date(2023, 1, 31)) for customer in ids] + acquired
    customer, product, opened = zip(*held, strict=True)
    return History.from_frames(
        {
            "customers": pa.table(
                {
                    "customer_id": ids * len(MONTHS),
                    "snapshot_date": [month for month in MONTHS for _ in ids],
                    "tier": ["VIP" if number < 60 else "MASS" for number in range(CUSTOMERS)] * len(MONTHS),
                }
            ),
            "products": pa.table(
                {
                    "product_id": ["a", "b", "c"],
                    "name": ["A", "B", "C"],
                    "offered_from": pa.array([date(2020, 1, 1)] * 3, pa.date32()),
                    "recorded_date": pa.array([date(2020, 1, 1)] * 3, pa.date32()),
                }
            ),
            "holdings": pa.table(
                {
                    "customer_id": customer,
                    "product_id": product,
                    "opened_date": pa.array(opened, pa.date32()),
                }
            ),
        }
    )


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    return FeatureSet.read(FEATURES)


def test_customer_folds_put_everybody_into_one_judged_fold_and_never_into_its_lesson(history: History):
    trials = list(customer_trials(TrainingData(Panel(history, (MONTHS[0],))), folds=3, seed=1))
    judged = [set(trial.ranked.customers.to_pylist()) for trial in trials]
    for trial, members in zip(trials, judged, strict=True):
        assert not members & set(trial.training_data.acquirers.customers.to_pylist())
    assert sum(map(len, judged)) == len(set().union(*judged)) == CUSTOMERS


def test_a_customer_of_the_judged_fold_is_in_neither_panel_of_the_lesson(history: History):
    panel = Panel(history, (MONTHS[0],))
    for trial in customer_trials(TrainingData(panel, replace(panel, as_of=(MONTHS[1],))), folds=2, seed=1):
        assert trial.rated is not None
        assert trial.training_data.rates is not None
        judged = set(trial.ranked.customers.to_pylist()) | set(trial.rated.customers.to_pylist())
        assert not judged & set(trial.training_data.rates.customers.to_pylist())
        assert not judged & set(trial.training_data.acquirers.customers.to_pylist())


def test_rolling_trials_learn_from_windows_that_ended_before(history: History):
    folds = rolling_folds(history.snapshot_dates, 1, folds=2)
    trials = list(rolling_trials(Panel(history, ()), folds))
    assert [trial.training_data.acquirers.as_of for trial in trials] == [(MONTHS[0],), tuple(MONTHS[:2])]
    assert [trial.ranked.as_of for trial in trials] == [(MONTHS[1],), (MONTHS[2],)]


def test_it_ranks_the_planted_rule_first_and_reports_baselines_beside(history: History, features: FeatureSet):
    trials = rolling_trials(Panel(history, ()), rolling_folds(history.snapshot_dates, 1, folds=2))
    found = backtest(trials, features, SETTINGS, PLAN)
    assert found.value("map@3") == pytest.approx(1.0)
    assert found.value("map@3", "tier VIP") == pytest.approx(1.0)
    assert found.value("map@3", model="popularity") < 0.9
    assert set(found.by_trial) == {str(MONTHS[1]), str(MONTHS[2])}
    assert found.rates_known
    assert found.calibration["all"]["observed"] == 2 * CUSTOMERS / 5
    summary = found.summary()
    assert summary["map@3"] == found.value("map@3")
    assert summary["ease/map@3"] == found.value("map@3", model="ease")


def test_judged_customers_are_the_observed_ones_with_their_true_labels(
    history: History, features: FeatureSet
):
    recommender = Recommender.fit(
        TrainingData(Panel(history, (MONTHS[0],))), features, SETTINGS, PLAN.machine
    )
    judged = judge_panel(Judge.of(recommender, {}, history, PLAN), Panel(history, (MONTHS[1],)))
    assert judged.truth.sum(axis=0).tolist() == [0, CUSTOMERS / 10, CUSTOMERS / 10]
    assert (judged.truth & ~judged.listable).sum() == 0
    by_hand = average_precision(np.asarray(judged.scores[OURS]), judged.truth, judged.listable, 3)
    assert np.isnan(by_hand).sum() == CUSTOMERS - CUSTOMERS // 5
