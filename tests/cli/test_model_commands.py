"""Models are trained, judged, listed, promoted and rolled back from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.entry import main
from vipreco.cli.model_commands import beside_baselines

METRICS = pl.DataFrame(
    {
        "model": ["vipreco", "popularity", "vipreco", "popularity"],
        "slice": ["all", "all", "novel", "novel"],
        "metric": ["map@7"] * 4,
        "value": [0.8, 0.5, 0.7, 0.4],
        "low": [0.75, 0.45, 0.6, 0.3],
        "high": [0.85, 0.55, 0.8, 0.5],
        "customers": [10, 10, 5, 5],
    }
)


def test_every_number_of_ours_stands_beside_its_baselines() -> None:
    assert beside_baselines(METRICS).to_dicts() == [
        {
            "slice": name, "metric": "map@7", "customers": customers,
            "vipreco": ours, "low": low, "high": high, "popularity": rival,
        }
        for name, customers, ours, low, high, rival in [
            ("all", 10, 0.8, 0.75, 0.85, 0.5),
            ("novel", 5, 0.7, 0.6, 0.8, 0.4),
        ]
    ]  # fmt: skip


@pytest.mark.usefixtures("bank_folder")
def test_the_first_version_is_listed_as_champion(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--format", "json"]) == 0
    versions = json.loads(capsys.readouterr().out)
    assert [(item["version"], item["aliases"], item["recipe"]) for item in versions] == [
        ("1", ["champion"], "tiny")
    ]


@pytest.mark.usefixtures("bank_folder")
def test_the_numbers_of_a_version_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "--all", "--format", "json"]) == 0
    shown = {row["metric"]: row["value"] for row in json.loads(capsys.readouterr().out)}
    assert {"map_at_3", "popularity/map_at_3", "auc"} <= set(shown)


@pytest.mark.usefixtures("bank_folder")
def test_two_versions_stand_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "--format", "json"]) == 0
    ours = {row["metric"]: row["ours"] for row in json.loads(capsys.readouterr().out)}
    assert main(["models", "compare", "1", "champion", "--format", "json"]) == 0
    told = capsys.readouterr()
    assert {row["metric"]: (row["one"], row["other"]) for row in json.loads(told.out)} == {
        metric: (value, value) for metric, value in ours.items()
    }
    assert told.err.count("version 1 champion: verdict: ") == 2
    assert main(["models", "compare", "1", "7"]) == 2


@pytest.mark.usefixtures("bank_folder")
def test_promoting_the_champion_again_passes_and_an_unknown_version_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["models", "promote", "1"]) == 0
    assert "1 is champion" in capsys.readouterr().out
    assert main(["models", "promote", "7"]) == 2
    assert main(["models", "rollback"]) == 2


@pytest.mark.usefixtures("bank_folder")
def test_nothing_waits_to_be_sent(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sync"]) == 0
    assert "0 training(s) sent" in capsys.readouterr().out


@pytest.mark.usefixtures("bank_folder")
def test_a_backtest_registers_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["backtest", "--recipe", "tiny", "--out", str(tmp_path / "found.csv")]) == 0
    found = pl.read_csv(tmp_path / "found.csv")
    assert {"slice", "metric", "vipreco", "low", "high", "popularity"} <= set(found.columns)
    capsys.readouterr()
    main(["models", "list", "--format", "json"])
    assert len(json.loads(capsys.readouterr().out)) == 1


@pytest.mark.usefixtures("bank_folder")
def test_leakcheck_proves_the_past_on_the_own_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leakcheck", "--as-of", "2025-10-31", "--format", "json"]) == 0
    captured = capsys.readouterr()
    checks = json.loads(captured.out)
    assert {(check["future"], check["compared"]) for check in checks} == {
        (future, what) for future in ("delete", "rewrite") for what in ("features", "scores", "lists")
    }
    assert all(check["identical"] and check["changed_rows"] > 0 for check in checks)
    assert "a planted leak was caught" in captured.err
    assert "knows the label" not in captured.err


@pytest.mark.usefixtures("bank_folder")
def test_leakcheck_needs_a_future_to_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leakcheck", "--as-of", "2025-12-31"]) == 2
    assert "no snapshot is later" in capsys.readouterr().err


def test_training_before_an_import_is_wrong_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new", "bank"]) == 0
    monkeypatch.chdir(tmp_path / "bank")
    assert main(["train"]) == 2
    assert main(["train", "--recipe", "no-such"]) == 2
    assert "there is no recipe no-such" in capsys.readouterr().err
