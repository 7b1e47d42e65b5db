"""`bench oracle` simulates, trains and judges anywhere; its report says the same as its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vipreco.cli.entry import main

RECIPE = Path(__file__).parents[1] / "recipes" / "tiny.toml"
SMALL = ["--customers", "600", "--months", "4", "--recipe", str(RECIPE)]


def test_the_oracle_bench_prints_its_shares_and_writes_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # no project here
    assert main(["bench", "oracle", *SMALL, "--out", "found"]) == 0
    shown = capsys.readouterr().out
    found = json.loads((tmp_path / "found" / "results.json").read_text())
    rows = {(row["effort"], row["unit"], row["part"], row["arm"]): row for row in found["shares"]}
    assert rows["list", "money", "all", "oracle"]["share"] == 1
    for key, row in rows.items():
        assert 0 <= row["share"] <= 1 + 1e-9, key
    full = rows["list", "money", "all", "full decision"]
    assert f"{full['share']:.3f} [{full['low']:.3f}, {full['high']:.3f}]" in shown
    assert f"{full['share']:.3f} [{full['low']:.3f}, {full['high']:.3f}]" in (
        tmp_path / "found" / "report.md"
    ).read_text(encoding="utf-8")
    bank = found["banks"][0]
    assert bank["judged"] == "2025-11-30"
    assert bank["learnt"] == ["2025-09-30", "2025-10-31"]  # labels end on the judged date
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found"]
    assert main(["bench", "oracle", *SMALL, "--out", "again"]) == 0
    for name in ("results.json", "report.md"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "found" / name).read_bytes()


def test_a_recipe_that_looks_further_than_the_truth_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = tmp_path / "far.toml"
    recipe.write_text('name = "far"\n[recommender]\nhorizon_months = 3\n')
    assert main(["bench", "oracle", "--recipe", str(recipe)]) == 2
    assert "one month" in capsys.readouterr().err


def test_an_unknown_recipe_is_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "oracle", "--recipe", "nothing"]) == 2
    assert "there is no recipe nothing" in capsys.readouterr().err
