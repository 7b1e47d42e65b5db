"""Jobs for tests of engines: what they write is known, and each leaves a mark when it was done."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vipreco.engines import TaskContext
from vipreco.errors import InputRejectedError

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
    own = [number for number in range(spec["numbers"]) if number % spec["parts"] == part]
    (folder / "squares.txt").write_text("".join(f"{number * number}\n" for number in own))
    (folder / "below").mkdir()
    (folder / "below" / "part.txt").write_text(str(part))
    context.step("squares")
    return {"rows": len(own), "largest": max(own, default=0)}
