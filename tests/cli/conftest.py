"""A tiny bank with a trained champion, for each process a copy of the one that is made once a run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import trained_project


@pytest.fixture(scope="session")
def trained(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a project with a champion: 500 customers, 5 months to the end of 2025."""
    home = tmp_path_factory.mktemp("trained bank")
    made = trained_project(built_once)
    shutil.copytree(made, home / "bank")
    shutil.copytree(made.parents[1] / "imported-bank" / "practice", home / "practice")
    return home / "bank"


@pytest.fixture
def bank_folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained project as the current folder."""
    monkeypatch.chdir(trained)
    return trained
