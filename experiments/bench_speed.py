"""Measure import, features, training, scoring and outages on the sizes that matter: time, and peak memory.

    python experiments/bench_speed.py                             # full size; writes a CSV of 2.2 GB first
    python experiments/bench_speed.py --work DIR --rows 300000    # a smaller trial in another folder
    python experiments/bench_speed.py --only archive              # without the public files, or only these

Each step runs in a process of its own, so that its peak memory is its own. The archive (`train_generated.csv`
in the work folder) is written by `santander/generate_archive.py` where it is missing. The table goes to
standard output, progress to standard error, all numbers to `speed.json` in the work folder. Nothing fails
when a target is missed: another machine is another speed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
STEPS = HERE / "speed_steps.py"
GENERATOR = HERE / "santander/generate_archive.py"
PUBLIC = HERE.parents[1] / "shared/data/santander/customers_2015_05.parquet"
ARCHIVE = "train_generated.csv"
FULL_ROWS = 13_647_309
SANTANDER = "santander"
INGEST, OUTAGE, SHELL, RECIPE = "ingest", "outage", "shell", "recipe"
PARTS = (SANTANDER, "archive", INGEST, OUTAGE, SHELL, RECIPE)
PATIENCE = 15.0
ARCHIVE_STEPS = ("archive-import", "archive-features", "archive-fit", "archive-score")
MIB, GIB = 2**20, 2**30


@dataclass(frozen=True)
class Measured:
    """Time and memory of one step.

    Args:
        seconds: From the start of its process to the end.
        peak_bytes: Largest resident memory of the process or one of its own children, told by itself.
        load: Load average of the last minute before and after. Before the first step all of it is the work
            of others; after a step, what is above 2.
        facts: The step's own numbers.
    """

    seconds: float
    peak_bytes: int
    load: tuple[float, float]
    facts: Mapping[str, float]


@dataclass(frozen=True)
class Line:
    """One line of the table; without a target it is only told."""

    what: str
    measured: float
    target: float | None
    unit: str

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        return "yes" if self.measured <= self.target else "NO"


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def run_step(name: str, work: Path) -> Measured:
    """Run one step in a fresh process."""
    say(name)
    begin, load = time.perf_counter(), os.getloadavg()[0]
    command = [sys.executable, str(STEPS), name, str(work)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the step {name} ended with status {done.returncode}")
    seconds, told = time.perf_counter() - begin, json.loads(done.stdout)
    say(f"  {seconds:.1f} s, load {load:.1f} before")
    return Measured(seconds, told["peak_bytes"], (load, os.getloadavg()[0]), told["facts"])


def ready_archive(work: Path, rows: int) -> Path:
    """Return the archive, written first where it is missing."""
    path = work / ARCHIVE
    if not path.exists():
        say(f"writing {path}")
        partial = path.with_suffix(".partial")
        command = [sys.executable, str(GENERATOR), str(partial), "--rows", str(rows)]
        subprocess.run(command, check=True, stdout=sys.stderr)
        partial.replace(path)
    return path


def measure(work: Path, rows: int, parts: Sequence[str]) -> dict[str, Measured]:
    """Run the steps of the parts asked for, as far as their input is there."""
    work.mkdir(parents=True, exist_ok=True)
    known = (SANTANDER, *ARCHIVE_STEPS, INGEST, OUTAGE, SHELL, RECIPE)
    steps = [name for name in known if name.partition("-")[0] in parts]
    if SANTANDER in steps and not PUBLIC.exists():
        say("santander: skipped, the public files are not beside the project")
        steps.remove(SANTANDER)
    if "archive" in parts:
        ready_archive(work, rows)
    return {name: run_step(name, work) for name in steps}


def lines(found: Mapping[str, Measured]) -> list[Line]:
    """Return the table in the order of the targets."""
    archive = [found[name] for name in ARCHIVE_STEPS if name in found]
    return [
        *santander_lines(found.get(SANTANDER)),
        *(archive_lines(archive) if archive else []),
        *ingest_lines(found.get(INGEST)),
        *outage_lines(found.get(OUTAGE)),
        *shell_lines(found.get(SHELL)),
        *recipe_lines(found.get(RECIPE)),
    ]


def ingest_lines(measured: Measured | None) -> list[Line]:
    if measured is None:
        return []
    return [
        Line("L9 import of 100,000 customers and 1,000,000 holdings", measured.facts["import"], 60, "s"),
        Line("    peak memory", measured.peak_bytes / MIB, 600, "MiB"),
    ]


def outage_lines(measured: Measured | None) -> list[Line]:
    if measured is None:
        return []
    names = {"hangs": "registry that never answers", "refuses": "registry that is not there"}
    names["locked"] = "registry whose database is locked"
    return [
        Line(f"given up: {names[name]}", seconds, PATIENCE, "s") for name, seconds in measured.facts.items()
    ]


def shell_lines(measured: Measured | None) -> list[Line]:
    names = {"calllist": "calllist", "sheet": "sheet", "offers": "offers --manager"}
    return [
        Line(f"demo bank: vipreco {name} from the shell, CPU", measured.facts[key], 3, "s")
        for key, name in names.items()
        if measured is not None
    ]


def recipe_lines(measured: Measured | None) -> list[Line]:
    if measured is None:
        return []
    facts = measured.facts
    return [
        Line("default recipe, 18,500 customers x 18 months: CPU of training", facts["minutes"], 10, "min"),
        Line("    calibration in sum, distance to 1", abs(facts["ratio"] - 1), 0.1, ""),
        Line("    calibration in slope, distance to 1", abs(facts["slope"] - 1), 0.1, ""),
    ]


def archive_lines(steps: Sequence[Measured]) -> list[Line]:
    imported, features, fitted, scored = steps
    peak = max(step.peak_bytes for step in steps) / GIB
    return [
        Line("archive: import", imported.seconds, 360, "s"),
        Line("archive: features of one month, all customers", features.facts["features"], 60, "s"),
        Line("archive: fit on two months", fitted.seconds, None, "s"),
        Line("archive: score all customers, write the lists", scored.facts["scoring"], 300, "s"),
        Line("archive: peak memory of the largest step", peak, 12, "GiB"),
        Line("around the booster / raw predict", scored.facts["ratio"], 0.5, ""),
        Line("    around the booster", scored.facts["around"], None, "s"),
        Line("    raw predict", scored.facts["raw_predict"], None, "s"),
    ]


def santander_lines(measured: Measured | None) -> list[Line]:
    if measured is None:
        return []
    return [
        Line("Santander files: import, fit, offers for all", measured.seconds, 240, "s"),
        Line("Santander files: peak memory", measured.peak_bytes / GIB, 3, "GiB"),
    ]


def title(found: Mapping[str, Measured]) -> str:
    scored = found.get(ARCHIVE_STEPS[-1])
    size = f", {scored.facts['customers']:,} customers in the newest month of the archive" if scored else ""
    return f"Speed on 2 threads{size}"


def show(rows: Sequence[Line], heading: str) -> None:
    table = Table(title=heading)
    for name in ("what", "target", "measured", "met?"):
        table.add_column(name, justify="left" if name == "what" else "right", no_wrap=True)
    for row in rows:
        target = "" if row.target is None else f"<= {row.target:g} {row.unit}"
        table.add_row(row.what, target, f"{row.measured:.2f} {row.unit}", row.verdict)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def write_json(path: Path, found: Mapping[str, Measured], rows: Sequence[Line]) -> None:
    content = {
        "steps": {name: asdict(one) for name, one in found.items()},
        "table": [{**asdict(row), "met": row.verdict} for row in rows],
        "processors": os.cpu_count(),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE.parent / "data/bench", metavar="DIR")
    parser.add_argument(
        "--rows", type=int, default=FULL_ROWS, help="rows of an archive that is not there yet"
    )
    parser.add_argument("--only", choices=PARTS, help="leave out the other parts")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    found = measure(work, arguments.rows, [arguments.only] if arguments.only else PARTS)
    rows = lines(found)
    write_json(work / "speed.json", found, rows)
    show(rows, title(found))


if __name__ == "__main__":
    main()
