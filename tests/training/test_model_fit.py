"""The whole flow with the real recommender, on a small simulated bank."""

from __future__ import annotations

import dataclasses
import math
import re
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import imported_project
from training import flow, model_fit, registry
from training.gates import DEFAULT_GATES, Gate
from training.model_fit import fit_and_backtest, warnings_of
from training.recipe import Recipe
from training.result import TrainingJob
from vipreco.errors import UsageError
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Recommender

pytestmark = pytest.mark.slow
RECIPE = {
    "name": "tiny",
    "data": {"newest": 2},
    "recommender": {
        "propensity": {
            "calibration_folds": 2,
            "product": {"rounds": 3, "learning_rate": 0.3},
            "any": {"rounds": 3, "learning_rate": 0.3},
        },
        "relationship": {"attrition": {"rounds": 3}, "tier_upgrade": {"rounds": 3}, "min_cases": 3},
        "arbitration": {"levers": {"families": {"fund": 1.5}}},
    },
    "backtest": {"rolling_folds": 1, "list_length": 3, "resamples": 50},
    "gate": DEFAULT_GATES,
}


def recipe(**backtest: int) -> Recipe:
    return Recipe.model_validate({**RECIPE, "backtest": {**RECIPE["backtest"], **backtest}})


@pytest.fixture(scope="session")
def imported(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose tables hold the simulated bank, in a copy that trainings may change."""
    home = tmp_path_factory.mktemp("fitting") / "bank"
    shutil.copytree(imported_project(built_once), home)
    return home


@pytest.fixture(scope="session")
def trained(imported: Path) -> tuple[Project, flow.Published]:
    project = Project.find(imported)
    return project, flow.run(flow.prepare(project, recipe()), fit_and_backtest)


def test_the_run_has_every_metric_with_its_baselines(trained: tuple[Project, flow.Published]) -> None:
    _, published = trained
    summary = published.record.summary_metrics
    assert {"tier_upgrade/auc", "tier_upgrade/auc-above-distance-to-the-line/low"} <= set(summary)
    assert {"map_at_3", "recall_at_3", "auc", "calibration_slope", "popularity/map_at_3"} <= set(summary)
    assert all(value is None or math.isfinite(value) for value in summary.values())
    assert len(published.record.metrics_by_fold) == 1
    assert published.record.parameters["recommender.propensity.product.rounds"] == 3
    assert published.record.parameters["recommender.arbitration.levers.families"] == "fund x 1.5"
    assert published.record.parameters["recommender.arbitration.levers.tiers"] == "none"
    assert published.champion


def test_a_second_training_gives_the_same_artifact_and_so_the_same_version(
    trained: tuple[Project, flow.Published],
) -> None:
    project, published = trained
    again = flow.run(flow.prepare(project, recipe()), fit_and_backtest)
    assert again.record.artifact_hash == published.record.artifact_hash
    assert again.version == published.version
    beside = {name: value for name, value in again.record.summary_metrics.items() if "champion" not in name}
    assert beside == {**published.record.summary_metrics, "first-offers-changed": 0.0}


def test_nothing_about_a_customer_gets_into_tracking_or_artifact(
    trained: tuple[Project, flow.Published],
) -> None:
    """Every id of the bank is a canary."""
    project, _ = trained
    history = History.open(project.tables)
    table = history.as_of(history.snapshot_dates[-1]).population()
    ids = pl.DataFrame(table)["customer_id"].to_list()
    assert len(ids) > 100
    pattern = re.compile(b"|".join(re.escape(customer.encode()) for customer in ids))
    places = [project.root / "data" / "tracking-artifacts", project.artifacts]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    text = [path for path in files if path.suffix not in {".png", ".npy"}]
    assert len(text) > 10
    leaks = [path.name for path in [*text, project.root / "data" / "tracking.db"] if _holds(pattern, path)]
    assert leaks == []


def _holds(pattern: re.Pattern[bytes], path: Path) -> bool:
    return pattern.search(path.read_bytes()) is not None


def test_the_model_card_shows_baselines_dates_and_limits(trained: tuple[Project, flow.Published]) -> None:
    project, published = trained
    found = registry.resolve(project)
    (card,) = (project.root / "data" / "tracking-artifacts").glob(f"{published.run_id}/**/model_card.md")
    text = card.read_text(encoding="utf-8")
    assert found.artifact_hash in text
    assert " of each slice, 95 % intervals over customers" in text
    assert all(f"\n| {model} | " in text for model in ("vipreco", "acquisition-popularity"))
    assert f"As-of dates {published.record.parameters['as_of_dates']}; " in text
    assert "Acquisitions are seasonal" in text
    (head,) = (line for line in text.splitlines() if line.startswith("| change | measure | customers |"))
    assert {"vipreco", "distance-to-the-line"} <= set(head.strip("| ").split(" | "))
    assert "| tier_upgrade | auc | " in text


def test_too_short_a_history_is_said_in_the_model_card(imported: Path, tmp_path: Path) -> None:
    project = Project.find(imported)
    longer = recipe().model_copy(
        update={"recommender": recipe().recommender.model_copy(update={"relationship_horizon_months": 12})}
    )
    job = dataclasses.replace(flow.prepare(project, longer), artifact_folder=tmp_path / "artifact")
    result = fit_and_backtest(job)
    assert any(limit.startswith("The history is too short") for limit in result.card.limits)
    assert not [name for name in result.summary_metrics if "attrition" in name or "tier_upgrade" in name]
    assert Recommender.load(tmp_path / "artifact", threads=1).fitted.relationship is None


@pytest.mark.parametrize(
    ("rolling", "horizon"),
    [
        pytest.param(0, 1, id="asked-for"),
        pytest.param(1, 4, id="one-labelled-date", marks=pytest.mark.long),
    ],
)
def test_customer_folds_judge_each_customer_once(
    imported: Path, tmp_path: Path, rolling: int, horizon: int
) -> None:
    project, folds = Project.find(imported), recipe(rolling_folds=rolling, customer_folds=2)
    longer = folds.recommender.model_copy(update={"horizon_months": horizon})
    job = flow.prepare(project, folds.model_copy(update={"recommender": longer}))
    told: list[str] = []
    job = dataclasses.replace(job, artifact_folder=tmp_path / "artifact", say=told.append)
    result = fit_and_backtest(job)
    assert [sentence for sentence in told if sentence.startswith("customers")] == [
        "customers 1 of 2",
        "customers 1 of 2, the champion",
        "customers 2 of 2",
        "customers 2 of 2, the champion",
    ]
    assert len(result.metrics_by_fold) == 2


def test_a_training_without_tables_says_what_to_do(tmp_path: Path, new_project: Any) -> None:
    with pytest.raises(UsageError, match="import"):
        flow.prepare(new_project(tmp_path / "empty"), recipe())


def test_lists_of_a_recipe_with_a_wider_gate_carry_the_default_gate():
    """A first look may have a champion whose probabilities do not add up; nobody may overlook it."""
    wider = (Gate(metric="calibration_ratio", min_value=0.5, max_value=2.0),)
    assert warnings_of(wider, {"calibration_ratio": 1.8}) == [
        "calibration_ratio is 1.8, needed is at most 1.25"
    ]
    assert warnings_of(wider, {"calibration_ratio": 1.1}) == []
    assert len(warnings_of(wider, {"calibration_ratio": 2.5})) == 2


@pytest.mark.parametrize(("usable", "threads"), [(1 << 40, [1, 1]), (1 << 20, [2, 2])])
def test_halves_run_side_by_side_where_the_memory_holds_both(
    imported: Path, monkeypatch: pytest.MonkeyPatch, usable: int, threads: list[int]
) -> None:
    monkeypatch.setattr(model_fit, "usable_bytes", lambda _: usable)
    job = flow.prepare(Project.find(imported), recipe())
    seen: list[int] = []

    def part(_: TrainingJob, __: FeatureSet, machine: Machine) -> None:
        seen.append(machine.threads)

    model_fit._in_halves(job, part, part)
    assert seen == threads
