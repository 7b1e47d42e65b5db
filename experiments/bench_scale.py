"""Measure a bank in parts: equal bytes, processor time beside one part, peak of a task, the cap on rows.

    python experiments/bench_scale.py                  # all rows; hours, most of them for 305,000 customers
    python experiments/bench_scale.py --only parts     # 20,000 customers: 1, 2, 7, 64 parts give equal bytes
    python experiments/bench_scale.py --only cost      # 305,000 customers: processor time and peak of a task
    python experiments/bench_scale.py --only cap       # what a cap on the rows of acquirers costs in quality
    python experiments/bench_scale.py --only fit       # 2,000,000 capped rows: time and memory of a fit
    python experiments/bench_scale.py --only campaign  # 10,000,000 customers x 24 options: gap and memory
    python experiments/bench_scale.py --only whole     # 10,000,000 customers: offers and prepare, end to end
    python experiments/bench_scale.py --only parts --project DIR --parts 1 4   # a project with a champion

A bank is simulated, imported and trained (recipe `quick`) in data/scale where there is none. Each run has a
process of its own. `--customers` and `--months` make another bank, `--memory` gives the GiB that a task may
take, `--scale` a share of the rows of `fit`, `campaign` and `whole`. A `whole` that was stopped goes on where
it was when it is begun again. Tables go to standard output, all numbers to `scale-ROW.json` in the work
folder. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import scale_whole

MIB, GIB = 2**20, 2**30
OFFERS, BUILD, CAMPAIGN, TRAINING = "offers", "nightly build", "campaign plan", "training"
MAX_RATIO, MAX_PEAK = 1.1, 2 * GIB
SHARES = (0.5, 0.25, 0.1)
"""Shares of the acquirers that a cap leaves."""
FIT_ROWS, FIT_MINUTES, FIT_PEAK = 2_000_000, 30, 12 * GIB
CAMPAIGN_SCALE, CAMPAIGN_GAP, CAMPAIGN_PEAK = 10.0, 1e-3, 8 * GIB
RESAMPLES = 1_000
WHOLE_CUSTOMERS, WHOLE_PART, WHOLE_MEMORY = 10_000_000, 50_000, 8.0
BANKS = {
    "whole": (20_000, 12, [1]),
    "parts": (20_000, 12, [1, 2, 7, 64]),
    "cost": (305_000, 24, [1, 6]),
    "cap": (20_000, 12, [1]),
}
"""Customers, months and numbers of parts of each row that needs a bank."""
ROWS = ("parts", "cap", "fit", "campaign", "cost", "whole")


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
    from vipreco.history import History
    from vipreco.parts import Limits, lay_out
    from vipreco.project import Project

    os.chdir(project_folder)
    project = Project.find()
    storage = project.root / "data" / "scale-parts"
    tables = lay_out(project.tables, str(storage), parts, Limits(1, memory))
    history = History.open(project.tables, 1)
    customers = history.customers
    work = {OFFERS: offers, BUILD: nightly_build, CAMPAIGN: campaign_plan, TRAINING: training}[job]
    with TemporaryDirectory(prefix="bench-scale-", dir=project.root / "data") as folder:
        begun = time.perf_counter()
        cpu, peak, digest = work(project, history, tables, (folder, memory))
        seconds = time.perf_counter() - begun
    return Run(job, parts, customers, cpu, peak, seconds, digest)


def offers(project, history, tables, place) -> tuple[float, int, str]:
    """Return processor time and peak of the tasks, and a hash of the list of all parts."""
    from vipreco.cli.progress import Narrator
    from vipreco.cli.project_inputs import model_in_force
    from vipreco.lists import OFFER_JOB, Audience, OfferRequest, view_at

    _, model = model_in_force(project, None, Narrator(None, ""), history)
    wishes = {"channel": "branch", "top": 3, "reason_weights": {}}
    request = OfferRequest.of(tables, model, view_at(history), Audience(), **wishes)
    return of_tasks(OFFER_JOB, asdict(request), tables, place, offers_hash)


def nightly_build(project, history, tables, place) -> tuple[float, int, str]:
    """Return processor time and peak of the tasks, and a hash of the offers of every customer."""
    from vipreco.cli.progress import Narrator
    from vipreco.cli.project_inputs import model_in_force
    from vipreco.lists import view_at
    from vipreco.online import BUILD_JOB, PartRequest

    _, model = model_in_force(project, None, Narrator(None, ""), history)
    day, vip = view_at(history).date.isoformat(), list(project.settings.tiers.vip)
    request = PartRequest(tables.record(), asdict(model), day, vip, 0, {})
    return of_tasks(BUILD_JOB, asdict(request), tables, place, release_hash)


def of_tasks(job, spec, tables, place, digest_of) -> tuple[float, int, str]:
    from vipreco.engines import LocalEngine

    folder, memory = place
    results = LocalEngine(folder, 1, 1, memory).run(job, spec, tables.number)
    cpu = sum(one.cpu_seconds for one in results.receipts)
    return cpu, max(one.peak_bytes for one in results.receipts), digest_of(results, Path(folder))


def campaign_plan(project, history, tables, place) -> tuple[float, int, str]:
    """Return processor time and peak of this process, and a hash of the plan of the example campaign."""
    from vipreco.campaign import (
        Bank,
        BankParts,
        RunOptions,
        StoreChanges,
        example,
        parse_campaign,
        plan,
    )
    from vipreco.cli.progress import Narrator
    from vipreco.cli.project_inputs import model_in_force
    from vipreco.durable import canonical_json
    from vipreco.engines import LocalEngine
    from vipreco.folds import salt_of
    from vipreco.lists import view_at
    from vipreco.recommender import CHAMPION_SIDE

    folder, memory = place
    recommender, model = model_in_force(project, None, Narrator(None, ""), history)
    view, engine = view_at(history), LocalEngine(folder, 1, 1, memory)
    parts = BankParts(engine, tables, view.date, {CHAMPION_SIDE: model})
    asked = parse_campaign(example(view, project.settings.tiers.vip).encode(), "example")
    bank = Bank(recommender, model.artifact_hash, view, salt_of("", 1), 1, parts=parts)
    found = plan(bank, asked, StoreChanges(), RunOptions("example", "bench", threads=1))
    return cpu_seconds(), peak_bytes(), hashlib.sha256(canonical_json(found.record())).hexdigest()


def training(project, history, tables, place) -> tuple[float, int, str]:
    """Return processor time and peak of this process, and the hash of the artifact."""
    from vipreco.artifact import verify
    from vipreco.engines import LocalEngine
    from vipreco.propensity import Machine
    from vipreco.recommender import Panel, PanelParts, Recommender, TrainingData

    folder, memory = place
    features, recipe, days = lesson(project, history)
    panel = Panel(history, days, parts=PanelParts(LocalEngine(folder, 1, 1, memory), tables))
    fitted = Recommender.fit(TrainingData(panel), features, recipe.recommender, Machine(project.seed, 1))
    fitted.save(Path(folder) / "artifact", {}, history.as_of(history.snapshot_dates[-1]))
    return cpu_seconds(), peak_bytes(), verify(Path(folder) / "artifact").artifact_hash


def lesson(project, history):
    """Return features, recipe `quick` and the dates that it learns from."""
    from training.recipe import read_recipe, training_dates
    from vipreco.features import FeatureSet

    recipe = read_recipe(HERE.parent / "training" / "recipes" / "quick.toml")
    features = FeatureSet.read(project.features, project.settings.tiers)
    return features, recipe, tuple(training_dates(recipe, history.snapshot_dates, {}))


def capped(project_folder: str, share: float) -> dict[str, object]:
    """Return what a cap on acquirers costs: MAP with the cap less MAP without, on months that neither saw."""
    from dataclasses import replace
    from datetime import date

    from vipreco.backtest import BacktestPlan, Champion, backtest, rolling_folds, rolling_trials
    from vipreco.history import History
    from vipreco.project import Project
    from vipreco.propensity import Machine
    from vipreco.recommender import (
        Panel,
        Recommender,
        RecommenderSettings,
        TrainingData,
    )

    os.chdir(project_folder)
    project = Project.find()
    history = History.open(project.tables, 1)
    features, recipe, days = lesson(project, history)
    alone = {"relationship_horizon_months": 0, "contact_effect": {"folds": 0}}
    settings = RecommenderSettings.model_validate({**recipe.recommender.model_dump(), **alone})
    machine, panel = Machine(project.seed, 1), Panel(history, days)
    whole = Recommender.fit(TrainingData(panel), features, settings, machine)
    acquirers = int(whole.model.acquisitions.sum())
    cap = max(int(share * acquirers), 1_000)
    learnt = settings.propensity.model_copy(update={"max_acquirer_rows": cap})
    challenger = settings.model_copy(update={"propensity": learnt})
    folds = rolling_folds(history.snapshot_dates, settings.horizon_months, settings.gap_months, len(days), 3)
    plan = BacktestPlan(3, RESAMPLES, machine, 0.025)
    uncapped = Champion(whole, settings, date.max)
    found = backtest(rolling_trials(replace(panel), folds), features, challenger, plan, champion=uncapped)
    against = found.against_champion
    return {
        "share": share,
        "cap": cap,
        "acquisitions": acquirers,
        "map": found.value("map@3"),
        "map_difference": asdict(against.map),
        "log_loss_saved": asdict(against.log_loss),
    }


def fitted_rows(project_folder: str, rows: int) -> dict[str, object]:
    """Fit the acquisition model on rows of a bank, repeated with noise until there are enough."""
    import numpy as np

    from vipreco.history import History
    from vipreco.project import Project
    from vipreco.propensity import AcquisitionModel, FitContext, LabelledRows, Machine
    from vipreco.recommender import Gatherer, NewestColumns, Panel, kept_columns

    os.chdir(project_folder)
    project = Project.find()
    history = History.open(project.tables, 2)
    features, recipe, days = lesson(project, history)
    panel, settings = Panel(history, days), recipe.recommender
    newest = NewestColumns.of(panel, features)
    vocabulary = features.vocabulary_of(newest.columns)
    names = vocabulary.columns(newest.product_ids)
    kept = kept_columns(names, settings.leave_out)
    own = Gatherer(features, vocabulary, newest.product_ids, kept, settings, project.seed).rows(panel)
    drawn = np.sort(np.random.default_rng(1).choice(np.flatnonzero(own.acquirers), rows))
    values = own.values[drawn]
    values *= np.random.default_rng(2).uniform(0.99, 1.01, (rows, 1)).astype(np.float32)
    many = LabelledRows(
        np.array([f"{place:09d}" for place in range(rows)], object),
        values,
        own.acquired[drawn],
        own.listable[drawn],
        own.as_of[drawn],
        np.ones(rows, np.float32),
    )
    context = FitContext(
        tuple(names[column] for column in kept), settings.propensity, Machine(project.seed, 2)
    )
    del own
    begun, cpu = time.perf_counter(), cpu_seconds()
    AcquisitionModel.fit(many, context)
    seconds = time.perf_counter() - begun
    return {
        "rows": rows,
        "columns": len(kept),
        "seconds": seconds,
        "cpu_seconds": cpu_seconds() - cpu,
        "peak_bytes": peak_bytes(),
    }


def allocated(scale: float) -> dict[str, object]:
    """Allocate synthetic customers among 24 options; `bench_campaign.py --only huge` with more of them."""
    from bench_campaign import huge

    return {**huge(Path(), scale), "peak_bytes": peak_bytes()}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def offers_hash(results, scratch: Path) -> str:
    """Return a hash of the rows of all parts in one order."""
    from vipreco.lists import OrderedParts

    folders = [results.fetch(one.part, scratch) for one in results.receipts if one.rows]
    digest = hashlib.sha256()
    for rows in OrderedParts(folders).frames():
        digest.update(rows.write_csv(include_header=False).encode())
    return digest.hexdigest()


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
    """Return the runs of jobs over parts as Markdown."""
    lines = [
        "| job | parts | customers | equal | CPU, s | / one part | ms a customer | peak of a task, MiB | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        one = next(other for other in runs if other.job == run.job)
        ratio = run.cpu_seconds / one.cpu_seconds
        reached = "" if ratio <= MAX_RATIO else " (more than 1.1)"
        over = "" if run.peak_bytes <= MAX_PEAK or run.parts == 1 else " (more than 2 GiB)"
        lines.append(
            f"| {run.job} | {run.parts} | {run.customers:,} | {'yes' if run.sha256 == one.sha256 else 'NO'} "
            f"| {run.cpu_seconds:.1f} | {ratio:.2f}{reached} | {1_000 * run.cpu_seconds / run.customers:.2f} "
            f"| {run.peak_bytes / MIB:,.0f}{over} | {run.seconds:.0f} |"
        )
    return "\n".join(lines)


def alone(function: Callable[..., object], *arguments: object):
    """Run a function in a process of its own, so that its peak is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def run_row(row: str, given: argparse.Namespace, work: Path) -> None:
    """Measure a row, print it and keep its numbers."""
    found: object
    if row == "campaign":
        found = alone(allocated, CAMPAIGN_SCALE * given.scale)
        print(campaign_line(found))
    elif row == "fit":
        found = alone(fitted_rows, str(bank_of("cap", given, work)), int(FIT_ROWS * given.scale))
        print(fit_line(found))
    elif row == "cap":
        project = str(bank_of(row, given, work))
        found = [alone(capped, project, share) for share in SHARES]
        print("\n".join(map(cap_line, found)))
    elif row == "whole":
        nights = whole_nights(bank_of(row, given, work), given)
        found = [asdict(night) for night in nights]
        print(scale_whole.table(nights))
    else:
        runs = part_runs(row, given, bank_of(row, given, work))
        found = [asdict(run) for run in runs]
        print(table(runs))
    work.mkdir(parents=True, exist_ok=True)
    (work / f"scale-{row}.json").write_text(json.dumps(found, indent=1))


