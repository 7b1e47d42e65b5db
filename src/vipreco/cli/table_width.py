"""Width of drawn tables: those that do not fit show the columns that matter, or with `--wide` all."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

PIPE_WIDTH = 200  # columns of a table that goes into a file or a pipe
MAX_COLUMNS = 5
MAX_CELL = 28  # columns of a text that is worth a column of its own; longer ones are folded
_WIDE: ContextVar[bool] = ContextVar("wide", default=False)


@contextmanager
def all_columns(wanted: bool) -> Iterator[None]:
    """Show all columns of tables within, if that is wanted."""
    token = _WIDE.set(wanted)
    try:
        yield
    finally:
        _WIDE.reset(token)


def drawn_width() -> int | None:
    """Return the columns that tables are drawn with: those of a pipe; None: of the terminal."""
    return None if sys.stdout.isatty() else PIPE_WIDTH


def reader_width() -> int | None:
    """Return the columns that a reader has, of the terminal or of a pipe; None: all columns are wanted."""
    if _WIDE.get():
        return None
    from rich.console import Console

    return drawn_width() or Console().width


def fitting(
    rows: pl.DataFrame, texts: Sequence[Sequence[str]], brief: Sequence[str], width: int
) -> list[str]:
    """Return the columns that are shown: all that fit, else those that matter.

    Args:
        rows: The table.
        texts: Its cells as they are shown.
        brief: Columns that matter; without any, the first, those first that are not the same in all rows.
        width: Columns of the terminal, or of a pipe.
    """
    from vipreco.documents import text_width

    names = rows.columns
    longest = [
        max([text_width(name), *(min(text_width(row[place]), MAX_CELL) for row in texts)])
        for place, name in enumerate(names)
    ]
    if len(names) <= MAX_COLUMNS or sum(longest) + 3 * len(names) <= width:
        return names
    chosen = [name for name in brief if name in names]
    if not chosen:
        differs = [name for place, name in enumerate(names) if len({row[place] for row in texts}) > 1]
        first = [*differs, *(name for name in names if name not in differs)][:MAX_COLUMNS]
        chosen = [name for name in names if name in first]
    return chosen


def columns_note(shown: int, columns: int) -> str:
    """Return the line below a table that leaves columns out; empty where it shows all.

    >>> columns_note(5, 14), columns_note(4, 4)
    ('5 of 14 columns; --wide shows them all', '')
    """
    return f"{shown} of {columns} columns; --wide shows them all" if shown < columns else ""
