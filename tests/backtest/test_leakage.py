"""The leak check passes on an honest history and fails on a planted leak."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from vipreco.artifact import verify
from vipreco.assurance import LeakBank, computed, leakcheck
from vipreco.engines import LocalEngine, PartedBank
from vipreco.errors import UsageError
from vipreco.features import FeatureSet
from vipreco.history import History, View
from vipreco.parts import Limits, lay_out
from vipreco.project import Project
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings, RelationshipSettings
from vipreco.recommender import ModelInForce, Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.scratch_folder import LOCK
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
    report = leakcheck(LeakBank(tables, recommender, 1), dates[3], seed=1)
    assert [(check.mode, check.what, check.identical) for check in report.checks] == [
        (mode, what, True) for mode in ("delete", "rewrite") for what in ("features", "scores", "lists")
    ]
    assert min(report.changed_rows.values()) > 1000
    assert report.planted_caught
    assert report.passed


@pytest.mark.long
def test_any_number_of_parts_proves_the_same(
    tables: Path, dates: list[date], recommender: Recommender, tmp_path: Path
):
    """Of a sample of customers: some parts have none of them."""
    whole = leakcheck(LeakBank(tables, recommender, 1), dates[3], seed=1, customers=20)
    recommender.save(tmp_path / "artifact", {}, History.open(tables).as_of(dates[3]))
    model = ModelInForce.of(recommender, tmp_path / "artifact", verify(tmp_path / "artifact").artifact_hash)
    laid = lay_out(tables, str(tmp_path / "parts"), 3, Limits(1))
    parts = PartedBank(LocalEngine(str(tmp_path / "runs")), laid)
    bank = LeakBank(tables, recommender, 1, parts, model)
    assert leakcheck(bank, dates[3], seed=1, customers=20) == whole
    assert whole.passed
    assert whole.customers == 20


def test_a_door_that_stays_open_is_caught(
    tables: Path, dates: list[date], recommender: Recommender, monkeypatch: pytest.MonkeyPatch
):
    honest = History.as_of

    def leaky(self: History, day: date) -> View:
        return honest(self, dates[4] if day == dates[3] else day)

    monkeypatch.setattr(History, "as_of", leaky)
    report = leakcheck(LeakBank(tables, recommender, 1), dates[3], seed=1)
    assert not report.passed
    assert not any(check.identical for check in report.checks if check.mode == "rewrite")


def test_a_date_without_a_future_proves_nothing(tables: Path, dates: list[date], recommender: Recommender):
    with pytest.raises(UsageError, match="no snapshot is later"):
        leakcheck(LeakBank(tables, recommender, 1), dates[-1], seed=1)


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
        hashes.append(computed.computed_of(view, recommender))
    assert hashes[0].scores != hashes[1].scores


def test_the_tables_are_left_as_they_were_and_a_killed_proof_leaves_no_copy_for_good(
    tables: Path, dates: list[date], recommender: Recommender
):
    """F03: a proof that was killed in the middle cannot take its copy of the bank away; the next one does."""
    before = sorted(path.name for path in tables.parent.iterdir())
    left = tables.parent / ".vipreco-leakcheck-killed"
    shutil.copytree(tables, left / "work" / "tables")
    (left / LOCK).touch()  # nobody holds it
    leakcheck(LeakBank(tables, recommender, 1), dates[3], seed=1)
    assert sorted(path.name for path in tables.parent.iterdir()) == before
