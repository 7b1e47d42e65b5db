"""Writes a table to the terminal, or to a file that another program opens."""

from __future__ import annotations

import datetime
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from vipreco.cli.options import Format
from vipreco.cli.table_width import PIPE_WIDTH, columns_note, drawn_width, fitting, reader_width

if TYPE_CHECKING:
    import polars as pl

MAX_SHOWN_ROWS = 100
# Control and direction characters in a name could rewrite what the reader of a terminal sees.
UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
REPLACEMENT = "\ufffd"


@dataclass(frozen=True)
class TableOutput:
    """Format and target of a table, checked before any work is done."""

    kind: Format
    path: Path | None

    @classmethod
    def planned(cls, kind: Format | None, path: Path | None) -> TableOutput:
        """Check `--format` and `--out` before any work is done.

        Raises:
            UsageError: The file cannot be written, or no format is known for it.
        """
        if path is None:
            return cls(kind or Format.table, None)
        from vipreco.export import check_target, format_of

        check_target(path)
        return cls(kind or Format(format_of(path)), path)

    @property
    def shown_rows(self) -> int | None:
        """Number of rows that a reader is shown; None where all of them are written."""
        return MAX_SHOWN_ROWS if self.kind is Format.table else None

    def write(self, rows: pl.DataFrame, brief: Sequence[str] = ()) -> None:
        """Write `rows` where the user wants them; a file is announced on stderr: a pipe stays clean.

        Args:
            rows: The rows.
            brief: Columns that matter, which a terminal shows that is too narrow for all.
        """
        if self.kind is Format.table:
            self._write_text(table_text(rows, PIPE_WIDTH if self.path else None, brief=brief))
            return
        from vipreco.export import write_table

        write_table(rows, self.path or sys.stdout.buffer, self.kind.value)
        self._announce(rows.height)

    def write_frames(self, frames: Iterable[pl.DataFrame], total: int, brief: Sequence[str] = ()) -> None:
        """Write rows as `write` does, that come some at a time.

        Args:
            frames: The rows, one frame at least.
            total: Number of all of them.
            brief: As of `write`.
        """
        if self.kind is Format.table:
            width = PIPE_WIDTH if self.path else None
            self._write_text(table_text(next(iter(frames)), width, brief=brief, total=total))
            return
        from vipreco.export import write_frames

        write_frames(frames, total, self.path or sys.stdout.buffer, self.kind.value)
        self._announce(total)

    def _write_text(self, text: str) -> None:
        if self.path is None:
            typer.echo(text, nl=False)
            return
        from vipreco.durable import write_bytes

        write_bytes(self.path, text.encode())

    def _announce(self, rows: int) -> None:
        if self.path is not None:
            typer.echo(f"{row_count(rows)} written to {self.path}", err=True)


def table_text(
    rows: pl.DataFrame,
    width: int | None = None,
    title: str | None = None,
    brief: Sequence[str] = (),
    total: int | None = None,
) -> str:
    """Return `rows` as a drawn table, the first hundred of them, with a word about the rest.

    Args:
        rows: The rows.
        width: Columns of the table; without it those of the reader, who is shown only columns that fit.
        title: Stands above.
        brief: Columns that matter, where not all fit.
        total: Number of rows, where there are more than these.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, title=title, title_justify="left")
    texts = [[cell_text(value) for value in row] for row in rows.head(MAX_SHOWN_ROWS).iter_rows()]
    reader = reader_width() if width is None else None
    shown = fitting(rows, texts, brief, reader) if reader else rows.columns
    places = [rows.columns.index(name) for name in shown]
    for name in shown:
        table.add_column(name, justify="right" if rows.schema[name].is_numeric() else "left", overflow="fold")
    for row in texts:
        table.add_row(*(Text(row[place]) for place in places))
    console = Console(width=width or drawn_width(), highlight=False)
    with console.capture() as captured:
        console.print(table)
        console.print(_rest(rows.height if total is None else total), end="", markup=False)
    note = columns_note(len(shown), rows.width)
    return captured.get() + (f"{note}\n" if note else "")


def row_count(rows: int) -> str:
    """Return a number of rows in words.

    >>> row_count(1), row_count(1200)
    ('1 row', '1,200 rows')
    """
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _rest(height: int) -> str:
    if height <= MAX_SHOWN_ROWS:
        return f"{row_count(height)}\n"
    return f"{MAX_SHOWN_ROWS} of {height:,} rows; --format csv --out FILE gives them all\n"


def cell_text(value: Any) -> str:
    """Return one value as a person reads it: no nulls, no long fractions, no characters that play tricks."""
    if value is None:
        return ""
    if isinstance(value, float | Decimal):
        return _number_text(float(value))
    if isinstance(value, list):
        return "; ".join(cell_text(item) for item in value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return safe_text(str(value))


def _number_text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def safe_text(text: Iterable[str]) -> str:
    """Return `text` with control and direction characters replaced."""
    return "".join(REPLACEMENT if unicodedata.category(sign) in UNSAFE_CATEGORIES else sign for sign in text)
