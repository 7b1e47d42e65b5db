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


@pytest.fixture
def bank(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained project, which may be changed, as the current folder."""
    shutil.copytree(trained, tmp_path / "bank")
    monkeypatch.chdir(tmp_path / "bank")
    return tmp_path / "bank"


@pytest.fixture
def snapshot_day(bank: Path) -> None:
    """Let the copy be served as of its newest snapshot, which is in the past."""
    with (bank / "vipreco.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[serving]\nbusiness_date = "snapshot"\n')
