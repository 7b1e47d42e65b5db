"""The pause before a process begins, after starts that failed."""

from __future__ import annotations

import os
import time

PAUSE = "VIPRECO_START_PAUSE"  # seconds; set by the supervisor


def wait_before_start() -> None:
    """Wait for as long as the supervisor asks.

    The new process itself waits, because circus stops the whole service when a watcher has no process.
    """
    time.sleep(float(os.environ.get(PAUSE, "0")))
