"""Measure L1 to L10 of tests/CASES.md, one after the other, and show all ten with met or MISSED.

    python experiments/bench_loads.py             # `make bench-loads`; on a quiet machine
    python experiments/bench_loads.py --quick     # a tenth of the time for the service: a first look
    python experiments/bench_loads.py --again     # only the table, from the results of the last run

A row is met if its line and all lines under it that have a target are. Requests with facts and of customers
who changed since the night have rows of their own below. All numbers stay in `build/loads`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

HERE: Final = Path(__file__).resolve().parent
FOLDER: Final = HERE.parent / "build" / "loads"
SERVING: Final = ("start", "capacity", "latency", "page", "swaps", "overload")
ROWS: Final = tuple(f"L{number}" for number in range(1, 11))
BESIDE: Final = ("with facts,", "with facts and reasons,", "customers who changed since the night,")
MARKS: Final = {True: "met", False: "MISSED", None: "not measured"}
VERDICTS: Final = {"yes": True, "NO": False, True: True, False: False}


@dataclass
class Row:
    """A row of the table.

    Args:
        name: L1 to L10, or the beginning of what is measured beside them.
        lines: What was found, its target, and whether it was met, as a bench told it.
    """

    name: str
    lines: list[tuple[str, str, str, bool | None]] = field(default_factory=list)

    @property
    def met(self) -> bool | None:
        """Return whether all lines with a target are met; None where nothing was measured."""
        judged = [met for *_, met in self.lines if met is not None]
        return all(judged) if judged else None


def measure(quick: bool) -> None:
    """Run the benches; one that fails leaves its rows unmeasured."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    only = [word for part in SERVING for word in ("--only", part)]
    serving = ["bench_serving.py", *only, "--out", str(FOLDER / "serving.json"), *["--quick"] * quick]
    scale = ["--scale", "0.1"] * quick
    for command in (
        serving,
        ["bench_campaign.py", "--only", "run", "--work", str(FOLDER), *scale],
        ["bench_speed.py", "--only", "ingest", "--work", str(FOLDER)],
    ):
        for result in (FOLDER / "campaign.json", FOLDER / "speed.json", FOLDER / "serving.json"):
            if result.stem in command[0]:
                result.unlink(missing_ok=True)
        print(f"{command[0]} (load average before it: {os.getloadavg()[0]:.1f})", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, str(HERE / command[0]), *command[1:]], check=False)


def told(file: str) -> Iterator[tuple[str, str, str, bool | None]]:
    """Return the lines of a bench: what, found, target, met."""
    path = FOLDER / file
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for line in content.get("lines", content.get("table", [])):
        unit, target = line.get("unit", ""), line.get("target")
        found = line.get("found", line.get("measured"))
        shown = f"{found:.1f} {unit}" if isinstance(found, float) else str(found)
        limit = f"<= {target:g} {unit}" if isinstance(target, float | int) else target or ""
        yield line["what"], shown, limit, VERDICTS.get(line["met"])


def rows() -> list[Row]:
    """Return the ten rows, and those beside them."""
    found = {name: Row(name) for name in (*ROWS, *BESIDE)}
    current: Row | None = None
    for file in ("serving.json", "campaign.json", "speed.json"):
        current = None
        for line in told(file):
            if not line[0].startswith(" "):
                first = line[0].split(" ")[0]
                name = (
                    first if first in ROWS else next((one for one in BESIDE if line[0].startswith(one)), "")
                )
                current = found.get(name)
            if current is not None:
                current.lines.append(line)
    return list(found.values())


def show(found: list[Row]) -> None:
    """Print a line a row and target; the first of a row says whether the row is met."""
    table = Table(title="Loads", title_justify="left")
    for heading in ("row", "what", "found", "target", "line", "row is"):
        table.add_column(heading)
    for row in found:
        name, is_met = row.name if row.name in ROWS else "", MARKS[row.met]
        for number, (what, shown, limit, met) in enumerate(row.lines or [(row.name, "", "", None)]):
            if number and met is None:
                continue
            head = (name, is_met) if number == 0 else ("", "")
            table.add_row(head[0], what.strip(), shown, limit, "" if met is None else MARKS[met], head[1])
    Console(width=140).print(table)
    ten = [row for row in found if row.name in ROWS]
    missed = [row.name for row in ten if row.met is not True]
    print(
        f"{len(ten) - len(missed)} of {len(ten)} met; not met or not measured: {', '.join(missed) or 'none'}"
    )


def main() -> None:
    """Measure, and show the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the time: for a first look")
    parser.add_argument("--again", action="store_true", help="show the results of the last run")
    arguments = parser.parse_args()
    if not arguments.again:
        measure(arguments.quick)
    show(rows())


if __name__ == "__main__":
    main()
