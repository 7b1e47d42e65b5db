"""`vipreco directory`: names are on lists and sheets, in the store, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from vipreco.cli.entry import main
from vipreco.project import Project
from vipreco.store import Store

NAME, PHONE = "Planted Zhang Qiyue", "+86 139 1111 2222"
MANAGER = "M00000"


@pytest.fixture
def home(bank: Path, snapshot_day: None) -> Path:
    """A copy of the trained project as the current folder."""
    return bank


def book() -> list[str]:
    rows = pl.read_parquet("data/tables/batches/*/customers*.parquet", missing_columns="insert")
    return sorted(map(str, rows.filter(manager_id=MANAGER)["customer_id"].unique()))


def imported(customers: list[str], folder: Path) -> None:
    file = folder / "directory.csv"
    rows = "".join(f"{one},{NAME},Ms,{PHONE}\n" for one in customers)
    file.write_text(f"customer_id,name,salutation,phone\n{rows}", encoding="utf-8")
    assert main(["directory", "import", str(file)]) == 0
    file.unlink()


def places() -> list[str]:
    """Files below the project that hold the name, by their bytes and by what they unpack to."""
    found = []
    for path in sorted(Path().rglob("*")):
        if path.is_file() and NAME.encode() in path.read_bytes():
            found.append(path.as_posix())
        if path.suffix == ".parquet" and NAME in str(pl.read_parquet(path).rows()):
            found.append(path.as_posix())
        if path.suffix in {".arrow", ".ipc"} and NAME in str(pl.read_ipc(path).rows()):
            found.append(path.as_posix())
    return [path for path in found if not path.startswith("data/store.db")]


def test_a_planted_name_is_on_lists_and_sheets_and_in_no_other_file(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    customers = book()
    imported(customers, tmp_path)
    assert main(["calllist", "--manager", MANAGER, "--out", str(tmp_path / "list.xlsx")]) == 0
    cells = str([row for sheet in openpyxl.load_workbook(tmp_path / "list.xlsx") for row in sheet.values])
    assert f"Ms {NAME}\\n{PHONE}" in cells
    capfd.readouterr()
    assert main(["sheet", "--customer", customers[0]]) == 0
    assert NAME in capfd.readouterr().out

    wanted = ["--out", "data/made"]
    assert main(["explain", customers[0], "--receipt", "data/receipt.json", *wanted[:1], "data/why.csv"]) == 0
    assert main(["offers", "--manager", MANAGER, *wanted[:1], "data/offers.csv"]) == 0
    assert main(["explain", "--feedback"]) == 0
    assert main(["prepare"]) == 0
    assert main(["sheet", "--customer", "nobody"]) == 3
    assert main(["audit", "show"]) == 0
    said = capfd.readouterr()
    assert NAME not in said.out + said.err
    assert places() == []


def test_the_directory_is_exported_as_it_is_imported_and_deleted_with_one_command(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    customers = book()
    imported(customers[:2], tmp_path)
    target = tmp_path / "out.csv"
    assert main(["directory", "export", "--out", str(target)]) == 0
    assert main(["directory", "delete", customers[0]]) == 0
    with Store.open(Project.find().store_url) as store:
        assert [one.customer_id for one in store.directory.all()] == customers[1:2]
    assert main(["directory", "import", str(target)]) == 0
    assert main(["subject", "erase", customers[0], "--yes"]) == 0
    assert main(["directory", "import", str(target)]) == 0
    assert "left out, since erased: 1" in capfd.readouterr().err
    assert main(["directory", "delete"]) == 2
    assert main(["directory", "delete", "--all"]) == 0
    assert not any(NAME.encode() in path.read_bytes() for path in Path("data").glob("store.db"))
    capfd.readouterr()
    assert main(["directory", "export", "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out) == []
