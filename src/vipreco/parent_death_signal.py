"""Ends a child process with its parent, however the parent ended."""

from __future__ import annotations

import os
import signal
import sys

SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with(parent: int | None, number: signal.Signals = signal.SIGTERM) -> None:
    """Ask the system to signal this process when its parent ends; elsewhere than on Linux do nothing.

    Args:
        parent: Number of the parent, which may have ended already; None: it has not.
        number: The signal.
    """
    if not sys.platform.startswith("linux"):
        return
    import ctypes  # noqa: PLC0415  it takes milliseconds, which commands that people wait for have none of

    ctypes.CDLL(None, use_errno=True).prctl(SET_DEATH_SIGNAL, number, 0, 0, 0)
    if parent is not None and os.getppid() != parent:  # it died before the line above
        os.kill(os.getpid(), number)
