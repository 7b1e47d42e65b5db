"""The replay of attrition and tier upgrades: which dates are learnt and judged, and what its numbers say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from vipreco.backtest import ChangePlan, backtest_changes
from vipreco.backtest.changes import NO_LADDER, TOO_FEW, TOO_SHORT, ChangeTrial, change_trials
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import BoosterSettings, Machine, RelationshipSettings
from vipreco.recommender import Panel, RecommenderSettings
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [day.date() for day in pd.date_range("2024-01-31", periods=9, freq="ME")]
LADDER = TierLadder(
    vip=("GOLD",),
    ladder=(TierLine(tier="BASIC", from_amount=0.0), TierLine(tier="GOLD", from_amount=100.0)),
)
SMALL = BoosterSettings(rounds=5, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(
    relationship_horizon_months=2,
    relationship=RelationshipSettings(attrition=SMALL, tier_upgrade=SMALL, min_cases=5, dates=2),
)
PLAN = ChangePlan(folds=2, resamples=40, machine=Machine(3, 1))


def history(months: list[date] = MONTHS, customers: int = 200) -> History:
    """Assets swing around the line; who fell before goes on falling, as far from the line as may be."""
    random = np.random.default_rng(11)
    steps = np.where(np.arange(customers)[:, None] % 2, 0.06, -0.06) + random.normal(0, 0.1, (customers, 9))
    amounts = np.round(100 * np.exp(random.normal(0, 0.4, (customers, 1)) + steps.cumsum(axis=1)), 2)
    ids = [f"{number:04d}" for number in range(customers)]
    rows = [(customer, month) for month in months for customer in ids]
    flat = amounts[:, : len(months)].T.ravel()
    return History.from_frames(
        {
            "customers": pa.table(
                {
                    "customer_id": [row[0] for row in rows],
                    "snapshot_date": [row[1] for row in rows],
                    "tier": ["GOLD" if amount >= 100 else "BASIC" for amount in flat],
                    "aum_amount": flat,
                }
            )
        }
    )


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    return FeatureSet.read(FEATURES, LADDER)


def trials(months: list[date]) -> list[ChangeTrial]:
    return change_trials(Panel(history(months, 10), ()), SETTINGS, PLAN)


def test_a_date_is_learnt_only_when_its_window_has_ended_at_the_judged_date():
    assert trials(MONTHS) == [
        ChangeTrial("2024-06-30", (MONTHS[2], MONTHS[3]), (MONTHS[5],)),
        ChangeTrial("2024-07-31", (MONTHS[3], MONTHS[4]), (MONTHS[6],)),
    ]


def test_with_too_short_a_history_customers_are_judged_by_other_customers():
    dates = (MONTHS[0], MONTHS[1])
    assert trials(MONTHS[:4]) == [
        ChangeTrial("customers 1 of 2", dates, dates, 0),
        ChangeTrial("customers 2 of 2", dates, dates, 1),
    ]


def test_without_a_labelled_date_or_a_ladder_it_says_why(features: FeatureSet):
    short = Panel(history(MONTHS[:2], 10), ())
    assert backtest_changes(short, features, SETTINGS, PLAN).remark == TOO_SHORT
    whole = Panel(history(MONTHS, 10), ())
    assert backtest_changes(whole, FeatureSet.read(FEATURES), SETTINGS, PLAN).remark == NO_LADDER
    off = SETTINGS.model_copy(update={"relationship_horizon_months": 0})
    found = backtest_changes(whole, features, off, PLAN)
    assert (found.metrics.empty, found.summary()) == (True, {})
    strict = SETTINGS.relationship.model_copy(update={"min_cases": 1000})
    few = SETTINGS.model_copy(update={"relationship": strict})
    assert backtest_changes(whole, features, few, PLAN).remark == TOO_FEW


def test_every_number_has_its_baselines_and_the_lead_over_them_is_their_difference(features: FeatureSet):
    told: list[str] = []
    found = backtest_changes(Panel(history(), ()), features, SETTINGS, PLAN, told.append)
    frame = found.metrics.set_index(["model", "slice", "metric"])["value"]
    assert found.trials == ("2024-06-30", "2024-07-31")
    assert found.remark == ""
    for change, baselines in (
        ("attrition", {"assets-fell-last-month", "distance-to-the-line"}),
        ("tier_upgrade", {"distance-to-the-line"}),
    ):
        assert set(frame.index[frame.index.get_level_values(1) == change].get_level_values(0)) == {
            "vipreco",
            *baselines,
        }
        for baseline in baselines:
            for metric in ("auc", "average_precision", "top_decile_ratio"):
                lead = frame["vipreco", change, f"{metric} above {baseline}"]
                assert lead == pytest.approx(
                    frame["vipreco", change, metric] - frame[baseline, change, metric]
                )
    summary = found.summary()
    row = found.metrics.query("slice == 'tier_upgrade' and metric == 'auc above distance-to-the-line'").iloc[
        0
    ]
    assert summary["tier_upgrade/auc-above-distance-to-the-line/low"] == row.low <= row.value <= row.high
    assert (
        summary["distance-to-the-line/tier_upgrade/auc"]
        == frame["distance-to-the-line", "tier_upgrade", "auc"]
    )
    assert told == [
        "attrition and tier upgrades",
        *(f"attrition and tier upgrades, {name}" for name in found.trials),
    ]


def test_the_baseline_of_the_line_is_the_order_of_the_distances(features: FeatureSet):
    """Judged by hand on one date: GOLD customers, the nearest to their line first."""
    from sklearn.metrics import roc_auc_score

    bank = history()
    one = ChangePlan(folds=1, resamples=0, machine=Machine(3, 1))
    found = backtest_changes(Panel(bank, ()), features, SETTINGS, one)
    day = MONTHS[6]
    rows = bank.as_of(day).query("SELECT customer_id, aum_amount FROM customers_now ORDER BY customer_id")
    changes = bank.relationship_changes(day, MONTHS[8], LADDER).changes.to_pandas()
    amounts = rows["aum_amount"].to_pandas().astype(float)
    known = changes["attrition"].notna()
    auc = roc_auc_score(changes["attrition"][known].astype(bool), -amounts[known])
    frame = found.metrics.set_index(["model", "slice", "metric"])["value"]
    assert frame["distance-to-the-line", "attrition", "auc"] == pytest.approx(auc)
