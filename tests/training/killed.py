"""A training in a process of its own, which a failpoint kills."""

from __future__ import annotations

import os
from pathlib import Path

from tests.training.conftest import make_fit, make_job
from training import flow, retrain_job
from vipreco.failpoints import VARIABLE
from vipreco.project import Project


def train(root: Path, failpoint: str) -> None:
    """Train the second version of the project in `root`."""
    os.environ[VARIABLE] = failpoint
    flow.run(make_job(Project.find(root)), make_fit("two", map_at_7=0.9), promote=True)


def retrain(root: Path, failpoint: str) -> None:
    """Retrain the second version of the project in `root`, with tables that need no check."""
    os.environ[VARIABLE] = failpoint
    retrain_job.validate = lambda *_: []  # type: ignore[assignment]
    retrain_job.prove_time = lambda _: None
    retrain_job.prepare = lambda project, *_: flow.replace(  # type: ignore[assignment]
        make_job(project), champion=flow._champion_of(project, print)
    )
    plan = retrain_job.Plan(make_fit("two", map_at_7=0.9), list, promote=True)
    retrain_job.retrain(Project.find(root), plan)
