from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from tests.shared import BuiltOnce, new_store
from tests.simulated_bank import tracking_database
from training.recipe import Recipe
from training.result import CardInputs, CardTable, Fit, TrainingJob, TrainingResult
from vipreco.artifact import saving, write_golden, write_manifest
from vipreco.project import Project

GATES = [
    {"metric": "map_at_7", "champion_margin": 0.01},
    {"metric": "auc", "min_value": 0.6},
    {"metric": "calibration_slope", "min_value": 0.8, "max_value": 1.25},
]
GOOD = {"map_at_7": 0.80, "auc": 0.9, "calibration_slope": 1.0}
SNAPSHOT = "00112233"


ONE_PERSON = "[governance]\nsingle_person = true\n"


def make_project(
    root: Path, tracking: str = "sqlite:///data/tracking.db", governance: str = ONE_PERSON
) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / "vipreco.toml").write_text(f'[project]\nname = "test"\ntracking = "{tracking}"\n{governance}')
    return Project.find(root)


@pytest.fixture(scope="session")
def ready_database(built_once: BuiltOnce) -> Path:
    return tracking_database(built_once)


@pytest.fixture(scope="session")
def empty_store(built_once: BuiltOnce) -> Path:
    return new_store(built_once)


@pytest.fixture
def project(tmp_path: Path, ready_database: Path, empty_store: Path) -> Project:
    made = make_project(tmp_path / "bank")
    (made.root / "data").mkdir()
    shutil.copy(ready_database, made.root / "data" / "tracking.db")
    shutil.copy(empty_store, made.root / "data" / "store.db")
    return made


@pytest.fixture
def job(project: Project) -> TrainingJob:
    return make_job(project)


def make_job(project: Project, **sections: Any) -> TrainingJob:
    recipe = Recipe.model_validate_json(json.dumps({"name": "plain", "gate": GATES, **sections}))
    return TrainingJob(project, recipe, (date(2015, 5, 28),), SNAPSHOT, Path())


def make_fit(content: str = "one", champion: dict[str, float] | None = None, **metrics: float) -> Fit:
    """Return a fit that saves a tiny artifact with `content` and answers with these metrics."""

    def fit(job: TrainingJob) -> TrainingResult:
        with saving(job.artifact_folder) as folder:
            (folder / "features").mkdir()
            (folder / "features" / "holdings.sql").write_text("SELECT 1")
            (folder / "booster.txt").write_text(content)
            write_golden(folder, np.ones((3, 2)), np.ones(3))
            facts = {"snapshot_id": SNAPSHOT, "feature_fingerprint": "aabb", "as_of_date": "2015-05-28"}
            write_manifest(folder, facts)
        summary = {**GOOD, **metrics}
        table = CardTable("Against baselines", ("model", "map_at_7"), (("popularity", 0.5671),))
        return TrainingResult(
            parameters={"rounds": 200, "source": "ease"},
            metrics_by_fold=[{"map@7": 0.5}, {"map@7": 0.25}],
            summary_metrics=summary,
            card=CardInputs(
                "12 customers, 3 acquisitions.", "Boosted trees.", ("Mortgages: thin.",), "", (table,)
            ),
            figures={"calibration": Figure(figsize=(1, 1))},
            champion_metrics=champion,
        )

    return fit


@pytest.fixture
def fit() -> Callable[..., Fit]:
    return make_fit


@pytest.fixture
def new_job() -> Callable[..., TrainingJob]:
    return make_job


@pytest.fixture
def new_project() -> Callable[..., Project]:
    return make_project


@pytest.fixture
def black_hole() -> Iterator[str]:
    """Address of a server that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
