"""Places where a test can stop the program: off unless the environment names one of them."""

from __future__ import annotations

import os
import signal
import time

VARIABLE = "VIPRECO_FAILPOINT"


def reach(name: str) -> None:
    """Pass the failpoint `name`; does something only when `VIPRECO_FAILPOINT` is `name:kill|raise|sleep:N`.

    Raises:
        RuntimeError: The environment asks for `raise` at this point.
    """
    point, _, action = os.environ.get(VARIABLE, "").partition(":")
    if point == name:
        _act(name, action)


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
    if action == "raise":
        raise RuntimeError(f"failpoint {name}")
