"""Progress of a long command, shown on a terminal and never in a file or pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress


class Narrator:
    """Shows progress; its methods fit the progress arguments of the public functions."""

    def __init__(self, bar: Progress | None, title: str) -> None:
        self._bar = bar
        self._title = title
        self._task = bar.add_task(title, total=None) if bar else None

    def say(self, sentence: str) -> None:
        """Show a step of unknown length."""
        self.count(sentence, 0, None)

    def rows(self, name: str, rows: int) -> None:
        """Show how many rows of a file were read so far."""
        self.count(f"{name} {rows:,} rows", 0, None)

    def count(self, sentence: str, completed: int, total: int | None) -> None:
        """Show a step of known length."""
        if self._bar is not None and self._task is not None:
            description = f"{self._title}: {sentence}"
            self._bar.update(self._task, description=description, completed=completed, total=total)


@contextmanager
def narrated(title: str) -> Iterator[Narrator]:
    """Show `title`, the reported steps and the elapsed time; silent without a terminal."""
    if not sys.stderr.isatty():
        yield Narrator(None, title)
        return
    with _bar() as bar:
        yield Narrator(bar, title)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
