"""A tiny bank with a trained champion, made by the commands themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vipreco.cli.entry import main

RECIPE = Path(__file__).parents[1] / "recipes" / "tiny.toml"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a project with a champion: 500 customers, 5 months to the end of 2025."""
    home = tmp_path_factory.mktemp("trained bank")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        simulate = ["simulate", "--customers", "500", "--months", "5", "--seed", "3", "--out", "practice"]
        assert main(simulate) == 0
        assert main(["new", "bank"]) == 0
        patch.chdir(home / "bank")
        shutil.copy(RECIPE, home / "bank" / "training" / "recipes")
        files = sorted(str(path) for path in Path("../practice/raw").iterdir() if path.is_file())
        assert main(["import", "--mapping", "../practice/mapping.toml", *files]) in {0, 4}
        assert main(["train", "--recipe", "tiny"]) == 0
    return home / "bank"


@pytest.fixture
def bank_folder(trained: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The trained project as the current folder."""
    monkeypatch.chdir(trained)
    return trained
