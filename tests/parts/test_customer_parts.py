"""Parts of customers: together they are the bank again, each with the clock of the whole bank."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from tests.parts.small_tables import (
    IDS,
    OCTOBER,
    SEPTEMBER,
    contacts,
    customers,
    rows,
    two_batches,
    write_batches,
)
from vipreco.errors import IntegrityError
from vipreco.history import History
from vipreco.parts import CustomerParts, Limits, lay_out, part_of, part_sql
from vipreco.tables import Tables

LIMITS = Limits(threads=1)
SHARED = ("products", "clock", "snapshots")


def laid_out(folder: Path, parts: int) -> CustomerParts:
    return lay_out(folder / "tables", str(folder / "parts"), parts, LIMITS)


def joined(parts: CustomerParts, scratch: Path, day: date) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all parts together; what every part has must be the same in each."""
    found = [rows(parts.history(part, scratch, LIMITS), day) for part in range(parts.number)]
    together = {name: sorted((row for one in found for row in one[name]), key=repr) for name in found[0]}
    for name in SHARED:
        assert all(one[name] == found[0][name] for one in found)
        together[name] = found[0][name]
    return together


@given(customer=st.text(), parts=st.integers(1, 1_000))
def test_a_database_finds_the_same_part_as_python(customer: str, parts: int):
    import duckdb

    sql = f"SELECT {part_sql('$1', parts)}"
    if "\0" not in customer:
        assert duckdb.execute(sql, [customer]).fetchall() == [(part_of(customer, parts),)]


def test_the_part_of_a_customer_never_changes():
    assert [part_of(customer, 7) for customer in IDS] == [2, 1, 4, 3, 4]
    assert part_of("0017", 1_000) == int.from_bytes(hashlib.md5(b"0017").digest()[8:], "little") % 1_000


@pytest.mark.parametrize("parts", [1, 2, 7])
@pytest.mark.parametrize("day", [SEPTEMBER, OCTOBER])
def test_all_parts_together_are_the_bank(tmp_path: Path, parts: int, day: date):
    """Parts without customers, contacts or activity among them, and contacts that changed customers."""
    write_batches(tmp_path / "tables", two_batches())
    whole = History.open(tmp_path / "tables", threads=1)
    found = laid_out(tmp_path, parts)
    assert joined(found, tmp_path, day) == rows(whole, day)
    for part in range(parts):
        history = found.history(part, tmp_path, LIMITS)
        assert history.calendar == whole.calendar
        assert history.present_tables == whole.present_tables
        assert history.snapshot_id == whole.snapshot_id
        view = history.as_of(day)
        assert view.columns("customers") == whole.as_of(day).columns("customers")
        assert view.newest_month == day


def test_a_contact_follows_its_newest_version_and_leaves_the_customer_before(tmp_path: Path):
    write_batches(tmp_path / "tables", two_batches())
    parts = laid_out(tmp_path, 7)
    sql = "SELECT contact_id, customer_id, outcome FROM contacts ORDER BY contact_id"
    views = [parts.history(part, tmp_path, LIMITS).as_of(OCTOBER) for part in range(7)]
    found = {
        part: [tuple(row.values()) for row in view.query(sql).to_pylist()] for part, view in enumerate(views)
    }
    assert {part: one for part, one in found.items() if one} == {
        1: [("k1", "b", "accepted")],
        4: [("k2", "c", "accepted"), ("k3", "e", "declined")],
    }
    labels = [parts.history(part, tmp_path, LIMITS).contacts(date(2025, 9, 1), OCTOBER) for part in range(7)]
    assert sorted(row["customer_id"] for table in labels for row in table.to_pylist()) == ["b", "c", "e"]


def test_a_new_batch_alone_is_written(tmp_path: Path):
    first, second = two_batches()
    write_batches(tmp_path / "tables", [first])
    before = laid_out(tmp_path, 7)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("parts/n0007/0001-*/**/*.parquet")}
    assert len(stamps) == 15
    write_batches(tmp_path / "tables", [first, second])
    after = laid_out(tmp_path, 7)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert laid_out(tmp_path, 7) == after
    assert joined(before, tmp_path, SEPTEMBER)["contacts"] != joined(after, tmp_path, SEPTEMBER)["contacts"]


def test_a_batch_that_an_erasure_changed_is_written_anew_with_those_that_looked_it_up(tmp_path: Path):
    first, second = two_batches()
    write_batches(tmp_path / "tables", [first, second])
    laid_out(tmp_path, 7)
    names = {path.name for path in tmp_path.glob("parts/n0007/0*")}
    erased = dict(first) | {"contacts": contacts(("k1", "a", "declined", 1), ("k3", "e", "declined", 1))}
    write_batches(tmp_path / "tables", [erased, second])
    found = laid_out(tmp_path, 7)
    assert not names & {path.name for path in tmp_path.glob("parts/n0007/0*")}, "former copies are gone"
    assert joined(found, tmp_path, OCTOBER) == rows(History.open(tmp_path / "tables", threads=1), OCTOBER)


def test_a_file_that_was_changed_is_refused(tmp_path: Path):
    write_batches(tmp_path / "tables", two_batches())
    parts = laid_out(tmp_path, 7)
    (path,) = tmp_path.glob("parts/n0007/0001-*/p0002/customers.parquet")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"p0002/customers\.parquet"):
        parts.history(2, tmp_path, LIMITS)
    parts.history(3, tmp_path, LIMITS)
    for name in ("0001-*/batch.json", f"{parts.snapshot_id}/state.json"):
        (path,) = tmp_path.glob(f"parts/n0007/{name}")
        path.write_bytes(path.read_bytes() + b" ")
        with pytest.raises(IntegrityError, match="is missing or not what was written"):
            parts.history(3, tmp_path, LIMITS)


def test_one_part_is_the_tables_folder_itself(tmp_path: Path):
    write_batches(tmp_path / "tables", two_batches())
    found = laid_out(tmp_path, 1)
    assert found == CustomerParts.whole(tmp_path / "tables", Tables.open(tmp_path / "tables").snapshot_id)
    assert not (tmp_path / "parts").exists()


def test_a_folder_named_like_a_partition_adds_no_column(tmp_path: Path):
    odd = tmp_path / "part=3"
    write_batches(odd / "tables", two_batches())
    whole = History.open(odd / "tables", threads=1)
    assert "part" not in whole.as_of(OCTOBER).columns("customers")
    assert joined(laid_out(odd, 2), tmp_path, OCTOBER) == rows(whole, OCTOBER)


def test_versions_of_one_batch_with_two_customers_go_to_both(tmp_path: Path):
    frames = {"customers": customers(SEPTEMBER, IDS), "contacts": contacts(("k", "a", "declined", 1))}
    both = pa.concat_tables([contacts(("k", "c", "declined", 2)), contacts(("k", "d", "accepted", 2))])
    write_batches(tmp_path / "tables", [frames, {"contacts": both}])
    expected = rows(History.open(tmp_path / "tables", threads=1), SEPTEMBER)["contacts"]
    assert joined(laid_out(tmp_path, 7), tmp_path, SEPTEMBER)["contacts"] == expected
