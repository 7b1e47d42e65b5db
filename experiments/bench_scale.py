"""Measure offers and the nightly build in parts: equal bytes, processor time beside one part, peak of a task.

    python experiments/bench_scale.py                               # 20,000 customers x 12 months
    python experiments/bench_scale.py --customers 305000 --months 24
    python experiments/bench_scale.py --project DIR --parts 1 4     # a project with a champion

A bank is simulated, imported and trained (recipe `quick`) in data/scale where there is none. Each number of
parts runs in a process of its own; processor time and peak are those of the receipts. `--memory` gives the
GiB that a task may take. The table goes to standard output, all numbers to `scale.json` in the work folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

MIB, GIB = 2**20, 2**30
OFFERS, BUILD = "offers", "nightly build"
MAX_RATIO = 1.1


@dataclass(frozen=True)
class Run:
    """A job over all parts.

    Args:
        job: `OFFERS` or `BUILD`.
        parts: Number of parts.
        customers: Of the bank.
        cpu_seconds: Of all tasks.
        peak_bytes: Of the largest task.
        seconds: On the clock, with the processes.
        sha256: Of what is compared: the list of all parts, or the offers of every customer.
    """

    job: str
    parts: int
    customers: int
    cpu_seconds: float
    peak_bytes: int
    seconds: float
    sha256: str


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def made_project(work: Path, customers: int, months: int) -> Path:
    """Simulate, import and train a bank where the work folder has none."""
    bank = work / "bank"
    if not (bank / "data" / "artifacts").is_dir():
        work.mkdir(parents=True, exist_ok=True)
        size = ["--customers", str(customers), "--months", str(months), "--seed", "17"]
        command(work, "simulate", *size, "--out", "practice")
        command(work, "new", "bank")
        files = sorted(
            str(path) for path in (work / "practice" / "raw").resolve().iterdir() if path.is_file()
        )
        command(bank, "import", "--mapping", str((work / "practice" / "mapping.toml").resolve()), *files)
        command(bank, "train", "--recipe", "quick")
    return bank


def command(folder: Path, *arguments: str) -> None:
    say("vipreco " + " ".join(arguments[:4]))
    done = subprocess.run([sys.executable, "-m", "vipreco.cli", *arguments], cwd=folder, check=False)
    if done.returncode not in {0, 4}:
        raise SystemExit(done.returncode)


def measured(project_folder: str, job: str, parts: int, memory: int | None) -> Run:
    """Run a job in this process's own workers, one task at a time."""
    from vipreco.cli.progress import Narrator
    from vipreco.cli.project_inputs import model_in_force
    from vipreco.engines import LocalEngine
    from vipreco.history import History
    from vipreco.lists import OFFER_JOB, Audience, OfferRequest, view_at
    from vipreco.online import BUILD_JOB, PartRequest
    from vipreco.parts import Limits, lay_out
    from vipreco.project import Project

    os.chdir(project_folder)
    project = Project.find()
    storage = project.root / "data" / "scale-parts"
    tables = lay_out(project.tables, str(storage), parts, Limits(1, memory))
    history = History.open(project.tables, 1)
    customers, view = history.customers, view_at(history)
    _, model = model_in_force(project, None, Narrator(None, ""), history)
    if job == OFFERS:
        name, wishes = OFFER_JOB, {"channel": "branch", "top": 3, "reason_weights": {}}
        spec = asdict(OfferRequest.of(tables, model, view, Audience(), **wishes))
    else:
        name, vip = BUILD_JOB, list(project.settings.tiers.vip)
        spec = asdict(PartRequest(tables.record(), asdict(model), view.date.isoformat(), vip, 0, {}))
    del history, view
    begun = time.perf_counter()
    with TemporaryDirectory(prefix="bench-scale-", dir=storage.parent) as folder:
        results = LocalEngine(folder, 1, 1, memory).run(name, spec, parts)
        seconds = time.perf_counter() - begun
        digest = (offers_hash if job == OFFERS else release_hash)(results, Path(folder))
    return Run(
        job,
        parts,
        customers,
        sum(one.cpu_seconds for one in results.receipts),
        max(one.peak_bytes for one in results.receipts),
        seconds,
        digest,
    )


def offers_hash(results, scratch: Path) -> str:
    """Return a hash of the rows of all parts in one order."""
    import polars as pl

    folders = [results.fetch(one.part, scratch) for one in results.receipts if one.rows]
    rows = pl.concat(pl.read_ipc(folder / "offers.arrow") for folder in folders)
    return hashlib.sha256(rows.sort("customer_id", "rank").write_csv().encode()).hexdigest()


def release_hash(results, scratch: Path) -> str:
    """Return a hash of the arrays of all parts, customer by customer."""
    import numpy as np

    folders = [results.fetch(one.part, scratch) for one in results.receipts if one.rows]
    ids = np.concatenate([np.load(folder / "customers.npy") for folder in folders])
    order, digest = np.argsort(ids), hashlib.sha256()
    for path in sorted(folders[0].glob("*.npy")):
        if not path.stem.startswith("plain"):
            values = np.concatenate([np.load(folder / path.name) for folder in folders])
            digest.update(path.stem.encode() + np.ascontiguousarray(values[order]).tobytes())
    return digest.hexdigest()


def table(runs: list[Run]) -> str:
    """Return the rows of the table as Markdown."""
    lines = [
        "| job | parts | customers | equal | CPU, s | / one part | ms a customer | peak of a task, MiB | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        one = next(other for other in runs if other.job == run.job)
        ratio = run.cpu_seconds / one.cpu_seconds
        reached = "" if ratio <= MAX_RATIO else " (more than 1.1)"
        lines.append(
            f"| {run.job} | {run.parts} | {run.customers:,} | {'yes' if run.sha256 == one.sha256 else 'NO'} "
            f"| {run.cpu_seconds:.1f} | {ratio:.2f}{reached} | {1_000 * run.cpu_seconds / run.customers:.2f} "
            f"| {run.peak_bytes / MIB:,.0f} | {run.seconds:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("data/scale"))
    parser.add_argument("--project", type=Path, help="a project with a champion, instead of a simulated bank")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--parts", type=int, nargs="+", default=[1, 2, 7])
    parser.add_argument("--memory", type=float, help="GiB of a task; default: the machine's")
    given = parser.parse_args()
    project = given.project or made_project(given.work, given.customers, given.months)
    memory = None if given.memory is None else int(given.memory * GIB)
    runs = []
    for job in (OFFERS, BUILD):
        for parts in given.parts:
            say(f"{job} in {parts}")
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, context) as pool:
                runs.append(pool.submit(measured, str(project.resolve()), job, parts, memory).result())
    work = given.work if given.project is None else given.project / "data"
    (work / "scale.json").write_text(json.dumps([asdict(run) for run in runs], indent=1))
    print(table(runs))


if __name__ == "__main__":
    main()
