"""BentoML packs code and settings, and no customer's data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vipreco.new_project import create


@pytest.mark.slow
@pytest.mark.parametrize("named", [["serving.service:VipReco"], []])
def test_a_bento_holds_no_data(tmp_path: Path, named: list[str]) -> None:
    project = create(tmp_path / "bank")
    canary = project.root / "data" / "tables" / "features" / "canary.parquet"
    canary.parent.mkdir(parents=True)
    canary.write_text("00123 canary")
    (project.root / "practice").mkdir()
    (project.root / "practice" / "raw.csv").write_text("00123 canary")
    home = tmp_path / "bentos"
    subprocess.run(
        [sys.executable, "-m", "bentoml", "build", *named],
        cwd=project.root,
        env={**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True"},
        capture_output=True,
        check=True,
    )
    (packed,) = home.glob("bentos/vipreco/*/src")
    assert {path.name for path in packed.iterdir()} == {
        "bentofile.yaml",
        "features",
        "serving",
        "training",
        "vipreco.toml",
    }
    assert (packed / "serving" / "service.py").is_file()
    assert not [path for path in packed.rglob("*") if path.is_file() and b"canary" in path.read_bytes()]
