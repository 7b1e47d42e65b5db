"""Run a function in a throw-away process: a file that kills its reader must not kill the import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from vipreco.errors import InputRejectedError

TIME_LIMIT_SECONDS = 600
_PROGRAM = (
    "import importlib, sys; print(getattr(importlib.import_module(sys.argv[1]), sys.argv[2])(sys.argv[3]))"
)


def run(module: str, function: str, path: Path) -> None:
    """Call `module.function(path)` in a fresh interpreter; it returns what is wrong, or nothing.

    Raises:
        InputRejectedError: Something is wrong with the file, or its reader crashed or hung.
    """
    try:
        result = subprocess.run(  # noqa: S603 - our own interpreter, our own function, a path as an argument
            [sys.executable, "-c", _PROGRAM, module, function, str(path.resolve())],
            capture_output=True,
            timeout=TIME_LIMIT_SECONDS,
            check=False,
            text=True,
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
