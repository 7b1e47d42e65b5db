"""What a long command is doing right now: shown on a terminal, never in a file or a pipe.

Any module reports a step with `logging.getLogger(__name__).info("fitting popularity")`. A step of known
length adds `extra={"completed": 3, "total": 10}` and becomes a bar.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

TALKERS = ("vipreco", "training")


@contextmanager
def narrated(title: str) -> Iterator[None]:
    """Show `title`, and then each step that the work inside reports, with the time that it takes."""
    if not sys.stderr.isatty():
        yield
        return
    with _bar() as bar:
        narrator = _Narrator(bar, title)
        loggers = [logging.getLogger(name) for name in TALKERS]
        for logger in loggers:
            logger.addHandler(narrator)
            logger.setLevel(logging.INFO)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(narrator)


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


class _Narrator(logging.Handler):
    """Turns log records into the description and the length of one progress bar."""

    def __init__(self, bar: Progress, title: str) -> None:
        super().__init__(logging.INFO)
        self.bar = bar
        self.title = title
        self.task = bar.add_task(title, total=None)

    def emit(self, record: logging.LogRecord) -> None:
        text = f"{self.title}: {record.getMessage()}"
        total = getattr(record, "total", None)
        completed = getattr(record, "completed", 0)
        self.bar.update(self.task, description=text, total=total, completed=completed)
