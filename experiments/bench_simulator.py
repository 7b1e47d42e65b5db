"""Measure the simulated bank: its speed at full size, our offers against the oracle, planted faults found.

    python experiments/bench_simulator.py                       # all three parts, full size
    python experiments/bench_simulator.py --only faults           # one of: scale, oracle, faults
    python experiments/bench_simulator.py --scale 0.01          # a trial with a hundredth of the customers

Each part runs in a process of its own, which tells its own peak memory. The table goes to standard output,
progress to standard error, all numbers to `simulator.json` in the work folder; the report of the oracle part
to `experiments/004-oracle`, or to the work folder in a trial. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
STEPS = HERE / "simulator_steps.py"
REPORT = HERE / "004-oracle"
PARTS = ("scale", "oracle", "faults")
GIB = 2**30
ORACLE_TARGETS = {
    ("all", "list", "money"): 0.85,
    ("all", "list", "acquisitions"): 0.85,
    ("VIP", "list", "money"): 0.88,
    ("VIP", "calls", "money"): 0.80,
}
"""Least share of the oracle by part of the customers, effort and unit."""
SEED = 20260101
Found = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Line:
    """One line of the table; without a target it is only told."""

    what: str
    target: str
    measured: str
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.met is None else "yes" if self.met else "NO"


def options(work: Path, scale: float) -> dict[str, dict[str, Any]]:
    """Return what each part is run with; `scale` is the share of the full number of customers."""
    out = REPORT if scale == 1 else work / "004-oracle"
    return {
        "scale": {"customers": int(1_000_000 * scale), "months": 24, "seed": SEED},
        "oracle": {
            "seeds": 5,
            "customers": int(20_000 * scale),
            "months": 24,
            "recipe": "default",
            "out": str(out),
        },
        "faults": {"customers": int(20_000 * scale), "months": 12, "rate": 0.01, "seed": SEED},
    }


def run_step(name: str, work: Path, chosen: dict[str, Any]) -> dict[str, Any]:
    """Run one part in a fresh process; return what it told, and the load of the machine before."""
    print(name, chosen, file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    command = [sys.executable, str(STEPS), name, str(work), json.dumps(chosen)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the step {name} ended with status {done.returncode}")
    return {**json.loads(done.stdout), "options": chosen, "load_before": load}


def lines(found: Found) -> list[Line]:
    """Return the table in the order of the targets."""
    tables = {"scale": scale_lines, "oracle": oracle_lines, "faults": fault_lines}
    return [line for part, of in tables.items() if part in found for line in of(found[part])]


def scale_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts, chosen = told["facts"], told["options"]
    minutes, peak = facts["seconds"] / 60, told["peak_bytes"] / GIB
    yield Line(
        f"{chosen['customers']:,} customers x {chosen['months']} months, written out",
        "<= 6 min",
        f"{minutes:.2f} min",
        minutes <= 6,
    )
    yield Line("    peak memory", "<= 8 GiB", f"{peak:.2f} GiB", peak <= 8)
    yield Line("    written", "", f"{facts['written_bytes'] / GIB:.2f} GiB")
    yield Line("    load of the machine before (others' work)", "", f"{told['load_before']:.1f}")


def oracle_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts = told["facts"]
    for row in facts["shares"]:
        target = ORACLE_TARGETS.get((row["part"], row["effort"], row["unit"]))
        if row["part"] in ("all", "VIP") and row["arm"] == "full decision":
            yield Line(
                f"full decision / oracle, {row['part']}: {row['effort']}, {row['unit']}",
                f">= {target:.0%}" if target else "",
                f"{row['share']:.1%} [{row['low']:.1%}, {row['high']:.1%}]",
                row["share"] >= target if target else None,
            )
    for row in facts["order"]:
        if row["part"] == "all":
            yield Line(
                f"{row['effort']}: {row['better']} > {row['worse']}",
                "> 0",
                f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                row["holds"],
            )


def fault_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts = told["facts"]
    whole = facts["planted"] == facts["quarantined"] and not facts["unplanted"]
    yield Line(
        "planted faults quarantined, nothing else", f"= {facts['planted']}", str(facts["quarantined"]), whole
    )
    copies = facts["planted_copies"]
    yield Line(
        "planted copies counted", f"= {copies}", str(facts["duplicates"]), copies == facts["duplicates"]
    )
    for row in facts["kinds"]:
        met = row["planted"] == row["quarantined"]
        yield Line(f"    {row['kind']}", f"= {row['planted']}", str(row["quarantined"]), met)


def show(rows: list[Line], title: str = "The simulated bank") -> None:
    table = Table(title=title)
    for name in ("what", "target", "measured", "met?"):
        table.add_column(name, justify="left" if name == "what" else "right", no_wrap=True)
    for row in rows:
        table.add_row(row.what, row.target, row.measured, row.verdict)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE.parent / "data/bench-simulator", metavar="DIR")
    parser.add_argument("--only", choices=PARTS, help="leave out the other parts")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the customers, for a trial")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    chosen = options(work, arguments.scale)
    parts = [arguments.only] if arguments.only else PARTS
    found = {part: run_step(part, work, chosen[part]) for part in parts}
    rows = lines(found)
    content = {"parts": found, "table": [{**asdict(row), "met": row.verdict} for row in rows]}
    (work / "simulator.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    show(rows)


if __name__ == "__main__":
    main()
