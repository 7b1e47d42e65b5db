"""Lists reach a spreadsheet or another program exactly as they are."""

from __future__ import annotations

import csv
import datetime
import errno
import gc
import io
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, strategies as st

from vipreco import durable
from vipreco.durable import replacing, write_bytes
from vipreco.errors import ResourcesError, UsageError
from vipreco.export import check_target, format_of, open_workbook, write_frames, write_table

DAY = datetime.date(2015, 5, 28)
ROWS = pl.DataFrame(
    {
        "customer_id": ["00123", "6225880112345678901", "=HYPERLINK(A1)", "-5"],
        "name": ["王芳", "NA", "+86", "\ttab"],
        "propensity": [0.25, 0.5, None, 1.0],
        "as_of_date": [DAY] * 4,
        "reasons": [["a", "b"], [], None, ["=c"]],
    }
)


def written(kind: str, rows: pl.DataFrame = ROWS) -> bytes:
    stream = io.BytesIO()
    write_table(rows, stream, kind)
    return stream.getvalue()


def test_csv_keeps_ids_and_disarms_formulas() -> None:
    assert written("csv").decode().splitlines() == [
        "customer_id,name,propensity,as_of_date,reasons",
        "00123,王芳,0.25,2015-05-28,a; b",
        '6225880112345678901,NA,0.5,2015-05-28,""',
        "'=HYPERLINK(A1),'+86,,2015-05-28,",
        "'-5,'\ttab,1.0,2015-05-28,'=c",
    ]


def test_a_csv_file_begins_with_a_byte_order_mark_and_a_stream_does_not(tmp_path: Path) -> None:
    write_table(ROWS, tmp_path / "list.csv", "csv")
    assert (tmp_path / "list.csv").read_bytes() == b"\xef\xbb\xbf" + written("csv")


def test_xlsx_holds_text_as_text_and_numbers_as_numbers(tmp_path: Path) -> None:
    write_table(ROWS, tmp_path / "list.xlsx", "xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "list.xlsx")["list"]
    assert [cell.value for cell in sheet[1]] == ROWS.columns
    assert sheet.freeze_panes == "A2"
    assert [(row[0].value, row[0].data_type) for row in sheet.iter_rows(min_row=2)] == [
        (text, "s") for text in ROWS["customer_id"]
    ]
    assert sheet["B4"].value == "+86"
    assert sheet["C2"].value == 0.25
    assert sheet["C4"].value is None
    assert sheet["D2"].value == datetime.datetime(2015, 5, 28)  # noqa: DTZ001
    assert sheet["E2"].value == "a; b"


def test_xlsx_of_the_same_rows_is_the_same_bytes() -> None:
    assert written("xlsx") == written("xlsx")


def test_json_is_a_list_of_records_with_text_ids() -> None:
    records = json.loads(written("json"))
    assert records[0] == {
        "customer_id": "00123",
        "name": "王芳",
        "propensity": 0.25,
        "as_of_date": "2015-05-28",
        "reasons": ["a", "b"],
    }
    assert records[2]["propensity"] is None


def test_parquet_gives_back_what_was_written() -> None:
    assert pl.read_parquet(io.BytesIO(written("parquet"))).equals(ROWS)


FRAMES = pl.DataFrame(
    {
        "customer_id": ["001", "=2", "003", "004", "005"],
        "chance": [0.1, None, 0.3, 0.4, 0.5],
        "many": [["a"]] * 5,
    }
)


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_rows_that_come_some_at_a_time_give_the_bytes_of_all(kind: str, size: int, tmp_path: Path) -> None:
    write_table(FRAMES, tmp_path / f"all.{kind}", kind)
    write_frames(FRAMES.iter_slices(size), 5, tmp_path / f"some.{kind}", kind)
    assert (tmp_path / f"some.{kind}").read_bytes() == (tmp_path / f"all.{kind}").read_bytes()
    whole, some = io.BytesIO(), io.BytesIO()
    write_table(FRAMES, whole, kind)
    write_frames(FRAMES.iter_slices(size), 5, some, kind)
    assert some.getvalue() == whole.getvalue()


def test_a_parquet_file_of_equal_rows_has_equal_bytes_however_they_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vipreco.export.GROUP_ROWS", 2)
    found = []
    for size in (1, 2, 3, 5):
        stream = io.BytesIO()
        write_frames(FRAMES.iter_slices(size), 5, stream, "parquet")
        assert pl.read_parquet(io.BytesIO(stream.getvalue())).equals(FRAMES)
        found.append(stream.getvalue())
    assert len(set(found)) == 1
    empty = io.BytesIO()
    write_frames([FRAMES.clear()], 0, empty, "parquet")
    assert pl.read_parquet(io.BytesIO(empty.getvalue())).columns == FRAMES.columns


def test_more_rows_than_a_sheet_holds_are_refused_before_they_are_read() -> None:
    with pytest.raises(UsageError, match="do not fit into a sheet"):
        write_frames(iter(()), 2_000_000, io.BytesIO(), "xlsx")


def test_an_arrow_table_is_written_like_the_frame() -> None:
    stream = io.BytesIO()
    write_table(ROWS.to_arrow(), stream, "csv")
    assert stream.getvalue() == written("csv")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json", "parquet"])
def test_an_empty_list_keeps_its_columns(kind: str, tmp_path: Path) -> None:
    write_table(ROWS.clear(), tmp_path / "empty", kind)
    assert (tmp_path / "empty").stat().st_size > 0


def test_more_rows_than_a_sheet_holds_are_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="csv or parquet"):
        written("xlsx", pl.DataFrame({"x": pl.zeros(1_048_576, dtype=pl.Int8, eager=True)}))