def part_runs(row: str, given: argparse.Namespace, project: Path) -> list[Run]:
    """Run the jobs of a row over each number of parts."""
    jobs = (OFFERS, BUILD) if row == "cost" else (OFFERS, BUILD, CAMPAIGN, TRAINING)
    memory = None if given.memory is None else int(given.memory * GIB)
    runs = []
    for job in jobs:
        for parts in given.parts or BANKS[row][2]:
            say(f"{job} in {parts}")
            runs.append(alone(measured, str(project), job, parts, memory))
    return runs


def whole_nights(small: Path, given: argparse.Namespace) -> list[scale_whole.Night]:
    """Run offers and the nightly build over copies of a small bank."""
    from vipreco.history import History

    own = History.open(small / "data" / "tables", 2).customers
    copies = max(round(WHOLE_CUSTOMERS * given.scale / own), 1)
    customers = copies * own
    say(f"{customers:,} customers: {copies} copies of {own:,}")
    large = scale_whole.copied_bank(small, small.parent / f"bank-{customers}", copies)
    memory = given.memory or WHOLE_MEMORY
    parts = (given.parts or [max(round(customers / WHOLE_PART), 1)])[0]
    engine = {"parts": parts, "workers": given.workers, "memory": memory}
    return list(scale_whole.run_nights(large, customers, engine))


