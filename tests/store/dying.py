"""Processes that are killed in the middle of their work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def dies(work: Callable[[], object], failpoint: str = "") -> None:
    """Do `work` in a copy of this process until it kills itself there, or at a failpoint."""
    child = os.fork()
    if child == 0:
        try:
            os.environ["VIPRECO_FAILPOINT"] = f"{failpoint}:kill"
            work()
        finally:
            os._exit(1)  # nothing of the parent's is closed or printed a second time
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


def kill() -> None:
    """End this process as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)
