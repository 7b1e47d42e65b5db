"""Twelve monthly cycles in simulated banks: retrain, gate, lists, outcomes, beside the first model frozen.

The world changes, as a bank's does (`DRIFT`): products are launched, rates move, other customers come to want
a product. Rates move as in Santander's public counts of additions: over twelve months those of 14 products
(100 a month and more) changed by a standard deviation of .76 of their logarithm, .22 a month; a fifteenth,
the short-term deposit, ended. `--quiet` leaves all that out: then a retraining has only more data to offer.

Each bank has a past of fourteen months, so that its first model has seen every season once: with eight, the
sums of challengers were up to 1.36 times too high in spring and summer, and most were held back. Its first
champion is trained on that past by `vipreco train`. Then the bank lives on twice, with the same luck: once by
the call list of that first champion, frozen; once by the loop, in which the real `vipreco retrain` runs each
month on what the bank then knows (contacts and outcomes of its own lists among it), and the gates decide
whether its challenger takes over. Both have the same contacts a month.

Decided by: what the contacts add in expectation, by the truth before each month (value of acquisitions, and
the yearly margin on the assets that calls keep); loop less frozen, as the mean over banks with Student's
interval (a bank is one observation: customers of a bank share their models). Beside it stands what customers
in the books acquire in all, most of it without any call, so that luck hides the difference.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import t as student

from vipreco.cli.entry import main
from vipreco.history import View
from vipreco.project import Project
from vipreco.recommender import Recommender
from vipreco.simulator import ChooseContacts, DriftParameters, ForwardSpec, Parameters, forward
from vipreco.stats import LEVEL

FROZEN, LOOP = "frozen", "loop"
CAPACITY_RATE = 0.2  # contacts of a month, as a share of the VIP customers on the first eve
# About half are VIP customers: only they are called, so the others cost time alone, and few make a bank's
# result a matter of luck.
MEDIAN_ASSETS = 200_000.0
DRIFT = DriftParameters(
    rate_sigma=0.22,
    need_sigma=0.05,
    launches=(("W203", "2025-02"), ("I003", "2025-04"), ("F301", "2025-07")),
)
THREADS = "threads = 2 "
RECIPE, FIRST = "cycle", "first"
CHEAPER = {
    # a year is learnt from: all seasons, and little of a world that has gone
    "newest = 6": "newest = 12",
    "dates = 6": "dates = 6\ncalibration_folds = 2",
    "rolling_folds = 1": "relationship_folds = 1\nrolling_folds = 3",
    "rounds = 40\nlearning_rate = 0.15": "rounds = 25\nlearning_rate = 0.2\nnum_leaves = 7",
}
"""Changes of the recipe `quick`, so that a cycle takes about a minute of CPU."""
IN_FORCE = """
[[gate]]
metric = "auc"
min_value = 0.5
"""
PASSED = {0, 4}
NAMES = {
    "added_amount": "added by the contacts",
    "gained_amount": "of that, acquisitions",
    "expected_amount": "earned in all",
    "worth_amount": "earned + kept in all",
    "earned_amount": "earned in all, as drawn",
}
DECIDING = "added_amount"
Say = Callable[[str], None]


@dataclass(frozen=True)
class CyclePlan:
    """Sizes of the cycles."""

    seeds: tuple[int, ...] = (71, 72, 73)
    customers: int = 4_000
    past_months: int = 14
    months: int = 12
    drift: DriftParameters = DRIFT


@dataclass
class Loop:
    """Calls whom the list of the champion in force would call, and retrains before each month but the first.

    Args:
        project: Whose tables are those of the bank that lives by it.
        say: Takes sentences about the progress.
    """

    project: Project
    say: Say
    cycles: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, view: View, capacity: int) -> pl.DataFrame:
        """Return the contacts of the coming month."""
        if self.cycles:
            self._retrain(view)
        else:
            self.cycles.append({"date": str(view.date), "outcome": "first", "champion": True})
        return by_list_of(self.project)(view, capacity)

    def _retrain(self, view: View) -> None:
        begun = time.process_time()
        code = run(self.project, "retrain", "--recipe", RECIPE, "--promote", codes=PASSED)
        told = json.loads((self.project.root / "data" / "retrain" / "last.json").read_bytes())
        seconds = round(time.process_time() - begun, 1)
        why = refused_by(self.project.root / told["folder"])
        cycle = {"date": str(view.date), "exit_code": code, "seconds": seconds, "why": why}
        self.cycles.append({**cycle, "outcome": told["outcome"], "champion": told["champion"]})
        self.say(f"  {view.date}: {told['outcome']}, {seconds} s of CPU")


def refused_by(folder: Path) -> list[str]:
    """Return the bounds that a verdict found broken."""
    verdict = json.loads((folder / "verdict.json").read_bytes())
    return [bound["sentence"] for bound in verdict["bounds"] if not bound["passed"]]


def by_list_of(project: Project) -> ChooseContacts:
    """Return the policy that lives by the call list of a project's champion of this moment."""
    registry = project.import_rim("training.registry")
    champion = Recommender.load(registry.resolve(project).folder, project.threads)
    return forward.by_call_list(champion, project.settings.call_list)


