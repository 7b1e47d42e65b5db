"""Measure campaigns: how close to the best possible an allocation is, how fast, and how fast a whole run is.

    python experiments/bench_campaign.py                     # all parts, full size
    python experiments/bench_campaign.py --only run          # one of: small, large, huge, sticky, run
    python experiments/bench_campaign.py --scale 0.01        # a trial with a hundredth of the customers

Each part runs in a process of its own, which tells its own peak memory. `run` (L8) simulates a bank of
110,000 customers and learns by the recipe `default` from a small one of the same kind (the shape of the model
decides the time, not what it was learnt from); both stay in the work folder for the next time. The table goes
to standard output, progress to standard error, all numbers to `campaign.json` in the work folder. Nothing
fails when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from bench_simulator import Line, show
from simulator_steps import peak_bytes

from vipreco.arbitration import NOBODY, Limit, Problem, allocate, exact
from vipreco.history import History
from vipreco.project import Project

PROJECT = Project.find(HERE)
PARTS = ("small", "large", "huge", "sticky", "run")
GIB = 2**30
SEED, THREADS = 20260101, 2
MONTHS, CUSTOMERS, LEARNT, PRODUCTS = 8, 110_000, 2_200, 20
Facts = dict[str, Any]
Found = Mapping[str, dict[str, Any]]


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


@contextmanager
def timing(facts: Facts, name: str) -> Iterator[None]:
    """Count wall and processor seconds."""
    begin, spent = time.perf_counter(), time.process_time()
    yield
    facts[f"{name}_seconds"] = facts.get(f"{name}_seconds", 0.0) + time.perf_counter() - begin
    facts[f"{name}_processor_seconds"] = time.process_time() - spent


def drawn(seed: int, customers: int, options: int, managers: int) -> Problem:
    """Draw a campaign: three channels, minutes of managers, stock; three of ten pairs are forbidden."""
    generator = np.random.default_rng(seed)
    values = generator.lognormal(0, 1, (customers, 1)) * generator.lognormal(0, 0.7, (customers, options))
    values[generator.random(values.shape) < 0.3] = np.nan
    channel, item = np.arange(options) % 3, np.arange(options) // 3
    groups = generator.integers(0, managers, customers)
    minutes = generator.uniform(0.5, 2, managers) * customers / managers * 0.1 * 15
    limits = [
        Limit.of("calls", channel == 0, round(customers * 0.1)),
        Limit.of("messages", channel == 1, round(customers * 0.2)),
        Limit.of("talks", channel == 2, round(customers * 0.2)),
        Limit.of("minutes", np.where(channel == 0, 15, 0), minutes, group=groups),
    ]
    limits += [
        Limit.of(f"stock {one}", item == one, round(customers * 0.03)) for one in range(0, item[-1], 2)
    ]
    return Problem(values.astype(np.float32), tuple(limits))


def small(_: Path, scale: float) -> Facts:
    """Compare with HiGHS on small campaigns, and with every possible choice on tiny ones."""
    del scale
    largest_loss, off_bound = 0.0, 0.0
    for seed in range(20):
        one = drawn(seed, 60, 6, 3)
        best, found = exact(one), allocate(one)
        largest_loss = max(largest_loss, (best.value - found.value) / best.value)
        off_bound = max(off_bound, (best.value - found.bound) / best.value)
    return {"highs": 20, "largest_loss_rate": largest_loss, "above_bound_rate": off_bound, **_brute()}


def _brute() -> Facts:
    generator, cases, equal = np.random.default_rng(SEED), 200, 0
    for _ in range(cases):
        values = generator.integers(-2, 7, (4, 2)).astype(np.float32)
        seats = Limit.of("seats", np.ones(2), int(generator.integers(0, 5)))
        stock = Limit.of("stock", np.array([0, 1]), int(generator.integers(0, 4)))
        tiny = Problem(values, (seats, stock))
        choices = (np.array(choice, np.int32) for choice in product((NOBODY, 0, 1), repeat=4))
        best = max(tiny.total_value(choice) for choice in choices if tiny.excess(choice) <= 0)
        equal += allocate(tiny).value == best
    return {"brute": cases, "brute_equal": equal}


def large(_: Path, scale: float) -> Facts:
    """Allocate 100,000 customers among 20 options, three times; beside greedy and best-then-cut."""
    problem = drawn(SEED, int(100_000 * scale), 20, 100)
    facts: Facts = {}
    runs = [_allocated(problem) for _ in range(3)]
    facts = sorted(runs, key=lambda run: float(run["seconds"]))[1]
    return {
        **facts,
        "greedy_rate": problem.total_value(_greedy(problem)) / facts["bound"],
        "cut_rate": problem.total_value(_cut(problem)) / facts["bound"],
    }


def huge(_: Path, scale: float) -> Facts:
    """Allocate a million customers among 24 options, with 2,000 managers."""
    return _allocated(drawn(SEED, int(1_000_000 * scale), 24, max(int(2_000 * scale), 2)))


def _allocated(problem: Problem) -> Facts:
    timed: Facts = {}
    with timing(timed, "run"):
        found = allocate(problem, THREADS)
    return {
        "seconds": timed["run_seconds"],
        "processor_seconds": timed["run_processor_seconds"],
        "gap": found.gap,
        "bound": found.bound,
        "value": found.value,
        "overused": problem.excess(found.choice),
        "customers": len(problem.values),
        "options": problem.values.shape[1],
    }


def _greedy(problem: Problem) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Give the most valuable pair first, as long as there is room."""
    rows, options = np.nonzero(np.where(problem.allowed, problem.values, 0) > 0)
    order = np.argsort(-problem.values[rows, options], kind="stable")
    choice = np.full(len(problem.values), NOBODY, np.int32)
    left = [limit.capacity.copy() for limit in problem.limits]
    uses = [limit.use.tolist() for limit in problem.limits]
    groups = [None if limit.group is None else limit.group.tolist() for limit in problem.limits]
    for row, option in zip(rows[order].tolist(), options[order].tolist(), strict=True):
        if choice[row] != NOBODY:
            continue
        places = [0 if group is None else group[row] for group in groups]
        if all(use[option] <= free[place] for use, free, place in zip(uses, left, places, strict=True)):
            choice[row] = option
            for use, free, place in zip(uses, left, places, strict=True):
                free[place] -= use[option]
    return choice


