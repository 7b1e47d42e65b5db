"""A child that ends when its parent does, however that came about: nobody is left to hold the port."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

SET_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def tie_to_parent(parent: int | None = None) -> None:
    """Ask the system to end this process (SIGTERM) when its parent ends; elsewhere than on Linux do nothing.

    Args:
        parent: Process that was the parent when this one was started; it may have died since.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(SET_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