def test_a_full_disk_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "list.csv"
    target.write_text("old")

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "flush_file", full)
    with pytest.raises(ResourcesError):
        write_table(ROWS, target, "csv")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(("name", "kind"), [("a.csv", "csv"), ("a.XLSX", "xlsx"), ("a.b.json", "json")])
def test_the_ending_decides_the_format(name: str, kind: str) -> None:
    assert format_of(Path(name)) == kind


@pytest.mark.parametrize("name", ["a", "a.xls", "a.csv.gz"])
def test_an_ending_that_stands_for_no_format_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is not a known format"):
        format_of(Path(name))


def test_a_target_that_cannot_be_written_is_found_before_any_work(tmp_path: Path) -> None:
    check_target(tmp_path / "fine.csv")
    with pytest.raises(UsageError, match="folder does not exist"):
        check_target(tmp_path / "missing" / "list.csv")
    with pytest.raises(UsageError, match="is a folder"):
        check_target(tmp_path)


@given(
    texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8), min_size=1)
)
def test_no_cell_of_a_csv_can_start_a_formula_and_no_text_is_lost(texts: list[str]) -> None:
    lines = written("csv", pl.DataFrame({"name": texts})).decode()
    header, *cells = csv.reader(io.StringIO(lines, newline=""))
    assert header == ["name"]
    assert [cell[0] if cell else "" for cell in cells] == [
        "'" + text if text[:1] in set("=+-@\t\r\n＝＋－＠") and text else text for text in texts
    ]


def test_signs_that_turn_the_direction_of_text_do_not_reach_a_csv_file(tmp_path: Path) -> None:
    name = "a\u202egpj.exe\u2066\u200f"
    write_table(pl.DataFrame({"name": [name]}), tmp_path / "list.csv", "csv")
    assert (tmp_path / "list.csv").read_text("utf-8-sig") == "name\na\ufffdgpj.exe\ufffd\ufffd\n"


def test_what_a_killed_writer_left_goes_with_the_next_and_what_is_being_written_stays(tmp_path: Path) -> None:
    """F04: a list that was cut off lay beside its target for good, with customers in it."""
    target, other = tmp_path / "list.csv", tmp_path / "list.csv.old"
    child = os.fork()
    if child == 0:
        with replacing(target) as temporary:
            temporary.write_text("1,2,3\n")
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = tmp_path.iterdir()
    with replacing(target) as first:
        assert not left.exists()
        first.write_text("first\n")
        with replacing(target) as second:
            second.write_text("second\n")
        write_bytes(other, b"other\n")
        assert first.read_text() == "first\n"
    assert target.read_text() == "first\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["list.csv", "list.csv.old"]


class FullDisk(io.BytesIO):
    """A stream that takes nothing."""

    def write(self, _: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_workbook_that_cannot_be_written_fails_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that is thrown away with an open file tried again, and showed a traceback."""
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    with pytest.raises(OSError, match="No space left"), open_workbook(FullDisk()) as workbook:
        workbook.add_worksheet("list").write_string(0, 0, "a")
    gc.collect()
    assert unraisable == []
