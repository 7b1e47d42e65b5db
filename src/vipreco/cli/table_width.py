"""Width of tables on a terminal: those that do not fit show the columns that matter, or with `--wide` all."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

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


def terminal_width() -> int | None:
    """Return the columns of the terminal; None where the output is none, or all columns are wanted."""
    if _WIDE.get() or not sys.stdout.isatty():
        return None
    from rich.console import Console

    return Console().width


def fitting(
    rows: pl.DataFrame, texts: Sequence[Sequence[str]], brief: Sequence[str], width: int
) -> list[str]:
    """Return the columns that are shown: all that fit, else those that matter.

    Args:
        rows: The table.
        texts: Its cells as they are shown.
        brief: Columns that matter; without any, the first, those first that are not the same in all rows.
        width: Columns of the terminal.
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
