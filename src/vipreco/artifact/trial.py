"""Trying an artifact in a throw-away process, so that a damaged model can kill only that one."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from vipreco.errors import IntegrityError, ResourcesError

CHILD_MODULE: Final = "vipreco.artifact.child"
TIMEOUT_SECONDS: Final = 60.0
TIMEOUT_VARIABLE: Final = "VIPRECO_ARTIFACT_SECONDS"
USUAL_START_SECONDS: Final = 0.1  # of an interpreter on the machine where 60 s were enough
MEMORY_BYTES: Final = 8 << 30
FAILURES: Final = frozenset({"child-crash", "child-error"})


@dataclass(frozen=True)
class ChildVerdict:
    """Verdict of the child: `accepted`, or the reason and its stable code; the hash that it verified."""

    accepted: bool
    reason: str = ""
    code: str = ""
    artifact_hash: str = ""

    def require(self, folder: Path) -> None:
        """Do nothing when accepted.

        Raises:
            IntegrityError: The child refused the artifact, or did not survive it.
            ResourcesError: It failed where this process may take less memory than a child needs.
        """
        if not self.accepted and self.code in FAILURES and memory_is_limited():
            raise ResourcesError(
                f"{self.reason}, with the little memory that this process may take",
                where=str(folder),
                remedy="raise the limit (`ulimit -v`); where it ends so without one, do not load it",
                code="child-memory",
            )
        if not self.accepted:
            remedy = "do not load it; keep the model that is in use"
            raise IntegrityError(self.reason, where=str(folder), remedy=remedy, code=self.code)


def try_in_child(
    folder: Path, loader: str, *, expected_hash: str | None = None, timeout: float | None = None
) -> ChildVerdict:
    """Verify, load and score the artifact in a new process; a crash or a hang of it is a refusal.

    Args:
        folder: The artifact.
        loader: `module:function`; the function takes the folder and returns a scorer, which takes the
            golden feature values (n, k) and returns their scores.
        expected_hash: `artifact_hash` known from the registry.
        timeout: Seconds after which the child counts as hanging and is killed; by default `patience`.
    """
    timeout = patience() if timeout is None else timeout
    request = json.dumps({"folder": str(folder.resolve()), "loader": loader, "expected_hash": expected_hash})
    command = [sys.executable, "-P", "-m", CHILD_MODULE]  # -P: code is never taken from the current folder
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and module
            command, input=request.encode(), capture_output=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return ChildVerdict(False, f"loading did not end within {timeout:g} s", "child-hangs")
    return _read_verdict(done)


def memory_is_limited() -> bool:
    """Return whether this process, and so a child, may take less memory than a child is given."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return limit != resource.RLIM_INFINITY and limit < MEMORY_BYTES


def patience() -> float:
    """Return the seconds that loading may take: a setting, and longer on a slow or busy machine.

    The machine is measured by how long it takes to start an interpreter, which is what a child does first.
    """
    if given := os.environ.get(TIMEOUT_VARIABLE):
        return float(given)
    begun = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", "import json, hashlib"], check=True)
    slower = (time.monotonic() - begun) / USUAL_START_SECONDS
    return TIMEOUT_SECONDS * max(1.0, slower)


def _read_verdict(done: subprocess.CompletedProcess[bytes]) -> ChildVerdict:
    if done.returncode < 0:
        reason = f"loading killed the process ({_signal_name(-done.returncode)})"
        return ChildVerdict(False, reason, "child-crash")
    try:
        return ChildVerdict(**json.loads(done.stdout))
    except (ValueError, TypeError):
        reason = f"loading ended the process with exit code {done.returncode}"
        return ChildVerdict(False, reason, "child-crash")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def verdict_bytes(verdict: ChildVerdict) -> bytes:
    """Return the verdict as the child sends it."""
    return json.dumps(asdict(verdict)).encode()
