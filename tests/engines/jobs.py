"""Jobs for tests of engines: what they write is known, and each leaves a mark when it was done."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vipreco.engines import TaskContext
from vipreco.errors import InputRejectedError
from vipreco.failpoints import VARIABLE

SQUARES = "tests.engines.jobs:squares"


def squares(spec: Mapping[str, Any], part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the squares of the numbers below `spec["numbers"]` that are of a part, into two files."""
    with Path(spec["marks"], str(part)).open("a") as marks:
        marks.write(f"{os.getpid()}\n")
    if spec.get("refused") == part and Path(spec["trouble"]).exists():
        raise InputRejectedError("this part is refused", where=f"part {part}", code="odd", examples=["x"])
    if spec.get("killed") == part and Path(spec["trouble"]).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.get("killed_once") == part and not Path(spec["trouble"]).exists():
        Path(spec["trouble"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if spec.get("executor_killed") == part and not Path(spec["trouble"]).exists():
        Path(spec["trouble"]).touch()
        kill_executor_at(spec["place"])
    while part >= spec.get("waits_from", part + 1) and not Path(spec["go"]).exists():
        time.sleep(0.2)
    own = [number for number in range(spec["numbers"]) if number % spec["parts"] == part]
    (folder / "squares.txt").write_text("".join(f"{number * number}\n" for number in own))
    (folder / "below").mkdir()
    (folder / "below" / "part.txt").write_text(str(part))
    context.step("squares")
    return {"rows": len(own), "largest": max(own, default=0)}


def kill_executor_at(place: str) -> None:
    """Let the task stop at a place, and have the executor killed that runs it, with this process."""
    os.environ[VARIABLE] = f"{place}:sleep:600"
    killed = f"sleep 2; kill -9 {java_above(os.getpid())} {os.getpid()}"
    subprocess.Popen(["sh", "-c", killed], start_new_session=True)


def java_above(process: int) -> int:
    """Return the process of Java among those that a process descends from."""
    while Path(f"/proc/{process}/comm").read_text().strip() != "java":
        status = Path(f"/proc/{process}/status").read_text().splitlines()
        process = next(int(line.split()[1]) for line in status if line.startswith("PPid:"))
    return process
