"""One simulated bank as a project: imported, and with a trained champion; made by the commands themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.shared import BuiltOnce
from vipreco.cli.entry import main

RECIPE = Path(__file__).parent / "recipes" / "tiny.toml"
CUSTOMERS, MONTHS, SEED = 500, 5, 3


def imported_project(built_once: BuiltOnce) -> Path:
    """Return the root of a project whose tables hold 500 customers over 5 months to the end of 2025.

    What the bank delivered lies in `practice` beside it. Its tracking database is empty and ready.
    """

    def build(home: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home)
            size = ["--customers", str(CUSTOMERS), "--months", str(MONTHS), "--seed", str(SEED)]
            assert main(["simulate", *size, "--out", "practice"]) == 0
            assert main(["new", "bank"]) == 0
            patch.chdir(home / "bank")
            shutil.copy(RECIPE, Path("training", "recipes"))
            files = sorted(str(path) for path in Path("../practice/raw").iterdir() if path.is_file())
            assert main(["import", "--mapping", "../practice/mapping.toml", *files]) in {0, 4}
            shutil.copy(tracking_database(built_once), Path("data", "tracking.db"))

    return built_once("imported-bank", build) / "bank"


def trained_project(built_once: BuiltOnce) -> Path:
    """Return the root of the same project with a champion of the tiny recipe."""

    def build(home: Path) -> None:
        shutil.copytree(imported_project(built_once), home / "bank")
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(home / "bank")
            assert main(["train", "--recipe", "tiny"]) == 0

    return built_once("trained-bank", build) / "bank"


def tracking_database(built_once: BuiltOnce) -> Path:
    """Return an empty tracking database; making its tables takes seconds, copying it does not."""

    def build(home: Path) -> None:
        from training.server import connect
        from vipreco.project import Project

        (home / "vipreco.toml").write_text(
            '[project]\nname = "test"\ntracking = "sqlite:///data/tracking.db"\n', encoding="utf-8"
        )
        connect(Project.find(home)).search_experiments()
        (home / "data" / "tracking.db").chmod(0o600)  # as a command leaves it

    return built_once("tracking-database", build) / "data" / "tracking.db"