def _cut(problem: Problem) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Give everybody their best offer, then cut each limit to the most valuable."""
    values = np.where(problem.allowed, problem.values, -np.inf)
    choice = values.argmax(axis=1).astype(np.int32)
    worth = values[np.arange(len(values)), choice]
    choice[~(worth > 0)] = NOBODY
    for limit in problem.limits:
        rows = np.flatnonzero((choice != NOBODY) & (limit.use[choice] > 0))
        groups = limit.groups(rows)
        order = np.lexsort((-worth[rows], groups))
        used = limit.use[choice[rows[order]]].astype(np.float64)
        first = np.flatnonzero(np.diff(groups[order], prepend=-1))
        upto = np.cumsum(used)
        before = np.repeat(upto[first] - used[first], np.diff(first, append=len(order)))
        choice[rows[order[upto - before > limit.capacity[groups[order]]]]] = NOBODY
    return choice


def sticky(_: Path, scale: float) -> Facts:
    """Draw the control group of a campaign a month for two years, while customers come and go."""
    from vipreco.campaign import in_control
    from vipreco.folds import salt_of

    generator, salt = np.random.default_rng(SEED), salt_of("", SEED)
    count = int(100_000 * scale)
    ids = pl.Series([f"{number:010d}" for number in range(count)])
    known, changed = np.full(count, -1), 0
    for _ in range(24):
        here = np.flatnonzero(generator.random(count) < 0.8)
        control = in_control(ids.gather(here), salt, 0.1).astype(int)
        changed += int(((known[here] >= 0) & (known[here] != control)).sum())
        known[here] = control
    return {"customers": int((known >= 0).sum()), "months": 24, "changed": changed}


def run(work: Path, scale: float) -> Facts:
    """Run a campaign of 20 products in three channels on a simulated bank; predict the same rows beside."""
    from vipreco.campaign import (
        CampaignFolder,
        RunOptions,
        parse_campaign,
        run as run_campaign,
    )
    from vipreco.store import Store

    folder, learnt = work / f"bank-{int(CUSTOMERS * scale)}", work / "learnt"
    if not (learnt / "model" / "manifest.json").exists():
        learn(make_bank(learnt, LEARNT, SEED + 1), learnt / "model")
    if not (folder / "tables" / "manifest.json").exists():
        make_bank(folder, int(CUSTOMERS * scale), SEED)
    (folder / "store.db").unlink(missing_ok=True)
    shutil.rmtree(folder / "campaigns", ignore_errors=True)
    values, models = rows_of(opened(folder, learnt / "model"))
    facts: Facts = {"predict_seconds": [predicted(values, models)]}
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store, timing(facts, "run"):
        steps = Steps(facts)
        bank = opened(folder, learnt / "model")
        campaign = parse_campaign(campaign_file(bank.view, scale).encode(), "bench")
        order = RunOptions("bench", "bench", threads=THREADS, say=steps)
        result = run_campaign(bank, campaign, store, CampaignFolder(folder / "campaigns"), order)
        steps("end")
    manifest = result.manifest
    facts |= {name: manifest[name] for name in ("customers", "arms", "gap_rate", "value_amount")}
    facts["predict_seconds"].append(predicted(values, models))
    facts["predicted_rows"] = len(values)
    return facts


class Steps:
    """Counts the seconds of each step that is told."""

    def __init__(self, facts: Facts) -> None:
        self.steps: dict[str, float] = facts.setdefault("steps", {})
        self.name, self.begin = "open", time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        self.steps[self.name] = self.steps.get(self.name, 0.0) + now - self.begin
        self.name, self.begin = name, now


def make_bank(folder: Path, customers: int, seed: int) -> History:
    """Simulate and import a bank."""
    from vipreco.simulator import forward

    shutil.rmtree(folder, ignore_errors=True)
    say(f"simulating and importing {customers:,} customers over {MONTHS} months")
    spec = forward.ForwardSpec(customers, MONTHS, 1, seed, THREADS)
    return forward.warm_start(spec, PROJECT.settings, folder).history


def learn(history: History, target: Path) -> None:
    """Learn from all labelled months of a bank by the recipe `default`."""
    from vipreco.features import FeatureSet
    from vipreco.history import window
    from vipreco.policy import Policy
    from vipreco.propensity import Machine
    from vipreco.recommender import Panel, Recommender, TrainingData

    say("learning")
    rim = PROJECT.import_rim("training.recipe")
    recipe = rim.read_recipe(rim.find_recipe(PROJECT.root / "training" / "recipes", "default"))
    settings, last = recipe.recommender, history.snapshot_dates[-1]
    days = [day for day in history.snapshot_dates if window(day, settings.horizon_months)[1] <= last]
    features = FeatureSet.read(PROJECT.features, PROJECT.settings.tiers)
    training_data = TrainingData(Panel(history, tuple(days[-recipe.data.newest :])))
    policy = Policy.read(settings.policy, PROJECT.root)
    recommender = Recommender.fit(training_data, features, settings, Machine(SEED, THREADS), policy=policy)
    recommender.save(target, {}, history.as_of(last))


def opened(folder: Path, model: Path) -> Any:
    from vipreco.artifact import verify
    from vipreco.campaign import Bank
    from vipreco.folds import salt_of
    from vipreco.recommender import Recommender

    history = History.open(folder / "tables", THREADS)
    view = history.as_of(history.snapshot_dates[-1])
    recommender = Recommender.load(model, THREADS)
    return Bank(recommender, verify(model).artifact_hash, view, salt_of("", SEED), SEED)


def campaign_file(view: Any, scale: float) -> str:
    """Return a campaign of 20 products in three channels with limits of every kind."""
    from datetime import timedelta

    from vipreco.catalog import Catalog

    catalog = Catalog.from_view(view)
    start = view.date + timedelta(days=5)
    products = [one for one, on in zip(catalog.product_ids, catalog.offered_at(start), strict=True) if on]
    chosen = products[:PRODUCTS]
    stock = {name: max(int(2_000 * scale), 1) for name in chosen[::3]}
    return f"""
