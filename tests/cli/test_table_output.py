"""A list is readable on a terminal, and complete and exact in a file."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.options import Format, read_date
from vipreco.cli.table_output import TableOutput, cell_text, table_text
from vipreco.cli.table_width import all_columns, fitting
from vipreco.errors import UsageError

ROWS = pl.DataFrame({"customer_id": ["00123", "王"], "propensity": [0.123456, None]})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.123456, "0.1235"),
        (1234567.891, "1,234,568"),
        (Decimal("12.50"), "12.5"),
        (7, "7"),
        (True, "True"),
        (["a", None, "b"], "a; ; b"),
        (datetime.date(2015, 5, 28), "2015-05-28"),
        (datetime.datetime(2015, 5, 28, 9, 30, 1), "2015-05-28 09:30"),  # noqa: DTZ001
        ("[red]x[/red]", "[red]x[/red]"),
        ("a\x1b[2Jb\u202ec", "a\ufffd[2Jb\ufffdc"),
    ],
)
def test_a_value_is_written_as_a_person_reads_it(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_a_table_shows_ids_exactly_and_says_how_many_rows_there_are() -> None:
    lines = table_text(ROWS, 80).splitlines()
    assert [line.split() for line in lines if line.strip() and "─" not in line] == [
        ["customer_id", "propensity"],
        ["00123", "0.1235"],
        ["王"],
        ["2", "rows"],
    ]


def test_a_long_table_says_how_to_get_the_rest() -> None:
    text = table_text(pl.DataFrame({"x": range(2_500)}), 80)
    assert "100 of 2,500 rows; --format csv --out FILE gives them all" in text
    assert " 99 " in text
    assert " 100 \n" not in text


def test_text_in_a_cell_is_never_taken_for_markup() -> None:
    assert "[bold]x" in table_text(pl.DataFrame({"name": ["[bold]x"]}), 80)


@pytest.mark.parametrize(
    ("kind", "name", "planned"),
    [
        (None, None, Format.table),
        (Format.json, None, Format.json),
        (None, "a.xlsx", Format.xlsx),
        (Format.csv, "a.txt", Format.csv),
        (Format.table, "a.txt", Format.table),
    ],
)
def test_the_format_comes_from_the_option_or_else_from_the_ending(
    kind: Format | None, name: str | None, planned: Format, tmp_path: Path
) -> None:
    assert TableOutput.planned(kind, tmp_path / name if name else None).kind is planned


@pytest.mark.parametrize("name", ["missing/list.csv", ".", "list.txt"])
def test_a_file_that_cannot_be_written_is_refused_before_any_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        TableOutput.planned(None, tmp_path / name)


def test_a_file_is_announced_on_stderr_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TableOutput.planned(None, tmp_path / "list.csv").write(ROWS)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"2 rows written to {tmp_path / 'list.csv'}\n"


def test_a_list_into_a_pipe_is_the_bare_list(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    TableOutput.planned(Format.csv, None).write(ROWS)
    assert capfdbinary.readouterr() == ("customer_id,propensity\n00123,0.123456\n王,\n".encode(), b"")


def test_a_date_is_read_in_one_way_only() -> None:
    assert read_date("2015-05-28") == datetime.date(2015, 5, 28)
    for wrong in ("28.05.2015", "2015-02-30", "20150528", "today"):
        with pytest.raises(Exception, match="write a date as"):
            read_date(wrong)


def wide_frame() -> pl.DataFrame:
    names = ("customer_id", "bank", "day", "note", "rank", "product", "chance", "reason")
    rows = [{**{name: f"{name} of some length {row}" for name in names}, "bank": "same"} for row in range(3)]
    return pl.DataFrame(rows)


@pytest.mark.parametrize(
    ("brief", "width", "columns"),
    [
        (("customer_id", "rank", "reason", "gone"), 100, ["customer_id", "rank", "reason"]),
        ((), 100, ["customer_id", "day", "note", "rank", "product"]),
        (("customer_id",), 300, wide_frame().columns),
    ],
)
def test_a_table_that_does_not_fit_shows_the_columns_that_matter(
    brief: tuple[str, ...], width: int, columns: list[str]
) -> None:
    rows = wide_frame()
    assert fitting(rows, [list(row) for row in rows.iter_rows()], brief, width) == columns


def test_columns_that_are_the_same_in_all_rows_fill_what_is_left() -> None:
    rows = pl.DataFrame({f"column_of_a_long_name_{place}": ["x", "x"] for place in range(7)})
    rows = rows.with_columns(pl.Series("column_of_a_long_name_6", ["x", "y"]))
    shown = fitting(rows, [list(row) for row in rows.iter_rows()], (), 100)
    assert [name[-1] for name in shown] == ["0", "1", "2", "3", "6"]


def test_a_terminal_says_what_it_leaves_out_and_wide_leaves_out_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    text = table_text(wide_frame())
    assert text.endswith("5 of 8 columns; --wide shows them all\n")
    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in text.splitlines()) <= 100
    with all_columns(True):
        assert "--wide" not in table_text(wide_frame())
