"""One measured step of `bench_simulator.py`, in a process of its own; prints its numbers as one line of JSON.

    python experiments/simulator_steps.py STEP WORK_FOLDER OPTIONS_AS_JSON

Steps: scale, oracle, faults.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl

from vipreco.project import Project
from vipreco.simulator import simulate

PROJECT = Project.find(Path(__file__))
sys.path.insert(0, str(PROJECT.root))
QUESTION = PROJECT.root / "experiments/004-oracle/question.md"
Facts = dict[str, Any]


def say(*words: object) -> None:
    print(" ", *words, file=sys.stderr, flush=True)


def scale(work: Path, customers: int, months: int, seed: int) -> Facts:
    """Write a large bank, and nothing else."""
    shutil.rmtree(work / "scale", ignore_errors=True)
    begin = time.perf_counter()
    report = simulate(customers, months, seed, work / "scale", progress=say)
    seconds = time.perf_counter() - begin
    written = sum(path.stat().st_size for path in (work / "scale").rglob("*") if path.is_file())
    shutil.rmtree(work / "scale")
    return {"seconds": seconds, "written_bytes": written, "acquisitions": report.acquisitions}


def oracle(work: Path, seeds: int, customers: int, months: int, recipe: str, out: str) -> Facts:
    """Judge every arm against the truth, as `vipreco bench oracle` does; write the report."""
    from vipreco.cli.bench_commands import plan_of, rim_of
    from vipreco.simulator import (
        as_json,
        bench_oracle,
        write_report,
    )

    shutil.rmtree(work / "oracle", ignore_errors=True)
    plan = plan_of(PROJECT, recipe, seeds, customers, months)
    result = bench_oracle(plan, rim_of(PROJECT, plan), work / "oracle", say)
    write_report(result, Path(out), QUESTION.read_text(encoding="utf-8"))
    shutil.rmtree(work / "oracle")
    return {name: as_json(result)[name] for name in ("shares", "order", "calibration")}


def faults(work: Path, customers: int, months: int, rate: float, seed: int) -> Facts:
    """Import a bank with planted faults; count what was planted, and what of it the import found."""
    from vipreco.tables import import_

    shutil.rmtree(work / "faults", ignore_errors=True)
    bank = simulate(customers, months, seed, work / "faults/bank", fault_rate=rate, progress=say)
    report = import_(work / "faults/tables", bank.mapping, list(bank.sources), PROJECT.settings)
    planted = pl.read_parquet(bank.folder / "truth" / "planted.parquet")
    refused = pl.DataFrame(
        [
            {"file": path.name.removesuffix(".quarantine.csv"), "row": row}
            for path in report.quarantine
            for row in pl.read_csv(path.with_name(path.name + ".reasons.csv"))["row"].unique().to_list()
        ],
        schema={"file": pl.String, "row": pl.Int64},
    )
    faults = planted.filter(pl.col("outcome") == "quarantined")
    found = faults.join(refused.with_columns(found=True), on=["file", "row"], how="left")
    kinds = found.group_by("kind").agg(planted=pl.len(), quarantined=pl.col("found").sum()).sort("kind")
    return {
        "kinds": kinds.to_dicts(),
        "planted": faults.height,
        "quarantined": sum(file.quarantined for file in report.files),
        "unplanted": refused.join(faults, on=["file", "row"], how="anti").height,
        "planted_copies": planted.filter(pl.col("outcome") == "duplicate").height,
        "duplicates": sum(file.duplicates for file in report.files),
        "rows": sum(file.read for file in report.files),
    }


STEPS: dict[str, Callable[..., Facts]] = {"scale": scale, "oracle": oracle, "faults": faults}


def peak_bytes() -> int:
    """Return the largest resident memory so far of this process, by its own memory map.

    The kernel's other count (`ru_maxrss`) starts at the size of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) * 1024


def main() -> None:
    name, work, options = sys.argv[1], Path(sys.argv[2]).resolve(), json.loads(sys.argv[3])
    facts = STEPS[name](work, **options)
    print(json.dumps({"facts": facts, "peak_bytes": peak_bytes()}))


if __name__ == "__main__":
    main()
