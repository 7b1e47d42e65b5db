"""Ends a child process with its parent, however the parent ended, so that no process keeps the port.

circus leaves its processes running when it is killed itself
(`test_no_worker_outlives_a_parent_that_was_killed`).
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT = "VIPRECO_PARENT"  # number of the supervisor's process
SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with_parent() -> None:
    """Ask the system to end this process (SIGTERM) with its parent; elsewhere than on Linux do nothing."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    parent = os.environ.get(PARENT)
    if parent is not None and os.getppid() != int(parent):  # it died before the line above
        os.kill(os.getpid(), signal.SIGTERM)
