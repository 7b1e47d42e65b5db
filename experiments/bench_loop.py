"""Measures the monthly loop: is a worse challenger held back, and does a bank earn more by the loop?

1. Planted by its scores: the champion's chances plus noise, just as much that the lists are worse by the
   margin (and by twice the margin) over all judged customers of a simulated bank. Banks of n customers are
   drawn from these, and the gate decides each time: it may let the challenger pass no oftener than
   `error_rate` says. Beside it how often an equal one passes: what the gate costs.
2. Planted by its recipe: `vipreco retrain` in simulated banks, with a challenger of three trees.
3. Twelve monthly cycles in simulated banks, beside the first model left frozen (`loop_cycles.py`).

    python experiments/bench_loop.py --out build/bench-loop.json
    python experiments/bench_loop.py --only cycles
    python experiments/bench_loop.py --join one.json other.json    # cycles of banks that were run apart
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit, logit

from training.gate_file import read_gates
from training.gates import Gate, judge, refusals
from training.recipe import read_recipe
from vipreco.backtest import (
    CHAMPION,
    BacktestPlan,
    ScoredCustomers,
    backtest,
    compare_with_champion,
    rolling_folds,
    rolling_trials,
)
from vipreco.cli.entry import main
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel
from vipreco.settings import PolicySettings
from vipreco.simulator import DriftParameters, simulate
from vipreco.stats import rate_interval
from vipreco.tables import import_

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from loop_cycles import DRIFT, CyclePlan, cycles, lines, together

OURS, METRIC = "vipreco", "map-above-champion"
SIZES = (5_000, 20_000)
PARTS = ("gate", "retrain", "cycles")
ALONE: dict[str, object] = {"policy": PolicySettings(), "relationship_horizon_months": 0}
WORSE = """
name = "worse"
[recommender.propensity]
calibration_folds = 2
product = { rounds = 3, learning_rate = 0.01 }
any = { rounds = 3, learning_rate = 0.01 }
[backtest]
rolling_folds = 1
list_length = 3
"""


@dataclass(frozen=True)
class Plan:
    """Sizes of the bench."""

    customers: int = 12_000
    months: int = 12
    folds: int = 3
    draws: int = 400
    resamples: int = 200
    seed: int = 91
    banks: int = 4
    bank_customers: int = 1_500


@dataclass(frozen=True)
class Row:
    """One row: a challenger that is worse by so much, judged in so many drawn banks."""

    customers: int
    loss: float
    promoted: float
    low: float
    high: float
    allowed: float


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def judged_bank(plan: Plan, work: Path) -> ScoredCustomers:
    """Simulate a bank, import it, and judge the recipe `quick` on its newest months."""
    project = Project.find(HERE)
    say(f"simulating {plan.customers:,} customers over {plan.months} months")
    bank = simulate(plan.customers, plan.months, plan.seed, work / "bank", threads=project.threads)
    import_(work / "tables", bank.mapping, list(bank.sources), project.settings)
    history = History.open(work / "tables", project.threads)
    recipe = read_recipe(project.root / "training" / "recipes" / "quick.toml")
    trials = rolling_trials(Panel(history, ()), rolling_folds(history.snapshot_dates, 1, 0, 6, plan.folds))
    features = FeatureSet.read(project.features, project.settings.tiers)
    limits = BacktestPlan(recipe.backtest.list_length, 1, Machine(plan.seed, project.threads))
    settings = recipe.recommender.model_copy(update=ALONE)
    found = backtest(trials, features, settings, limits, say)
    assert found.judged is not None
    return replace(found.judged, scores={CHAMPION: np.asarray(found.judged.scores[OURS], np.float64)})


def worsened(judged: ScoredCustomers, loss: float, plan: Plan) -> ScoredCustomers:
    """Add a challenger whose lists are worse by `loss` in MAP, over all judged customers."""
    random = np.random.default_rng(plan.seed)
    chances = judged.scores[CHAMPION]
    noise = random.normal(size=chances.shape)

    def noisy(scale: float) -> ScoredCustomers:
        scores = expit(logit(np.clip(chances, 1e-9, 1 - 1e-9)) + scale * noise)
        return replace(judged, scores={CHAMPION: chances, OURS: scores})

    low, high = 0.0, 5.0
    for _ in range(30):  # the loss grows with the noise
        middle = (low + high) / 2
        low, high = (middle, high) if -lead(noisy(middle), plan) < loss else (low, middle)
    return noisy(high)


def lead(judged: ScoredCustomers, plan: Plan) -> float:
    return compare_with_champion(judged, OURS, {}, limits_of(plan, resamples=0)).map.value


def limits_of(plan: Plan, resamples: int, error_rate: float = 0.05) -> BacktestPlan:
    return BacktestPlan(3, resamples, Machine(plan.seed, 1), error_rate)


def drawn(judged: ScoredCustomers, customers: int, random: np.random.Generator) -> ScoredCustomers:
    """Draw a bank: customers with all their months, each draw of a customer a customer of its own."""
    order = np.argsort(judged.customer_ids.astype(np.str_), kind="stable")
    names, starts, counts = np.unique(
        judged.customer_ids[order].astype(np.str_), return_index=True, return_counts=True
    )
    chosen = random.integers(len(names), size=customers)
    rows = np.concatenate([order[starts[one] : starts[one] + counts[one]] for one in chosen])
    ids = np.repeat(np.arange(customers), counts[chosen]).astype(object)
    taken = {name: getattr(judged, name)[rows] for name in ("truth", "listable", "held_before", "tiers")}
    return ScoredCustomers(
        {name: scores[rows] for name, scores in judged.scores.items()}, customer_ids=ids, **taken
    )


def only_acquirers(judged: ScoredCustomers) -> ScoredCustomers:
    """Leave out rows that no ranking looks at; who is drawn decides how many are left."""
    acquired = (judged.truth & judged.listable).any(axis=1)
    return ScoredCustomers(
        {name: scores[acquired] for name, scores in judged.scores.items()},
        *(
            getattr(judged, name)[acquired]
            for name in ("truth", "listable", "held_before", "tiers", "customer_ids")
        ),
    )


def rows(judged: ScoredCustomers, plan: Plan) -> Iterator[Row]:
    """Let the gate decide in drawn banks, for an equal challenger and for two worse ones."""
    gates = read_gates(Project.find(HERE))
    (gate,) = (gate for gate in gates.gate if gate.metric == METRIC)
    margin = -(gate.min_value or 0.0)
    everybody = len(np.unique(judged.customer_ids.astype(np.str_)))
    for loss in (0.0, margin, 2 * margin):
        rival = only_acquirers(worsened(judged, loss, plan) if loss else equal(judged, plan))
        for customers in SIZES:
            acquirers = len(np.unique(rival.customer_ids.astype(np.str_)))
            share = max(round(customers * acquirers / everybody), 1)
            say(f"a loss of {loss:.3f}, banks of {customers:,} customers ({share} acquirers)")
            passed = promotions(rival, share, gate, gates.error_rate, plan)
            ends = rate_interval(np.array([passed]), np.array([plan.draws]))
            yield Row(
                customers,
                round(-lead(rival, plan), 5),
                passed / plan.draws,
                float(ends.low[0]),
                float(ends.high[0]),
                gates.error_rate if loss else 1.0,
            )


def equal(judged: ScoredCustomers, plan: Plan) -> ScoredCustomers:
    """Put two equally noisy copies beside each other: as good as one another, and not the same."""
    random = np.random.default_rng(plan.seed + 1)
    base = logit(np.clip(judged.scores[CHAMPION], 1e-9, 1 - 1e-9))
    one, other = (expit(base + 0.2 * random.normal(size=base.shape)) for _ in range(2))
    return replace(judged, scores={CHAMPION: one, OURS: other})


def promotions(rival: ScoredCustomers, acquirers: int, gate: Gate, error_rate: float, plan: Plan) -> int:
    random = np.random.default_rng(plan.seed + acquirers)
    limits, passed = limits_of(plan, plan.resamples, error_rate), 0
    for _ in range(plan.draws):
        metrics = compare_with_champion(drawn(rival, acquirers, random), OURS, {}, limits).summary()
        passed += not refusals(judge([gate], metrics, champion={}))
    return passed


def retrained(plan: Plan, work: Path) -> dict[str, Any]:
    """Train a champion in simulated banks, and retrain with three trees; count what is promoted."""
    promoted, codes = 0, []
    for seed in range(plan.banks):
        home = work / f"bank-{seed}"
        home.mkdir(parents=True)
        with contextlib.chdir(home):
            size = ["--customers", str(plan.bank_customers), "--months", "10", "--seed", str(seed + 11)]
            run("simulate", *size, "--out", "practice")
            run("new", "bank")
        with contextlib.chdir(home / "bank"):
            raw = sorted(str(path) for path in (home / "practice" / "raw").iterdir() if path.is_file())
            run("import", "--mapping", "../practice/mapping.toml", *raw, codes={0, 4})
            run("train", "--recipe", "quick", "--promote")
            Path("training/recipes/worse.toml").write_text(WORSE, encoding="utf-8")
            codes.append(main(["retrain", "--recipe", "worse", "--promote"]))
            told = json.loads(Path("data/retrain/last.json").read_bytes())
            promoted += bool(told["champion"])
            say(f"bank {seed}: {told['outcome']}")
    return {"banks": plan.banks, "promoted": promoted, "exit_codes": codes}


def run(*arguments: str, codes: frozenset[int] | set[int] = frozenset({0})) -> None:
    code = main(list(arguments))
    if code not in codes:
        raise SystemExit(f"vipreco {arguments[0]} ended with {code}")


def show(found: dict[str, Any]) -> None:
    for row in found.get("gate", []):
        allowed = f"allowed {row['allowed']:.0%}" if row["loss"] > 0 else "equal"
        print(
            f"worse by {row['loss']:.4f} MAP, {row['customers']:,} customers: promoted {row['promoted']:.1%} "
            f"[{row['low']:.1%}, {row['high']:.1%}] of {found['plan']['draws']} banks ({allowed})"
        )
    if (planted := found.get("retrain")) is not None:
        print(
            f"three trees by `vipreco retrain`: promoted in {planted['promoted']} of {planted['banks']} banks"
        )
    if (lived := found.get("cycles")) is not None:
        print("\n".join(lines(lived)))


def bench(plan: Plan, cycle_plan: CyclePlan, work: Path, parts: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"plan": asdict(plan)}
    if "gate" in parts:
        found["gate"] = [asdict(row) for row in rows(judged_bank(plan, work), plan)]
    if "retrain" in parts:
        found["retrain"] = retrained(plan, work)
    if "cycles" in parts:
        found["cycles"] = cycles(cycle_plan, work, say)
    return found


def failures(found: dict[str, Any]) -> list[str]:
    """Return what is surely oftener than stated."""
    wrong = [f"{row}" for row in found.get("gate", []) if row["low"] > row["allowed"]]
    return wrong + (["a planted challenger was promoted"] if found.get("retrain", {}).get("promoted") else [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("build/bench-loop.json"))
    parser.add_argument("--draws", type=int, default=Plan.draws)
    parser.add_argument("--customers", type=int, default=Plan.customers)
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), metavar="PART")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(CyclePlan.seeds), help="of the cycles")
    parser.add_argument("--bank-customers", type=int, default=CyclePlan.customers, help="of the cycles")
    parser.add_argument("--past-months", type=int, default=CyclePlan.past_months, help="of the cycles")
    parser.add_argument("--months", type=int, default=CyclePlan.months, help="of the cycles")
    parser.add_argument("--quiet", action="store_true", help="the world of the cycles does not change")
    parser.add_argument("--join", type=Path, nargs="+", metavar="FILE", help="put cycles together, and end")
    chosen = parser.parse_args()
    if chosen.join:
        show({"cycles": together([json.loads(path.read_bytes())["cycles"] for path in chosen.join])})
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        plan = Plan(customers=chosen.customers, draws=chosen.draws)
        drift = DriftParameters() if chosen.quiet else DRIFT
        sizes = chosen.bank_customers, chosen.past_months, chosen.months
        banks = CyclePlan(tuple(chosen.seeds), *sizes, drift)
        result = bench(plan, banks, Path(folder), chosen.only)
    result["seconds"] = round(time.monotonic() - begun)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    show(result)
    if broken := failures(result):
        sys.exit("oftener than stated: " + "; ".join(broken))
