"""`simulate` and `import` say what they did, and end with the code that a script needs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tests.mapping_text import source
from vipreco.cli.entry import main

CUSTOMERS = "customer_id,day,tier\n001,2026-01-31,VIP\n002,2026-01-31,\n"
PRODUCTS = "code,name,family\nP1,One,cards\n"
HOLDINGS = "who,what,since\n001,P1,2026-01-05\n009,P1,2026-01-06\n"
MAPPING = (
    source("customers.csv", "customers", "customer_id", "tier", snapshot_date="day")
    + source("products.csv", "products", "name", "family", product_id="code")
    + source("holdings.csv", "holdings", customer_id="who", product_id="what", opened_date="since")
)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the current folder that takes many bad rows, with a bank's files beside it."""
    raw = tmp_path / "the files 文件"
    raw.mkdir()
    for name, text in {"customers": CUSTOMERS, "products": PRODUCTS, "holdings": HOLDINGS}.items():
        (raw / f"{name}.csv").write_text(text)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    settings = '[project]\nname = "test"\nthreads = 1\n[import]\nmax_quarantined_rate = 0.6\n'
    (tmp_path / "vipreco.toml").write_text(settings)
    monkeypatch.chdir(tmp_path)
    return raw


def import_all(bank: Path, *options: str) -> int:
    return main(["import", "--mapping", "mapping.toml", *options, *map(str, sorted(bank.glob("*.csv")))])


def test_import_shows_a_ledger_and_ends_with_4_when_rows_are_quarantined(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_all(bank, "--format", "json") == 4
    captured = capsys.readouterr()
    ledger = {row.pop("name"): row for row in json.loads(captured.out)}
    assert ledger["holdings.csv"] == {
        "read": 2,
        "accepted": 1,
        "quarantined": 1,
        "duplicates": 0,
        "reasons": ["who: unknown-customer x 1"],
    }
    assert ledger["customers.csv"]["accepted"] == 2
    assert "quarantined rows: " in captured.err
    assert "009" not in captured.out + captured.err


def test_importing_the_same_files_again_changes_nothing_and_ends_with_0(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import_all(bank)
    before = {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()}
    assert import_all(bank) == 0
    assert "nothing new" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path("data").rglob("*") if path.is_file()} == before


def test_the_ledger_goes_into_a_file_when_asked(bank: Path) -> None:
    import_all(bank, "--out", "ledger.parquet")
    assert pl.read_parquet("ledger.parquet")["read"].sum() == 5


def test_a_target_that_cannot_be_written_stops_the_import_before_it_begins(bank: Path) -> None:
    assert import_all(bank, "--out", "missing/ledger.csv") == 2
    assert not Path("data").exists()


def test_a_rejected_file_ends_with_3_and_nothing_is_there(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bank / "customers.csv").write_text("")
    assert import_all(bank) == 3
    assert "customers.csv" in capsys.readouterr().err
    assert not list(Path("data").rglob("*.parquet"))


def test_a_missing_file_and_a_folder_without_a_project_are_wrong_use(
    bank: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "--mapping", "mapping.toml", "nowhere.csv"]) == 2
    Path("vipreco.toml").unlink()
    assert import_all(bank) == 2
    assert "vipreco new DIR" in capsys.readouterr().err


def test_simulate_writes_a_bank_that_import_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--customers", "60", "--months", "2", "--seed", "1", "--out", "practice"]
    assert main(["simulate", *options]) == 0
    assert "2 snapshots from 2025-11-30 to 2025-12-31" in capsys.readouterr().out
    assert main(["simulate", *options]) == 2
    assert main(["new", "bank"]) == 0
    monkeypatch.chdir(tmp_path / "bank")
    files = sorted(str(path) for path in Path("../practice/raw").iterdir() if path.is_file())
    assert main(["import", "--mapping", "../practice/mapping.toml", *files]) in {0, 4}
    assert Path("data/tables/manifest.json").is_file()


