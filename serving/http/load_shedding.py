"""Load shedding: refuses requests while the event loop runs late.

The lateness of the loop is the time that requests wait in its queue; a limit on concurrent requests alone
does not see it.
"""

from __future__ import annotations

import asyncio
from collections import deque

TICK_SECONDS = 0.02
LATE_SECONDS = 0.05
TICKS = 5  # one pause is none; being late this often in a row is


class LoadShedding:
    """Measures one event loop; `overloaded` while it is late time after time."""

    def __init__(self) -> None:
        self.overloaded = False
        self.seconds = 0.0
        self._late: deque[bool] = deque(maxlen=TICKS)
        self._due = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self) -> None:
        """Begin to measure the running loop, once."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            self._next(loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + TICK_SECONDS
        loop.call_at(self._due, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self.note(loop.time() - self._due)
        self._next(loop)

    def note(self, seconds: float) -> None:
        """Take one measurement of how late the loop was."""
        self.seconds = seconds
        self._late.append(seconds > LATE_SECONDS)
        self.overloaded = len(self._late) == TICKS and all(self._late)
