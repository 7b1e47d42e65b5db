"""`vipreco monitor` judges the newest snapshot, writes report and gauges, and counts a snapshot once."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import trained_project
from vipreco.cli.entry import main


@pytest.fixture
def bank_folder(built_once: BuiltOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "bank"
    shutil.copytree(trained_project(built_once), home)
    monkeypatch.chdir(home)
    return home


def test_a_bank_is_monitored(bank_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--as-of", "2025-12-31", "--format", "json"]
    code = main(["monitor", *where, "--report", "m.html", "--textfile", "m.prom"])
    found = json.loads(capsys.readouterr().out)
    assert code == (9 if any(each["severity"] == "alarm" for each in found) else 0)
    assert "labels-missing" in {each["code"] for each in found}  # the champion learnt from every month
    assert "Monitoring of 2025-12-31" in Path("m.html").read_text()
    assert 'vipreco_monitoring_findings{severity="alarm"}' in Path("m.prom").read_text()
    kept = sorted((bank_folder / "data" / "monitoring").glob("*.json"))
    assert [path.stem for path in kept] == ["2025-10-31", "2025-11-30", "2025-12-31"]
    content = json.loads(kept[-1].read_text())["facts"]
    assert {"input", "score"} <= {name.partition("/")[0] for name in content["columns"]}
    assert {"offer", "rule", "outcome", "input"} <= {name.partition("/")[0] for name in content["rates"]}
    os.utime(kept[0], (0, 0))
    assert main(["monitor", *where]) == code
    assert json.loads(capsys.readouterr().out) == found
    assert kept[0].stat().st_mtime == 0  # it was read, not counted again


def test_a_wrong_limit_is_told(bank_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bank_folder / "training" / "monitoring.toml").write_text("input_shfit = 0.2\n")
    assert main(["monitor"]) == 2
    assert "input_shfit" in capsys.readouterr().err
