"""The leak check passes on an honest history and fails on a planted leak."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from vipreco.assurance import leak_check as leakage, leakcheck
from vipreco.errors import UsageError
from vipreco.features import FeatureSet
from vipreco.history import History, View
from vipreco.project import Project
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings, RelationshipSettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.simulator import simulate
from vipreco.tables import import_

ROOT = Path(__file__).parents[2]
SMALL = BoosterSettings(rounds=5)
SETTINGS = RecommenderSettings(
    propensity=PropensitySettings(product=SMALL, any=SMALL),
    relationship=RelationshipSettings(attrition=SMALL, tier_upgrade=SMALL, min_cases=2),
    relationship_horizon_months=1,
)
TIERS = Project.find(ROOT).settings.tiers


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    bank = simulate(400, 6, seed=3, out=folder / "raw", threads=1)
    import_(folder / "tables", bank.mapping, bank.sources, Project.find(ROOT).settings)
    return folder / "tables"


@pytest.fixture(scope="module")
def dates(tables: Path) -> list[date]:
    return History.open(tables).snapshot_dates


@pytest.fixture(scope="module")
def recommender(tables: Path, dates: list[date]) -> Recommender:
    training_data = TrainingData(Panel(History.open(tables), tuple(dates[1:3])))
    return Recommender.fit(training_data, FeatureSet.read(ROOT / "features", TIERS), SETTINGS, Machine(1, 1))


def test_nothing_learnt_later_reaches_features_scores_or_lists(
    tables: Path, dates: list[date], recommender: Recommender
):
    report = leakcheck(tables, dates[3], recommender, seed=1, threads=1)
    assert [(check.mode, check.what, check.identical) for check in report.checks] == [
        (mode, what, True) for mode in ("delete", "rewrite") for what in ("features", "scores", "lists")
    ]
    assert min(report.changed_rows.values()) > 1000
    assert report.planted_caught
    assert report.passed


def test_a_door_that_stays_open_is_caught(
    tables: Path, dates: list[date], recommender: Recommender, monkeypatch: pytest.MonkeyPatch
):
    honest = History.as_of

    def leaky(self: History, day: date) -> View:
        return honest(self, dates[4] if day == dates[3] else day)

    monkeypatch.setattr(History, "as_of", leaky)
    report = leakcheck(tables, dates[3], recommender, seed=1, threads=1)
    assert not report.passed
    assert not any(check.identical for check in report.checks if check.mode == "rewrite")


def test_a_date_without_a_future_proves_nothing(tables: Path, dates: list[date], recommender: Recommender):
    with pytest.raises(UsageError, match="no snapshot is later"):
        leakcheck(tables, dates[-1], recommender, seed=1, threads=1)


def test_the_chances_to_leave_and_to_rise_are_among_the_compared_scores(
    tables: Path, dates: list[date], recommender: Recommender, monkeypatch: pytest.MonkeyPatch
):
    """Scores of two days that differ in nothing but one customer's chance to reach a tier are told apart."""
    view = History.open(tables).as_of(dates[3])
    decided = list(recommender.decide(view))
    assert any(np.isfinite(part.tier_upgrade_probability).any() for part in decided)
    moved = [
        replace(part, tier_upgrade_probability=part.tier_upgrade_probability + 1e-12) for part in decided
    ]
    hashes = []
    for parts in (decided, moved):
        monkeypatch.setattr(Recommender, "decide", lambda self, view, parts=parts: iter(parts))
        hashes.append(leakage._compute(view, recommender))
    assert hashes[0].scores != hashes[1].scores


def test_the_tables_are_left_as_they_were(tables: Path, dates: list[date], recommender: Recommender):
    before = sorted(path.name for path in tables.parent.iterdir())
    leakcheck(tables, dates[3], recommender, seed=1, threads=1)
    assert sorted(path.name for path in tables.parent.iterdir()) == before
