"""A list is readable on a terminal, and complete and exact in a file."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.options import Format, read_date
from vipreco.cli.table_output import TableOutput, cell_text, table_text
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