key = "bench"
start_date = {start}
end_date = {start + timedelta(days=25)}
products = {json.dumps(chosen)}
control_share = 0.1
exploration_share = 0.02
budget_amount = {30_000.0 * scale}
formats = ["parquet", "csv", "xlsx"]
[channels.call]
capacity = {max(int(20_000 * scale), 1)}
unit_cost_amount = 1.0
minutes = 10
[channels.sms]
capacity = {max(int(30_000 * scale), 1)}
unit_cost_amount = 0.05
reach_rate = 0.5
[channels.app]
capacity = {max(int(40_000 * scale), 1)}
unit_cost_amount = 0.01
reach_rate = 0.4
[managers]
minutes = 900
[stock]
{"".join(f"{name} = {count}" + chr(10) for name, count in stock.items())}
"""


def rows_of(bank: Any) -> tuple[np.ndarray[Any, np.dtype[np.float32]], list[Any]]:
    """Return what the boosters of acquisitions see of all customers, and these boosters."""

    recommender = bank.recommender
    known = recommender.context(bank.view)
    values = np.ascontiguousarray(recommender.columns_of(known.computed.matrix(0, len(known.computed))))
    model = recommender.model
    return values, [one.model for one in (*model.product.boosters, *([model.any] if model.any else []))]


def predicted(values: np.ndarray[Any, np.dtype[np.float32]], models: list[Any]) -> float:
    """Return the seconds of the boosters' own raw prediction."""
    begin = time.perf_counter()
    for model in models:
        model.predict(values, num_threads=THREADS)
    return time.perf_counter() - begin


STEPS: dict[str, Callable[[Path, float], Facts]] = {
    "small": small,
    "large": large,
    "huge": huge,
    "sticky": sticky,
    "run": run,
}