def run(project: Project, *arguments: str, codes: set[int] | frozenset[int] = frozenset({0})) -> int:
    """Run a command of the project as its user does; its sentences go to standard error."""
    with contextlib.chdir(project.root), contextlib.redirect_stdout(sys.stderr):
        code = main(list(arguments))
    if code not in codes:
        raise SystemExit(f"vipreco {' '.join(arguments)} ended with {code}")
    return code


def lived(plan: CyclePlan, seed: int, work: Path, say: Say) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """Let one bank live on by the loop and by its first model; return its customers and the cycles."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    project = made_project(work)
    assets = replace(Parameters().assets, body_median=MEDIAN_ASSETS)
    parameters = replace(Parameters(), assets=assets, drift=plan.drift)
    spec = ForwardSpec(plan.customers, plan.past_months, plan.months, seed, project.threads, parameters)
    warm = forward.warm_start(spec, project.settings, work / "warm")
    shutil.copytree(warm.tables, project.tables)
    run(project, "train", "--recipe", FIRST, "--promote")
    frozen = by_list_of(project)
    shutil.rmtree(project.tables)
    loop = Loop(project, say)
    vip = forward.callable_vip_customers(warm.history.as_of(warm.history.snapshot_dates[-1]))
    capacity = int(CAPACITY_RATE * len(vip))
    say(f"seed {seed}: {len(vip)} VIP customers may be called, {capacity} contacts a month")
    # the tables of the loop's life are those of its project
    lives = forward.run(warm, {FROZEN: frozen}, capacity, work / "lives", say=say)
    own = forward.Life(warm, capacity, project.tables.parent)
    own.live(loop)
    both = pl.concat([lives, own.frame(LOOP)]).with_columns(pl.lit(seed).alias("seed"))
    shutil.rmtree(work)
    return both, loop.cycles


def made_project(work: Path) -> Project:
    """Make a project with a recipe that learns from the last year.

    The first model of a bank is in force whatever the gates say of it, with their warnings: a recipe of its
    own, of the same settings, has hardly any gate.
    """
    home = work / "bank"
    with contextlib.redirect_stdout(sys.stderr):
        if code := main(["new", str(home)]):
            raise SystemExit(f"vipreco new ended with {code}")
    settings = home / "vipreco.toml"
    told = settings.read_text(encoding="utf-8")
    assert told.count(THREADS) == 1
    settings.write_text(told.replace(THREADS, "threads = 1 "), encoding="utf-8")  # banks run side by side
    recipes = home / "training" / "recipes"
    quick = (recipes / "quick.toml").read_text(encoding="utf-8")
    for name, gates in ((RECIPE, ""), (FIRST, IN_FORCE)):
        text = quick.replace('name = "quick"', f'name = "{name}"')
        for before, after in CHEAPER.items():
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        (recipes / f"{name}.toml").write_text(text + gates, encoding="utf-8")
    return Project.find(home)


def in_books(lives: pl.DataFrame) -> pl.DataFrame:
    """Keep VIP customers of the first eve, and whoever either of the two called later."""
    called = pl.col("contacts").max().over("seed", "customer_id") > 0
    return lives.filter(pl.col("vip") | called)


def by_bank(lives: pl.DataFrame, asset_margin: float = forward.ASSET_MARGIN) -> pl.DataFrame:
    """Return the sums of each bank: earned (in expectation), and that with the margin on assets kept."""
    worth = pl.col("expected_amount") - asset_margin * pl.col("at_stake_amount")
    added = pl.col("gained_amount") + asset_margin * pl.col("kept_by_calls_amount")
    rows = in_books(lives).with_columns(worth_amount=worth, added_amount=added)
    return rows.group_by("seed", "arm").agg(pl.col(*NAMES, "contacts").sum()).sort("seed", "arm")


def differences(banks: pl.DataFrame) -> dict[str, dict[str, float]]:
    """Return loop less frozen of each measure: the mean over banks, Student's interval, banks that gain."""
    found: dict[str, dict[str, float]] = {}
    for measure in NAMES:
        wide = banks.pivot("arm", index="seed", values=measure)
        gained = (wide[LOOP] - wide[FROZEN]).to_numpy()
        found[measure] = {**interval(gained), "frozen": float(wide[FROZEN].to_numpy().mean())}
    return found