def campaign_line(found: dict[str, float]) -> str:
    met = found["gap"] <= CAMPAIGN_GAP and found["peak_bytes"] <= CAMPAIGN_PEAK
    size = f"{found['customers']:,} x {found['options']}"
    measured_ = f"gap {found['gap']:.2e}, {found['seconds']:.0f} s, peak {found['peak_bytes'] / GIB:.1f} GiB"
    return f"campaign: {size}: {measured_}; {'met' if met else 'MISSED'}"


def fit_line(found: dict[str, float]) -> str:
    met = found["seconds"] <= 60 * FIT_MINUTES and found["peak_bytes"] <= FIT_PEAK
    time_ = f"{found['seconds'] / 60:.1f} minutes ({found['cpu_seconds'] / 60:.1f} of processor time)"
    peak = f"peak {found['peak_bytes'] / GIB:.1f} GiB"
    return f"fit: {found['rows']:,} rows x {found['columns']}: {time_}, {peak}; {'met' if met else 'MISSED'}"


def cap_line(found: dict[str, object]) -> str:
    lead = found["map_difference"]
    size = f"{found['cap']:,} of {found['acquisitions']:,} acquisitions"
    interval = f"{lead['value']:+.4f} [{lead['low']:+.4f}, {lead['high']:+.4f}]"
    return f"cap: {size}: MAP@3 {found['map']:.4f}, with the cap {interval}"


def bank_of(row: str, given: argparse.Namespace, work: Path) -> Path:
    """Return the project that a row works with."""
    if given.project:
        return given.project.resolve()
    customers, months = given.customers or BANKS[row][0], given.months or BANKS[row][1]
    return made_project(work / f"{customers}x{months}", customers, months).resolve()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=ROWS, action="append", help="one row alone; may be repeated")
    parser.add_argument("--work", type=Path, default=Path("data/scale"))
    parser.add_argument("--project", type=Path, help="a project with a champion, instead of a simulated bank")
    parser.add_argument("--customers", type=int)
    parser.add_argument("--months", type=int)
    parser.add_argument("--parts", type=int, nargs="+")
    parser.add_argument("--workers", type=int, default=1, help="tasks of `whole` at once")
    parser.add_argument("--memory", type=float, help="GiB of a task; default: the machine's")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows of fit and campaign")
    given = parser.parse_args()
    for row in given.only or ROWS:
        run_row(row, given, given.work)


if __name__ == "__main__":
    main()