def lines(found: Found) -> list[Line]:
    """Return the table in the order of the targets."""
    tables = {
        "small": small_lines,
        "large": large_lines,
        "huge": huge_lines,
        "run": run_lines,
        "sticky": sticky_lines,
    }
    return [line for part, of in tables.items() if part in found for line in of(found[part])]


def small_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts = told["facts"]
    loss = facts["largest_loss_rate"]
    what = f"{facts['highs']} campaigns of 60 customers: largest loss against HiGHS"
    yield Line(what, "<= 1e-06", f"{loss:.1e}", loss <= 1e-6)
    brute, equal = facts["brute"], facts["brute_equal"]
    yield Line("tiny ones equal to brute force", f"= {brute}", str(equal), equal == brute)


def large_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts = told["facts"]
    size = f"{facts['customers']:,} x {facts['options']}"
    yield Line(f"{size}, capacities: gap", "<= 1e-04", f"{facts['gap']:.1e}", facts["gap"] <= 1e-4)
    seconds = facts["seconds"]
    yield Line("    time, median of 3", "<= 10 s", f"{seconds:.1f} s", seconds <= 10)
    yield Line("    of both processors", "", f"{facts['processor_seconds']:.1f} s")
    yield Line("    greedy by value, of the bound", "", f"{facts['greedy_rate']:.2%}")
    yield Line("    best offer, then cut, of the bound", "", f"{facts['cut_rate']:.2%}")
    yield _load(told)


def huge_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts, peak = told["facts"], told["peak_bytes"] / GIB
    size = f"{facts['customers']:,} x {facts['options']}"
    yield Line(
        f"{size}, managers, channels, stock: gap", "<= 1e-03", f"{facts['gap']:.1e}", facts["gap"] <= 1e-3
    )
    yield Line("    time", "<= 120 s", f"{facts['seconds']:.0f} s", facts["seconds"] <= 120)
    yield Line("    of both processors", "", f"{facts['processor_seconds']:.0f} s")
    yield Line("    peak memory", "<= 8 GiB", f"{peak:.2f} GiB", peak <= 8)
    yield _load(told)


def run_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts, peak = told["facts"], told["peak_bytes"] / GIB
    predict = sum(facts["predict_seconds"]) / len(facts["predict_seconds"])
    ratio = facts["run_seconds"] / predict
    what = f"L8 whole run, {facts['customers']:,} customers x {PRODUCTS} products / their raw prediction"
    yield Line(what, "<= 3", f"{ratio:.2f}", ratio <= 3)
    yield Line("    run", "", f"{facts['run_seconds']:.1f} s")
    yield Line("    of both processors", "", f"{facts['run_processor_seconds']:.1f} s")
    yield Line("    raw prediction, mean of before and after", "", f"{predict:.1f} s")
    for name, seconds in facts["steps"].items():
        yield Line(f"    {name}", "", f"{seconds:.1f} s")
    yield Line("    gap", "", f"{facts['gap_rate']:.1e}")
    yield Line("    peak memory", "", f"{peak:.2f} GiB")
    yield _load(told)


def sticky_lines(told: dict[str, Any]) -> Iterator[Line]:
    facts = told["facts"]
    what = f"customers of {facts['customers']:,} who changed arms in {facts['months']} months"
    yield Line(what, "= 0", str(facts["changed"]), facts["changed"] == 0)


def _load(told: dict[str, Any]) -> Line:
    return Line("    load of the machine before (others' work)", "", f"{told['load_before']:.1f}")


def run_step(name: str, work: Path, scale: float) -> dict[str, Any]:
    """Run one part in a fresh process; return what it told, and the load of the machine before."""
    say(name)
    load = os.getloadavg()[0]
    command = [
        sys.executable,
        str(Path(__file__)),
        "--step",
        name,
        "--work",
        str(work),
        "--scale",
        str(scale),
    ]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the step {name} ended with status {done.returncode}")
    return {**json.loads(done.stdout.splitlines()[-1]), "load_before": load, "scale": scale}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE.parent / "data/bench-campaign", metavar="DIR")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of customers")
    parser.add_argument("--step", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if arguments.step:
        facts = STEPS[arguments.step](work, arguments.scale)
        print(json.dumps({"facts": facts, "peak_bytes": peak_bytes()}))
        return
    parts = [arguments.only] if arguments.only else PARTS
    found = {name: run_step(name, work, arguments.scale) for name in parts}
    rows = lines(found)
    content = {**found, "table": [{**asdict(row), "met": row.verdict} for row in rows]}
    (work / "campaign.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    show(rows, "Campaigns")


if __name__ == "__main__":
    main()
