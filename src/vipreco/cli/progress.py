"""Progress of a long command, shown on a terminal or told to whoever started it, and never in a pipe."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.progress import Progress

STEP_FILE: Final = "VIPRECO_STEP_FILE"
"""Variable that names a file in which the step is kept, for a page that started the command."""
MIN_SECONDS: Final = 0.5  # between two counts of the same step


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


class StepFile(Narrator):
    """Keeps the step in a file, as JSON with `step`, `completed` and `total`.

    Args:
        path: The file; where it cannot be written, the command goes on without it.
        title: Of the command.
    """

    def __init__(self, path: Path, title: str) -> None:
        super().__init__(None, title)
        self._path = path
        self._kept, self._moment = "", 0.0

    def count(self, sentence: str, completed: int, total: int | None) -> None:
        """Keep a step of known length."""
        now = time.monotonic()
        if sentence == self._kept and now - self._moment < MIN_SECONDS:
            return
        self._kept, self._moment = sentence, now
        content = json.dumps({"step": sentence, "completed": completed, "total": total})
        with suppress(OSError):
            new = self._path.with_suffix(".new")
            new.write_text(content, encoding="utf-8")
            new.replace(self._path)  # readers find a whole one


@contextmanager
def narrated(title: str) -> Iterator[Narrator]:
    """Show `title`, the reported steps and the elapsed time; silent without a terminal."""
    if path := os.environ.get(STEP_FILE):
        yield StepFile(Path(path), title)
        return
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
