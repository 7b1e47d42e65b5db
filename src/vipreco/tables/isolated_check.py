"""Check of a file in a process of its own: a file that kills its reader must not kill the import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vipreco.errors import InputRejectedError

TIME_LIMIT_SECONDS = 600


def check_isolated(script: Path, path: Path) -> None:
    """Run `script` on `path` in a fresh interpreter; it prints what is wrong with the file, or nothing.

    Raises:
        InputRejectedError: Something is wrong with the file, or its reader crashed or hung.
    """
    command = [sys.executable, "-I", str(script), str(path.resolve())]
    try:
        result = subprocess.run(  # noqa: S603 - our own interpreter and script, the path is an argument
            command, capture_output=True, timeout=TIME_LIMIT_SECONDS, check=False, text=True
        )
    except subprocess.TimeoutExpired as error:
        raise _damaged(path, "reading it does not end") from error
    if result.returncode:
        raise _damaged(path, f"its reader ended with code {result.returncode}")
    if problem := result.stdout.strip():
        raise _damaged(path, problem)


def _damaged(path: Path, problem: str) -> InputRejectedError:
    return InputRejectedError(
        f"is damaged or not what its name says ({problem})",
        where=str(path),
        remedy="transfer the file again",
        code="damaged",
    )
