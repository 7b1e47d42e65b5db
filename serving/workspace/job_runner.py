"""Runs one command of ours for a page or a program, beside the workers.

It inherits the lock of the job and holds it while it runs, so that a page knows whether it does, whichever
worker answers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from vipreco.durable import write_json

STEP_FILE = "VIPRECO_STEP_FILE"  # as the command knows it: `vipreco.cli` takes long to import
NICENESS = 10  # offers of the branches come before what was started from a page


def main(folder: Path, name: str, arguments: list[str]) -> int:
    """Run a command and keep what it wrote."""
    started = datetime.now(UTC)
    command = [sys.executable, "-m", "vipreco.cli", *arguments]
    step = folder / f"{name}.step"
    step.unlink(missing_ok=True)  # of a run that was cut off
    told = {**os.environ, STEP_FILE: str(step)}
    with (folder / f"{name}.out").open("wb") as out, (folder / f"{name}.err").open("wb") as err:
        code = subprocess.run(  # noqa: S603 - our own
            command, stdout=out, stderr=err, check=False, env=told
        ).returncode
    step.unlink(missing_ok=True)
    finished = datetime.now(UTC)
    result = {
        "code": code,
        "arguments": arguments,
        "started_at": started.isoformat(timespec="seconds"),
        "finished_at": finished.isoformat(timespec="seconds"),
        "seconds": round((finished - started).total_seconds(), 1),
    }
    write_json(folder / f"{name}.json", result)
    return code


if __name__ == "__main__":
    os.nice(NICENESS)
    raise SystemExit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