def interval(values: np.ndarray[Any, Any]) -> dict[str, float]:
    """Return the mean of some banks with Student's interval.

    >>> {name: round(value, 2) for name, value in interval(np.array([1.0, 2.0, 3.0])).items()}
    {'value': 2.0, 'low': -0.48, 'high': 4.48, 'banks': 3, 'better': 3}
    """
    count = len(values)
    reach = float("nan")
    if count > 1:
        reach = float(student.ppf((1 + LEVEL) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    mean = float(values.mean())
    better = int((values > 0).sum())
    return {"value": mean, "low": mean - reach, "high": mean + reach, "banks": count, "better": better}


def cycles(plan: CyclePlan, work: Path, say: Say) -> dict[str, Any]:
    """Let all banks live on, and compare."""
    begun, parts, told = time.process_time(), [], {}
    for seed in plan.seeds:
        lives, told[seed] = lived(plan, seed, work / f"cycle-{seed}", say)
        parts.append(lives)
        say(f"seed {seed}: {differences(by_bank(pl.concat(parts)))[DECIDING]}")
    lives = pl.concat(parts)
    banks = by_bank(lives)
    customers = forward.compare(lives, FROZEN).filter(pl.col("arm") == LOOP)
    return {
        "plan": asdict(plan),
        "banks": banks.to_dicts(),
        "differences": differences(banks),
        "by_customer": customers.to_dicts(),
        "cycles": told,
        "cpu_seconds": round(time.process_time() - begun),
    }


def together(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the cycles of several runs, of other banks each, as those of one."""
    banks = pl.DataFrame([row for part in parts for row in part["banks"]])
    seeds = [seed for part in parts for seed in part["cycles"]]
    if len(set(map(str, seeds))) < len(seeds):
        raise SystemExit("a bank is in two of these files")
    return {
        "plan": {**parts[0]["plan"], "seeds": [int(seed) for seed in seeds]},
        "banks": banks.to_dicts(),
        "differences": differences(banks),
        "by_customer": [],
        "cycles": {seed: cycle for part in parts for seed, cycle in part["cycles"].items()},
        "cpu_seconds": sum(part["cpu_seconds"] for part in parts),
    }


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Say what came of it."""
    for measure, row in found["differences"].items():
        share = f"{row['value'] / row['frozen']:+.1%}" if measure != "earned_amount" else ""
        yield (
            f"{NAMES[measure]}, loop less frozen, a bank: {row['value']:,.0f} [{row['low']:,.0f}, "
            f"{row['high']:,.0f}] {share} ({row['better']} of {row['banks']} banks better)"
        )
    for row in (one for one in found["by_customer"] if one["measure"] == "expected_amount"):
        yield (
            f"earned, a VIP customer, paired: {row['difference']:.2f} [{row['low']:.2f}, {row['high']:.2f}] "
            f"({row['customers']} customers)"
        )
    outcomes = [cycle["outcome"] for one in found["cycles"].values() for cycle in one]
    counts = ", ".join(f"{name} {outcomes.count(name)}" for name in sorted(set(outcomes)))
    yield f"cycles: {counts}; {found['cpu_seconds']} s of CPU"
