"""Ends a process of the service with its supervisor, so that no process keeps the port.

circus leaves its processes running when it is killed itself
(`test_no_worker_outlives_a_parent_that_was_killed`).
"""

from __future__ import annotations

import os

from vipreco.parent_death_signal import end_with

PARENT = "VIPRECO_PARENT"  # number of the supervisor's process


def end_with_parent() -> None:
    """Ask the system to end this process (SIGTERM) with the supervisor; on Linux alone."""
    parent = os.environ.get(PARENT)
    end_with(None if parent is None else int(parent))
