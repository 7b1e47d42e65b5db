"""Copies with another future: the past stays as it was, and the future does not."""

import hashlib
import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vipreco.errors import UsageError
from vipreco.history import History, scrambled_future

JAN, FEB, MAR = date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31)
CUSTOMERS = [str(number) for number in range(30)]


def write_tables(folder: Path, **tables: pa.Table) -> Path:
    """Write a tables folder as `vipreco import` leaves it, in one batch."""
    files = {}
    for name, table in tables.items():
        path = folder / "batches" / "b1" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.append_column("batch_sequence", pa.array([1] * len(table), pa.int32())), path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[name] = [{"path": f"batches/b1/{name}.parquet", "sha256": digest, "rows": len(table)}]
    batch = {"sequence": 1, "batch_id": "b1", "files": files, "ledger": []}
    (folder / "manifest.json").write_text(json.dumps({"batches": [batch], "format": 1}))
    return folder


@pytest.fixture
def bank(tmp_path):
    """Thirty customers at three snapshots: facts known at the end of February, facts not yet known."""
    ids = CUSTOMERS * 3
    days = [JAN] * 30 + [FEB] * 30 + [MAR] * 30
    sights = {"customer_id": ids, "snapshot_date": days, "recorded_date": days}
    customers = {**sights, "tier": ["A", "B", "C"] * 30, "attribute_income": [float(n) for n in range(90)]}
    opened, closed = [JAN, FEB, MAR] * 10, [MAR, None, None] * 10
    holdings = {
        "customer_id": CUSTOMERS,
        "product_id": ["card", "fund"] * 15,
        "opened_date": opened,
        "closed_date": pa.array(closed, pa.date32()),
        "recorded_date": [JAN] * 15 + [MAR] * 15,
    }
    products = {"product_id": ["card", "fund"], "recorded_date": [JAN, MAR]}
    return write_tables(
        tmp_path / "tables",
        customers=pa.table(customers),
        observations=pa.table(sights),
        holdings=pa.table(holdings),
        products=pa.table(products),
    )


def known(folder, day, *, ordered="ORDER BY ALL"):
    view = History.open(folder).as_of(day)
    names = ("customers", "observations", "holdings", "products", "customers_now", "population", "snapshots")
    return {name: view.query(f"SELECT * FROM {name} {ordered}").to_pylist() for name in names}


@pytest.mark.parametrize("mode", ["delete", "rewrite"])
def test_what_was_known_at_the_date_is_the_same_in_the_copy(bank, tmp_path, mode):
    changed = scrambled_future(bank, FEB, tmp_path / "copy", seed=1, mode=mode)
    # 30 rows of March in customers and in observations; 20 holdings opened or recorded later; one product.
    assert changed == 30 + 30 + 20 + 1
    assert known(tmp_path / "copy", FEB) == known(bank, FEB)


def test_after_a_deletion_no_row_tells_of_the_future(bank, tmp_path):
    scrambled_future(bank, FEB, tmp_path / "copy", seed=1, mode="delete")
    for path in (tmp_path / "copy").rglob("*.parquet"):
        table = pq.read_table(path)
        dates = [table[name] for name in table.column_names if name.endswith("_date")]
        assert all(day is None or day <= FEB for column in dates for day in column.to_pylist())
    assert History.open(tmp_path / "copy").snapshot_dates == [JAN, FEB]


def test_after_a_rewrite_the_future_is_another_one(bank, tmp_path):
    scrambled_future(bank, FEB, tmp_path / "copy", seed=1, mode="rewrite")
    later = date(2030, 1, 1)
    before, after = known(bank, later), known(tmp_path / "copy", later)
    assert before["holdings"] != after["holdings"]
    assert before["customers"] != after["customers"]
    assert {row["closed_date"] for row in before["holdings"]} != {
        row["closed_date"] for row in after["holdings"]
    }


def test_the_same_seed_gives_the_same_copy_and_another_seed_another(bank, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        scrambled_future(bank, FEB, tmp_path / name, seed=seed, mode="rewrite")
    first, second, third = ((tmp_path / name / "manifest.json").read_text() for name in "abc")
    assert first == second != third


def test_the_manifest_of_the_copy_fits_its_files(bank, tmp_path):
    from vipreco.tables import Tables

    scrambled_future(bank, FEB, tmp_path / "copy", seed=1, mode="rewrite")
    Tables.open(tmp_path / "copy").verify()


def test_labels_differ_when_the_future_does(bank, tmp_path):
    scrambled_future(bank, FEB, tmp_path / "copy", seed=1, mode="delete")
    assert History.open(bank).acquisitions(FEB, MAR).acquired.num_rows > 0
    assert History.open(tmp_path / "copy").acquisitions(FEB, MAR).acquired.num_rows == 0


def test_a_folder_that_is_not_empty_is_left_alone(bank, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        scrambled_future(bank, FEB, tmp_path / "full", seed=1)
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(UsageError, match="nothing was imported here"):
        scrambled_future(tmp_path, FEB, tmp_path / "copy", seed=1)


def test_two_batches_about_the_same_snapshot_are_versions_of_one_row(bank):
    """The quick way for dates without rivals, and the careful way for dates with them, agree."""
    path = bank / "batches" / "b2" / "customers.parquet"
    path.parent.mkdir()
    correction = {
        "customer_id": ["3"],
        "snapshot_date": [FEB],
        "recorded_date": [MAR],
        "tier": ["Z"],
        "attribute_income": [-1.0],
        "batch_sequence": pa.array([2], pa.int32()),
    }
    pq.write_table(pa.table(correction), path)
    manifest = json.loads((bank / "manifest.json").read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = {"path": "batches/b2/customers.parquet", "sha256": digest, "rows": 1}
    manifest["batches"].append(
        {"sequence": 2, "batch_id": "b2", "files": {"customers": [entry]}, "ledger": []}
    )
    (bank / "manifest.json").write_text(json.dumps(manifest))
    ask = (
        f"SELECT tier, count(*) AS n FROM customers WHERE snapshot_date = DATE '{FEB}' GROUP BY 1 ORDER BY 1"
    )
    history = History.open(bank)
    counted = [[row["n"] for row in history.as_of(day).query(ask).to_pylist()] for day in (FEB, MAR)]
    assert counted == [[10, 10, 10], [9, 10, 10, 1]]
