"""Records of lists: equal rows are equal, and each difference is told without naming a customer."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, strategies as st

from vipreco.assurance import ListRecord, MadeList, differences, rows_of_frame
from vipreco.assurance.decision_basis import DecisionBasis, prune_bases, read_basis, save_basis
from vipreco.assurance.list_record import Row
from vipreco.durable import canonical_json
from vipreco.errors import UsageError
from vipreco.settings import ArbitrationSettings, CallListSettings
from vipreco.store import OF_A_LIST, Decision, Role, Scope, Store

ROWS = (
    ("0001", "", 1, (120.0, 10.0)),
    ("0001", "FUND", 1, (0.031, 0.05, 120.0)),
    ("0002", "", 2, (80.0, None)),
)
MADE = MadeList(ROWS, "f" * 64)
MADE_AT = datetime.fromisoformat("2026-01-01T09:00")
AUDITOR, MANAGER = Scope("ada", Role.AUDITOR), Scope("bob", Role.MANAGER, "M1")


def test_rows_that_come_some_at_a_time_are_the_same_list(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame(
        {
            "customer_id": ["1", "2", "2"],
            "product_id": ["A", "B", "C"],
            "rank": [1, 1, 2],
            "propensity": [0.1234567891, None, 1.0],
        }
    )
    whole = MadeList(rows_of_frame(frame))
    for size in (1, 2, 3):
        assert MadeList.of_frames(frame.iter_slices(size)) == whole
    monkeypatch.setattr("vipreco.assurance.list_record.MAX_ROWS", 2)
    for size in (1, 2, 3):
        many = MadeList.of_frames([frame.clear(), *frame.iter_slices(size), frame.clear()])
        assert (many.rows, many.total, many.hash) == ((), 3, whole.hash)
    assert MadeList.of_frames([frame.clear()]) == MadeList(())


def record(made: MadeList = MADE) -> ListRecord:
    return made.record(
        kind="calllist",
        question={"manager": "M1"},
        artifact_hash="a" * 64,
        snapshot_id="s",
        policy_version="p",
        basis="b",
        day="2025-12-31",
    )


def basis(**changed: object) -> DecisionBasis:
    given = {"rules": {"house": "x"}, "arbitration": ArbitrationSettings(), "vip": ("GOLD",)}
    return DecisionBasis(**{**given, "call_list": CallListSettings(), **changed})  # type: ignore[arg-type]


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9).map(float)
a_row = st.tuples(
    st.text(), st.text(), st.none() | st.integers(1, 99), st.lists(numbers, max_size=3).map(tuple)
)


@given(rows=st.lists(a_row, max_size=3).map(tuple))
def test_the_hash_of_rows_is_that_of_their_canonical_json(rows: tuple[Row, ...]) -> None:
    told = [[*row[:3], [None if one is None else float(f"{one:.6g}") for one in row[3]]] for row in rows]
    assert MadeList(rows).hash == hashlib.sha256(canonical_json(told)).hexdigest()


def test_rows_without_a_finite_number_have_no_hash() -> None:
    with pytest.raises(ValueError, match="nan"):
        _ = MadeList((("0001", "FUND", 1, (float("nan"),)),)).hash


def test_equal_rows_are_equal_within_what_32_bits_keep() -> None:
    near = (ROWS[0], ("0001", "FUND", 1, (0.031 + 1e-9, 0.05, 120.0)), ROWS[2])
    assert differences(record(), replace(MADE, rows=near)) == []


@pytest.mark.parametrize(
    ("again", "told"),
    [
        (replace(MADE, features="0" * 64), "the features are others than those that were used"),
        (replace(MADE, rows=ROWS[:2]), "3 rows then, 2 now"),
        (
            replace(MADE, rows=(ROWS[0], ("0001", "CARD", 1, (0.031, 0.05, 120.0)), ROWS[2])),
            "row 2: FUND at 1 with 0.031, 0.05, 120 then, CARD at 1 with 0.031, 0.05, 120 now",
        ),
        (replace(MADE, rows=(*ROWS[:2], ("0002", "", 2, (80.0, 1.0)))), "row 3: call at 2 with 80, - then"),
    ],
)
def test_each_difference_is_told_and_names_nobody(again: MadeList, told: str) -> None:
    (found,) = differences(record(), again)
    assert told in found
    assert "0001" not in found


def test_of_a_long_list_the_hash_of_its_rows_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vipreco.assurance.list_record.MAX_ROWS", 2)
    long = record()
    assert (long.rows, long.total) == ((), 3)
    assert differences(long, MADE) == []
    assert differences(long, replace(MADE, rows=ROWS[::-1])) == ["the rows have another hash"]


def test_rows_of_a_table_are_its_numbers_in_order() -> None:
    frame = pl.DataFrame(
        {"customer_id": ["2", "2"], "rank": [1, 2], "product_id": ["A", "B"], "p": [0.5, float("nan")]}
    )
    assert rows_of_frame(frame) == (("2", "A", 1, (0.5,)), ("2", "B", 2, (None,)))


def test_a_basis_is_kept_once_and_refused_when_it_was_changed(tmp_path: Path) -> None:
    name = save_basis(tmp_path, basis())
    assert save_basis(tmp_path, basis()) == name != save_basis(tmp_path, basis(currency="CNY"))
    assert read_basis(tmp_path, name) == basis()
    (file,) = (tmp_path / "data" / "decisions").glob(f"basis-{name}.json")
    file.write_bytes(file.read_bytes().replace(b"GOLD", b"TOP!"))
    with pytest.raises(UsageError, match="not in this project any more"):
        read_basis(tmp_path, name)
    assert prune_bases(tmp_path, file.stat().st_mtime + 1) == 2


def test_an_auditor_alone_reads_lists_and_an_erased_customer_leaves_them(
    empty_store: Path, tmp_path: Path
) -> None:
    shutil.copy(empty_store, tmp_path / "store.db")
    with Store.open(f"sqlite:///{tmp_path}/store.db") as store:
        check_lists(store)


def check_lists(store: Store) -> None:
    text = json.dumps(record().model_dump(mode="json"), ensure_ascii=False)
    store.decisions.add([Decision("d1", OF_A_LIST, MADE_AT, "ada", text)])
    assert store.decisions.read(MANAGER, "d1") is None
    assert store.decisions.read(AUDITOR, "d1") is not None
    assert [one.decision_id for one in store.decisions.newest(AUDITOR, 9, "0002")] == ["d1"]
    assert store.decisions.newest(AUDITOR, 9, "000") == []
    (exported,) = store.subjects.export("0002", "p2")["lists"]
    assert json.loads(exported["record"])["rows"] == [["0002", "", 2, [80.0, None]]]
    assert store.subjects.erase("0001", "p1", date(2026, 1, 2)) == {"lists": 1}
    kept = store.decisions.read(AUDITOR, "d1")
    assert kept is not None
    assert "0001" not in kept.record
    left = ListRecord.model_validate_json(kept.record)
    assert (left.erased, left.customers) == (2, {"0002"})
    assert differences(left, MADE) == []
