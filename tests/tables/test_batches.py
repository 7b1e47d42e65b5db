# ruff: noqa: E501 - rows of files read better in one line
"""A batch is there wholly or not at all, once, and the same everywhere."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.mapping_text import source
from vipreco.errors import BusyError, IntegrityError, UsageError
from vipreco.settings import Settings
from vipreco.tables import ImportReport, Tables, import_, validate
from vipreco.tables.batches import read_manifest

SETTINGS = Settings.model_validate_json('{"project": {"name": "t"}, "import": {"max_quarantined_rate": 1.0}}')
MAPPING = (
    source("customers*.csv", "customers", "tier", customer_id="id", snapshot_date="date")
    + source(
        "versions*.csv", "customers", "tier", customer_id="id", snapshot_date="date", recorded_date="known"
    )
    + source("products.csv", "products", "name", "family", product_id="id")
    + source(
        *("holdings*.csv", "holdings"),
        customer_id="id",
        product_id="product",
        opened_date="opened",
        closed_date="closed",
    )
)
FIRST = {
    "customers1.csv": "id,date,tier\nA,2025-01-31,TOP\nB,2025-01-31,\nBAD ID,2025-01-31,\n",
    "products.csv": "id,name,family\nfund,Fund,investments\n",
    "holdings1.csv": "id,product,opened,closed\nA,fund,2025-01-05,\nB,fund,2025-01-02,2025-01-20\n",
}
SECOND = {"customers2.csv": "id,date,tier\nA,2025-02-28,TOP\nB,2025-02-28,TOP\n"}
FAILPOINTS = [
    "import-batch-folder",
    "import-read",
    "import-tables",
    "import-written",
    "import-before-commit",
    "import-after-commit",
]
PROGRAM = """
import sys
from pathlib import Path
from vipreco.settings import Settings
from vipreco.tables import import_
settings = Settings.model_validate_json('{"project": {"name": "t"}, "import": {"max_quarantined_rate": 1.0}}')
folder = Path(sys.argv[1])
import_(folder / "tables", folder / "mapping.toml", [folder / name for name in sys.argv[2:]], settings)
"""


def put(folder: Path, files: dict[str, str]) -> list[Path]:
    folder.mkdir(exist_ok=True)
    (folder / "mapping.toml").write_text(MAPPING)
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]


def load(folder: Path, files: dict[str, str], **options: bool) -> ImportReport:
    return import_(folder / "tables", folder / "mapping.toml", put(folder, files), SETTINGS, **options)


def content(folder: Path) -> dict[str, bytes]:
    root = folder / "tables"
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def frame(folder: Path, table: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in Tables.open(folder / "tables").files(table)])


@pytest.mark.parametrize("point", FAILPOINTS)
def test_killed_at_any_point_the_tables_are_as_before_or_after_and_a_rerun_completes(
    point: str, tmp_path: Path
) -> None:
    """F01."""
    load(tmp_path / "whole", FIRST)
    before = content(tmp_path / "whole")
    load(tmp_path / "whole", SECOND)
    after = content(tmp_path / "whole")
    load(tmp_path / "killed", FIRST)
    names = [path.name for path in put(tmp_path / "killed", SECOND)]
    killed = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "killed"), *names],
        env={**os.environ, "VIPRECO_FAILPOINT": f"{point}:kill"},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    seen = {name: content(tmp_path / "killed")[name] for name in before}
    manifest = json.loads(seen["manifest.json"])
    assert len(manifest["batches"]) == (2 if point == "import-after-commit" else 1)
    assert seen == {
        **before,
        "manifest.json": (after if len(manifest["batches"]) == 2 else before)["manifest.json"],
    }
    load(tmp_path / "killed", SECOND)
    assert content(tmp_path / "killed") == after


def test_who_reads_while_an_import_runs_sees_the_tables_before_or_after_and_never_a_mixture(
    tmp_path: Path,
) -> None:
    """F32: asked all the time, with the import held up where the batch is half written."""
    folder = tmp_path / "here"
    load(folder, FIRST)
    before = seen(folder)
    names = [path.name for path in put(folder, SECOND)]
    command = [sys.executable, "-c", PROGRAM, str(folder), *names]
    environment = {**os.environ, "VIPRECO_FAILPOINT": "import-written:sleep:0.5"}
    found = set()
    with subprocess.Popen(command, env=environment) as running:
        while running.poll() is None:
            found.add(seen(folder))
    assert running.returncode == 0
    assert found <= {before, seen(folder)}
    assert before in found
    assert before != seen(folder)


def seen(folder: Path) -> tuple[str, str]:
    """Return the snapshot that a reader opens, and all that it then says of its customers."""
    tables = Tables.open(folder / "tables")
    rows = pl.concat([pl.read_parquet(path) for path in tables.files("customers")])
    return tables.snapshot_id, str(rows.sort(rows.columns).to_dicts())


@pytest.mark.parametrize("point", FAILPOINTS[:-1])
def test_an_error_at_any_point_leaves_nothing_behind(
    point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, FIRST)
    before = content(tmp_path)
    monkeypatch.setenv("VIPRECO_FAILPOINT", f"{point}:raise")
    with pytest.raises(RuntimeError):
        load(tmp_path, SECOND)
    assert content(tmp_path) == before


def test_an_error_after_the_commit_does_not_take_the_batch_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIPRECO_FAILPOINT", "import-after-commit:raise")
    with pytest.raises(RuntimeError):
        load(tmp_path, FIRST)
    Tables.open(tmp_path / "tables").verify()


def test_the_same_files_make_the_same_snapshot_in_any_folder(tmp_path: Path) -> None:
    first, second = load(tmp_path / "here", FIRST), load(tmp_path / "there", FIRST)
    assert first.snapshot_id == second.snapshot_id
    assert content(tmp_path / "here") == content(tmp_path / "there")


def test_the_same_files_again_change_nothing_and_name_the_batch(tmp_path: Path) -> None:
    first = load(tmp_path, FIRST)
    before = content(tmp_path)
    again = load(tmp_path, FIRST)
    assert (again.already_ingested, again.batch_id, again.exit_code) == (True, first.batch_id, 0)
    assert again.warnings == tuple(f"{name}: already ingested as batch {first.batch_id}" for name in FIRST)
    assert content(tmp_path) == before


def test_of_known_and_new_files_only_the_new_ones_are_read(tmp_path: Path) -> None:
    first = load(tmp_path, FIRST)
    report = load(tmp_path, FIRST | SECOND)
    assert [ledger.name for ledger in report.files] == ["customers2.csv"]
    assert f"customers1.csv: already ingested as batch {first.batch_id}" in report.warnings


def test_the_report_and_the_manifest_tell_the_same_ledger(tmp_path: Path) -> None:
    report = load(tmp_path, FIRST)
    customers, products, holdings = report.files
    assert (customers.read, customers.accepted, customers.quarantined) == (3, 2, 1)
    assert customers.reasons == {"id: id-characters": 1}
    assert (products.accepted, holdings.accepted) == (1, 2)
    assert report.tables == {"customers": 2, "products": 1, "holdings": 3, "observations": 2}
    assert report.exit_code == 4
    (batch,) = read_manifest(tmp_path / "tables").batches
    stored = json.loads(json.dumps([ledger.content() for ledger in report.files]))
    assert (batch["ledger"], batch["batch_id"]) == (stored, report.batch_id)


def test_a_closed_interval_is_stored_as_its_opening_and_its_closing(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    rows = (
        frame(tmp_path, "holdings")
        .select("customer_id", "opened_date", "closed_date", "recorded_date")
        .rows()
    )
    day = [dt.date(2025, 1, number) for number in range(1, 32)]
    assert rows == [("A", day[4], None, day[4]), ("B", day[1], None, day[1]), ("B", day[1], day[19], day[19])]


def test_a_later_batch_closes_an_interval_without_a_warning_of_conflict(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    report = load(
        tmp_path,
        {
            "holdings2.csv": "id,product,opened,closed\nA,fund,2025-01-05,2025-01-30\nB,fund,2025-01-02,2025-01-20\n"
        },
    )
    ledger = report.files[0]
    assert (ledger.accepted, ledger.quarantined, ledger.duplicates) == (1, 0, 1)


def test_a_row_that_contradicts_a_stored_one_needs_a_later_recorded_date(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    rows = "id,date,tier,known\nA,2025-01-31,LOW,{known}\nB,2025-01-31,,{known}\n"
    refused = load(tmp_path, {"versions1.csv": rows.format(known="2025-01-31")})
    assert refused.files[0].reasons == {"id: conflicts-with-stored": 1}
    assert refused.files[0].duplicates == 1
    corrected = load(tmp_path, {"versions2.csv": rows.format(known="2025-02-03")})
    assert (corrected.files[0].accepted, corrected.files[0].duplicates) == (1, 1)
    assert any("1 rows correct or continue a stored one" in warning for warning in corrected.warnings)


def test_a_second_import_at_the_same_time_is_told_to_wait(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    with (tmp_path / "tables" / ".lock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BusyError) as caught:
            load(tmp_path, SECOND)
    assert (caught.value.exit_code, caught.value.code) == (5, "locked")
    load(tmp_path, SECOND)


def test_a_changed_or_missing_file_of_the_tables_is_named(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    tables = Tables.open(tmp_path / "tables")
    tables.verify()
    (path,) = tables.files("holdings")
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=r"holdings\.parquet"):
        tables.verify()
    path.unlink()
    with pytest.raises(IntegrityError, match=r"holdings\.parquet"):
        tables.verify()


def test_without_an_import_there_is_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing is imported yet"):
        Tables.open(tmp_path)


def test_a_manifest_of_another_format_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"batches": [], "format": 2}')
    with pytest.raises(IntegrityError, match="has format 2"):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"batches"')
    with pytest.raises(IntegrityError, match="is damaged"):
        read_manifest(tmp_path)


def test_stored_files_are_private(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    for path in (tmp_path / "tables").rglob("*"):
        assert not path.stat().st_mode & 0o077, path


def test_validate_names_the_rule_and_places(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    load(tmp_path, SECOND | {"holdings2.csv": "id,product,opened,closed\nA,fund,2025-01-09,\n"})
    found = {finding.code: finding for finding in validate(tmp_path / "tables")}
    overlap = found["overlapping-holdings"]
    assert (overlap.severity, overlap.table, overlap.rows) == ("warning", "holdings", 1)
    (path,) = overlap.examples
    assert path.endswith("holdings.parquet: row 1")
    assert path.startswith("batches/000002-")
    assert found["risk-level-missing"].rows == 2
    (together,) = found["risk-level-missing"].examples  # a file is named once
    assert together.endswith(".parquet: rows 1, 2")
    assert "vanished" not in found


def test_validate_counts_who_vanished_and_products_that_cannot_be_offered(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    load(tmp_path, {"customers2.csv": "id,date,tier\nA,2025-02-28,TOP\n"}, accept_drop=True)
    found = {finding.code: finding.rows for finding in validate(tmp_path / "tables")}
    assert found["vanished"] == 1
    assert found["product-without-risk-level"] == 1


def test_a_full_disk_is_named_and_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, FIRST)
    before = content(tmp_path)
    rows = "".join(f"K{number * 7919 % 1_000_003},2025-02-28,T{number % 977}\n" for number in range(60_000))
    (path,) = put(tmp_path, {"customers2.csv": "id,date,tier\n" + rows})
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
    catch = PROGRAM.replace(
        "import_(folder", "from vipreco.errors import VipRecoError\ntry:\n    import_(folder"
    ) + ("except VipRecoError as error:\n    print(error.code)\n    sys.exit(error.exit_code)\n")
    ended = subprocess.run(
        [sys.executable, "-c", limit + catch, str(tmp_path), path.name],
        capture_output=True,
        check=False,
        text=True,
    )
    assert (ended.returncode, ended.stdout) == (7, "disk\n"), ended.stderr
    assert content(tmp_path) == before
