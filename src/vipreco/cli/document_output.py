"""Writes a document to the terminal as tables, or to a file for printing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from vipreco.cli.table_output import row_count
from vipreco.cli.table_width import columns_note, drawn_width, fitting, reader_width

if TYPE_CHECKING:
    from rich.table import Table

    from vipreco.documents import Document, Part


class DocumentFormat(StrEnum):
    """Formats of a document."""

    table = "table"
    xlsx = "xlsx"
    pdf = "pdf"
    json = "json"
    csv = "csv"


FILE_FORMATS = [kind.value for kind in DocumentFormat if kind is not DocumentFormat.table]


class LanguageName(StrEnum):
    """Language of a document."""

    en = "en"
    zh = "zh"


@dataclass(frozen=True)
class DocumentOutput:
    """Format and target of a document, checked before any work is done."""

    kind: DocumentFormat
    path: Path | None

    @classmethod
    def planned(cls, kind: DocumentFormat | None, path: Path | None) -> DocumentOutput:
        """Check `--format` and `--out` before any work is done.

        Raises:
            UsageError: The file cannot be written, no format is known for it, or a terminal cannot show it.
        """
        from vipreco.errors import UsageError
        from vipreco.export import check_target, format_of

        if path is not None:
            check_target(path)
            return cls(kind or DocumentFormat(format_of(path, FILE_FORMATS)), path)
        if kind is DocumentFormat.pdf and sys.stdout.isatty():
            raise UsageError("a PDF cannot be shown on a terminal", remedy="give --out FILE", code="no-out")
        return cls(kind or DocumentFormat.table, None)

    def write(self, document: Document) -> None:
        """Write `document` where the user wants it; a file is announced on stderr: a pipe stays clean."""
        from vipreco.documents import write_document
        from vipreco.durable import write_bytes

        if self.kind is not DocumentFormat.table:
            write_document(document, self.path or sys.stdout.buffer, self.kind.value)
        elif self.path is None:
            typer.echo(document_text(document), nl=False)
        else:
            write_bytes(self.path, document_text(document).encode())
        if self.path is not None:
            typer.echo(f"{row_count(document.parts[0].rows.height)} written to {self.path}", err=True)


def document_text(document: Document, width: int | None = None) -> str:
    """Return a document as text with drawn tables."""
    from rich.console import Console

    console = Console(width=width or drawn_width(), highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(document.title, style="bold")
        for line in document.about:
            console.print(line)
        for part in document.parts:
            console.print()
            console.print(part.title, style="bold")
            if line := part.line_below(document.language):
                console.print(line)
            if part.rows.height:
                told = _fitting(part, None if width else reader_width())
                console.print(_table(told))
                note = columns_note(len(told.columns), len(part.columns))
                console.print(*([note] if note else []), end="\n" if note else "")
    return captured.get()


def _fitting(part: Part, width: int | None) -> Part:
    """Return a part with the columns that a reader has room for."""
    from dataclasses import replace

    from vipreco.documents import shown

    if width is None:
        return part
    rows = part.rows.select(column.name for column in part.columns)
    texts = [
        [
            max(shown(value, column.holds).split("\n"), key=len)
            for value, column in zip(row, part.columns, strict=True)
        ]
        for row in rows.iter_rows()
    ]
    names = fitting(rows, texts, part.brief, width)
    by_name = {column.name: column for column in part.columns}
    return replace(part, columns=tuple(by_name[name] for name in names))


def part_text(part: Part, width: int) -> str:
    """Return the table of a part as text."""
    from rich.console import Console

    console = Console(width=width, highlight=False, markup=False, emoji=False)
    with console.capture() as captured:
        console.print(_table(part))
    return captured.get()


def _table(part: Part) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from vipreco.documents import Holds, shown

    rows = part.rows.select(column.name for column in part.columns)
    texts = [
        [shown(value, column.holds) for value, column in zip(row, part.columns, strict=True)]
        for row in rows.iter_rows()
    ]
    long = any("\n" in text for row in texts for text in row)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_lines=long)
    for column in part.columns:
        right = column.holds in {Holds.COUNT, Holds.AMOUNT, Holds.RATE}
        table.add_column(
            column.title, justify="right" if right else "left", overflow="fold", ratio=column.width
        )
    for row in texts:
        table.add_row(*map(Text, row))
    return table