def test_ctrl_c_during_an_import_leaves_nothing_and_frees_the_lock(bank: Path) -> None:
    """B90; `test_random_kills` tries random moments of every command."""
    command = [sys.executable, "-m", "vipreco.cli", "import", "--mapping", "mapping.toml"]
    paths = sorted(map(str, bank.glob("*.csv")))
    environment = {**os.environ, "VIPRECO_FAILPOINT": "import-written:sleep:60"}
    with subprocess.Popen([*command, *paths], env=environment, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 30
        while not list(Path("data/tables").rglob("holdings.parquet")) and time.monotonic() < deadline:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, shown = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in shown
    assert not Path("data/tables/manifest.json").exists()
    assert import_all(bank) == 4


@pytest.mark.parametrize("content", [b"[project", b"[project]\nname = '\xff'", b"[project]\nnam = 'x'"])
def test_settings_that_cannot_be_read_are_wrong_use(
    content: bytes, bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("vipreco.toml").write_bytes(content)
    assert import_all(bank) == 2
    assert "vipreco.toml" in capsys.readouterr().err
    assert not Path("data").exists()


@pytest.mark.parametrize("name", ["-ledger.csv", "a ledger.csv", "清单.csv"])
def test_any_file_name_works(name: str, bank: Path) -> None:
    """B92; `tests/tables/test_odd_paths.py` has the folders."""
    assert import_all(bank, "--out", name) == 4
    assert Path(name).is_file()


def test_a_mistyped_month_is_taken_back_and_the_next_one_comes_in(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_all(bank) == 4
    wrong, right = bank / "wrong" / "customers.csv", bank / "right" / "customers.csv"
    for path, day in ((wrong, "2052-02-28"), (right, "2026-02-28")):
        path.parent.mkdir()
        path.write_text(CUSTOMERS.replace("2026-01-31", day))
    assert main(["import", "--mapping", "mapping.toml", str(wrong)]) == 3
    assert "date-in-future" in capsys.readouterr().err
    assert main(["import", "--mapping", "mapping.toml", "--accept-dates", str(wrong)]) == 0
    assert main(["validate"]) == 0
    assert "snapshot-in-future" in capsys.readouterr().out
    assert main(["import", "--mapping", "mapping.toml", str(right)]) == 3
    assert main(["import", "--undo", "000002", "--format", "json"]) == 0
    taken = capsys.readouterr().out
    assert json.loads(taken[taken.rindex("[") :])[0]["file"] == "customers.csv"
    assert main(["import", "--mapping", "mapping.toml", str(right)]) == 0
    assert main(["import", "--undo", "000009"]) == 2
    assert main(["import", "--undo", "000001", str(right)]) == 2


def test_taking_a_batch_back_removes_the_releases_made_of_it(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_all(bank) == 4
    place = Path("data/serving/prepared")
    for name, snapshot in (("old", "0" * 16), ("new", read_snapshot())):
        (place / name).mkdir(parents=True)
        (place / name / "manifest.json").write_text(json.dumps({"snapshot_id": snapshot}))
    Path("data/serving/current.json").write_text('{"current": "new", "previous": null}')
    artifact = Path("data/artifacts/abc/manifest.json")
    artifact.parent.mkdir(parents=True)
    artifact.write_text(json.dumps({"facts": {"snapshot_id": read_snapshot()}}))
    assert main(["import", "--undo", "000001"]) == 0
    shown = capsys.readouterr().err
    assert "removed release new" in shown
    assert "artifact abc was fitted on what is gone" in shown
    assert not Path("data/serving/current.json").exists()


def read_snapshot() -> str:
    from vipreco.tables import Tables

    return Tables.open(Path("data/tables")).snapshot_id


def test_settings_and_mappings_say_what_is_wrong_and_no_more(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = MAPPING.replace('"day"', '{ column = "day", constant = "x" }', 1)
    Path("mapping.toml").write_text(broken)
    assert import_all(bank) == 2
    shown = capsys.readouterr().err
    assert "columns.snapshot_date: give exactly one of `column` and `constant`" in shown
    assert "1 setting(s) are wrong" in shown
    assert "Value error" not in shown
    assert main(["import", "--mapping", "nowhere.toml", "x.csv"]) == 2
    assert "Errno" not in capsys.readouterr().err


def test_a_reopening_that_nobody_made_cannot_be_decided(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert import_all(bank) == 4
    assert main(["import", "--acquisitions", "P1@2026-01-05"]) == 2
    assert "no open mass reopening" in capsys.readouterr().err
