"""A tiny bank with a trained champion, for each process a copy of the one that is made once a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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
def bank_folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The trained project as the current folder; all that stands beside `data/` is put back afterwards."""
    monkeypatch.chdir(trained)
    before = files_beside_data(trained)
    yield trained
    after = files_beside_data(trained)
    for path in after.keys() - before.keys():
        path.unlink()
    for path in [path for path, content in before.items() if after.get(path) != content]:
        path.write_bytes(before[path])


def files_beside_data(project: Path) -> dict[Path, bytes]:
    beside = [path for path in project.iterdir() if path.name != "data"]
    found = [path for one in beside for path in (one, *one.rglob("*")) if path.is_file()]
    return {path: path.read_bytes() for path in found if "__pycache__" not in path.parts}


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
