"""A training in a process of its own, which a failpoint kills."""

from __future__ import annotations

import os
from pathlib import Path

from tests.training.conftest import make_fit, make_job
from training import flow
from vipreco.failpoints import VARIABLE
from vipreco.project import Project


def train(root: Path, failpoint: str) -> None:
    """Train the second version of the project in `root`."""
    os.environ[VARIABLE] = failpoint
    flow.run(make_job(Project.find(root)), make_fit("two", map_at_7=0.9), promote=True)
