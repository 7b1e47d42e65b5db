"""The commands of the README's section on the Santander data, which need the files beside the project."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.readme_walk import ROOT, commands, run_all

SHARED = (ROOT / ".." / "shared").resolve()
SANTANDER = SHARED / "data" / "santander"


@pytest.mark.long
@pytest.mark.real_data
@pytest.mark.skipif(not SANTANDER.is_dir(), reason="the Santander files are not in ../shared/data/santander")
def test_the_commands_of_the_santander_section_work_in_order(tmp_path: Path) -> None:
    """The commands name files of the checkout and beside it; the results must stay out of both."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "experiments" / "santander", root / "experiments" / "santander")
    grow_less(root / "experiments" / "santander" / "recipe.toml")
    (tmp_path / "shared").symlink_to(SHARED)
    run_all(commands("real-data"), root)


def grow_less(recipe: Path) -> None:
    """Let a recipe fit three small models where it fits eighteen: how good they are is measured elsewhere."""
    text = recipe.read_text(encoding="utf-8")
    for usual, small in {
        "bags = 3": "bags = 1",
        "rounds = 120": "rounds = 20",
        "folds = 5": "folds = 2",
    }.items():
        assert usual in text
        text = text.replace(usual, small)
    recipe.write_text(text, encoding="utf-8")
