"""Measure what the call list is worth: simulated banks live by it for months, and by simpler orders.

    python experiments/bench_decisions.py                                        # the deciding run
    python experiments/bench_decisions.py --seeds 901 --customers 2000 --months 2   # a trial

For each seed a bank is simulated under its own contacts, a recommender learns from it, and then each policy
decides on all contacts for some months; all meet the same luck. The table goes to standard output, progress
to standard error, all numbers to `decisions.json` in the work folder; the deciding run also writes
`experiments/005-decisions/results.json`. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import bench_policy
from bench_simulator import Line, show

from vipreco.durable import write_json
from vipreco.explanations import Explainer
from vipreco.features import FeatureSet
from vipreco.history import History, View, window
from vipreco.lists import Audience, CallLine, Day, Wording, call_list, plan_day
from vipreco.policy import Policy
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.settings import CallListSettings
from vipreco.simulator import VIP_TIERS, ChooseContacts, ForwardSpec, WarmBank, forward

PROJECT = Project.find(HERE)
RESULTS = HERE / "005-decisions" / "results.json"
SEEDS, CUSTOMERS, PAST_MONTHS, MONTHS = (41, 42, 43), 20_000, 18, 6
CAPACITY_RATE = 0.2
RESAMPLES, LIST_DAYS = 1000, 5
Days = list[dict[str, Any]]
CALL_LIST, BASELINES = "call list", ("propensity", "popularity")
PUSHED = "call list, offers pushed"
ASSUMED = "call list, effects assumed"
BY_CHANCE = "call list by chance"  # the same list, blind to what a contact adds
TARGETS = {"expected_amount": 0.50, "kept_amount": 0.85}  # share of what the oracle gains over calling nobody
DAY_TARGET = 0.95
SPEED_CUSTOMERS = 100_000
MEASURES = {"kept_amount": "VIP assets kept", "expected_amount": "earned", "worth_amount": "earned + kept"}
BOOKS = f"""
SELECT manager_id FROM customers_now WHERE manager_id IS NOT NULL AND tier IN {VIP_TIERS}
GROUP BY 1 ORDER BY 1"""
VIP = f"SELECT count(*) AS n FROM customers_now WHERE tier IN {VIP_TIERS}"


@dataclass(frozen=True)
class Plan:
    """A run: banks and their size."""

    seeds: tuple[int, ...] = SEEDS
    customers: int = CUSTOMERS
    past_months: int = PAST_MONTHS
    months: int = MONTHS
    recipe: str = "default"


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def settings_of(recipe: str) -> tuple[RecommenderSettings, int]:
    """Return the recommender's settings of a recipe, and how many months are learnt from."""
    rim = PROJECT.import_rim("training.recipe")
    read = rim.read_recipe(rim.find_recipe(PROJECT.root / "training" / "recipes", recipe))
    return read.recommender, read.data.newest


def learnt(warm: WarmBank, recipe: str) -> Recommender:
    """Fit on what the bank knows on the eve of the first month that is decided."""
    settings, newest = settings_of(recipe)
    history = warm.history
    last = history.snapshot_dates[-1]
    days = [day for day in history.snapshot_dates if window(day, settings.horizon_months)[1] <= last]
    features = FeatureSet.read(PROJECT.features, PROJECT.settings.tiers)
    machine = Machine(warm.spec.seed, warm.spec.threads)
    training_data = TrainingData(Panel(history, tuple(days[-newest:])))
    policy = Policy.read(settings.policy, PROJECT.root)
    return Recommender.fit(training_data, features, settings, machine, policy=policy)


def policies(recommender: Recommender, seed: int) -> dict[str, ChooseContacts]:
    """Return the policies that are compared, besides the oracle."""
    arbitration = recommender.settings.arbitration.model_copy(update={"order": "chance"})
    plan = PROJECT.settings.call_list
    return {
        "nobody": forward.nobody,
        "random": forward.at_random(recommender, seed),
        "popularity": forward.by_popularity(recommender),
        "propensity": forward.by_propensity(recommender),
        BY_CHANCE: forward.by_call_list(recommender.arbitrated(arbitration), plan),
        CALL_LIST: forward.by_call_list(recommender, plan),
        ASSUMED: forward.by_call_list(with_assumed_effects(recommender), plan),
        PUSHED: forward.by_call_list(recommender, pushed_offers(plan)),
    }


def with_assumed_effects(recommender: Recommender, call: float | None = None) -> Recommender:
    """Return the recommender with the effects of the settings in place of those that it learnt.

    Args:
        recommender: Of the bank.
        call: Effect of a call in place of that of the settings.
    """
    arbitration = recommender.settings.arbitration
    effects = arbitration.contact_effects
    channels = {**effects.channels, **({} if call is None else {"call": call})}
    changed = {"learnt_channels": tuple(channels), "channels": channels}
    known = effects.model_copy(update=changed)
    return recommender.arbitrated(arbitration.model_copy(update={"contact_effects": known}))


def pushed_offers(settings: CallListSettings) -> CallListSettings:
    """Return the settings without "no offer today": whatever the rules allow is offered."""
    return settings.model_copy(update={"minute_amount": 0.0, "min_chance_ratio": 0.0})


def day_shares(recommender: Recommender, history: History) -> Days:
    """Return the value of each manager's list as a share of the best of its minutes, on the next days."""
    explainer, settings, last = Explainer(recommender), PROJECT.settings, history.snapshot_dates[-1]
    views = [history.as_of(last + timedelta(days=number)) for number in range(LIST_DAYS)]
    books = views[0].query(BOOKS)["manager_id"].to_pylist()
    found = []
    for view, manager in product(views, books):
        day = plan_day(explainer, Audience(manager=manager).of(view), VIP_TIERS, settings.call_list)
        if day.plan is None:
            continue
        today = day.today
        no_offer = today.filter(~pl.col("customer_id").is_in(day.offers["customer_id"].implode()))
        promises, kept = promises_of(day, manager)
        found.append(
            {
                "date": str(view.date),
                "manager": manager,
                "customers": day.calls.height,
                "share": value_share(day),
                "calls": today.height,
                "calls_without_offer": no_offer.height,
                "duties_missed": day.plan.missed.height,
                "promises": promises,
                "promises_kept": kept,
            }
        )
    return found


def value_share(day: Day) -> float:
    """Return the value of today's list as a share of the best list of the same minutes without duties."""
    if day.plan is None:
        return 1.0
    value, best = day.plan.tasks.value, day.plan.best_today
    return float(value[day.plan.today].sum() / value[best].sum()) if value[best].sum() > 0 else 1.0


def promises_of(day: Day, manager: str) -> tuple[int, int]:
    """Return the talks about an agreed product on today's list, and those that a reader finds kept.

    The call opens with the product, or says which rule stops it since.
    """
    agreed = pl.col("follow_up") & pl.col("follow_up_product_id").is_not_null()
    rows = day.today.filter(agreed).select("customer_id", "follow_up_product_id").rows()
    promised = dict(rows)
    listed = call_list(day, manager, "", Wording("en"), with_reasons=False)
    lines = [line for line in listed.calls if line.customer_id in promised]
    return len(lines), sum(is_kept(line, promised[line.customer_id], day) for line in lines)


def is_kept(line: CallLine, product_id: str, day: Day) -> bool:
    """Return whether a call opens with a product, or says which rule stops it since."""
    first = [offer.product_id for offer in line.offers[:1]]
    name = day.names.get(product_id, product_id)
    stopped = Wording("en")("reason.follow_up_stopped", product=name, reason="|", instead="")
    beginning = stopped.partition("|")[0]
    return first == [product_id] or any(reason.startswith(beginning) for reason in line.reasons)


def capacity_of(view: View) -> int:
    """Return the contacts of a month: a share of the VIP customers on the eve of the first one."""
    return int(CAPACITY_RATE * view.query(VIP)["n"][0].as_py())


def live(plan: Plan, seed: int, work: Path) -> tuple[pl.DataFrame, Days, Recommender, WarmBank]:
    """Let one bank live on under each policy; return what came of customers, and the first day's lists."""
    folder = work / f"bank-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    say(f"seed {seed}: simulating and importing {plan.customers:,} customers over {plan.past_months} months")
    spec = ForwardSpec(plan.customers, plan.past_months, plan.months, seed, PROJECT.threads)
    warm = forward.warm_start(spec, PROJECT.settings, folder)
    say(f"seed {seed}: learning")
    recommender = learnt(warm, plan.recipe)
    view = warm.history.as_of(warm.history.snapshot_dates[-1])
    capacity = capacity_of(view)
    say(f"seed {seed}: {capacity} contacts a month")
    arms = policies(recommender, seed)
    lives = forward.run(warm, arms, capacity, folder / "lives", oracle=True, say=say)
    days = [{"seed": seed, **row} for row in day_shares(recommender, warm.history)]
    return lives.with_columns(pl.lit(seed).alias("seed")), days, recommender, warm


def in_books(lives: pl.DataFrame) -> pl.DataFrame:
    """Count everybody whom a policy could call: VIP customers of the first eve, and who became one later.

    Of the latter, those whom any policy called; nobody else differs between the policies.
    """
    called = pl.col("contacts").max().over("seed", "customer_id") > 0
    return lives.with_columns(pl.col("vip") | called)


def differences(lives: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the differences of the call list to each baseline in a VIP customer's mean."""
    found = []
    for baseline in BASELINES:
        rows = forward.compare(lives, baseline).filter(pl.col("arm") == CALL_LIST).to_dicts()
        for row in rows:
            turned = _kept(row) if row["measure"] == "at_stake_amount" else row
            found.append({**turned, "baseline": baseline})
    return found


def _kept(row: dict[str, Any]) -> dict[str, Any]:
    """Turn assets at stake into assets kept: less at stake is more kept."""
    turned = {name: -row[name] for name in ("a_customer", "difference")}
    worse = row["banks"] - row["banks_better"]
    ends = {"low": -row["high"], "high": -row["low"], "banks_better": worse}
    return {**row, **turned, **ends, "measure": "kept_amount"}


def oracle_shares(lives: pl.DataFrame, whose: str = "oracle") -> list[dict[str, Any]]:
    """Return what each policy gains over calling nobody as a share of another's gain, with an interval.

    The interval is a bootstrap over the customers of all banks.

    Args:
        lives: What came of the customers, by policy.
        whose: The policy whose gain is the whole.
    """
    vip = lives.filter("vip").sort("arm", "seed", "customer_id")
    vip = vip.with_columns((-pl.col("at_stake_amount")).alias("kept_amount"))
    by_arm = {str(name[0]): part for name, part in vip.group_by("arm", maintain_order=True)}
    customers = by_arm["nobody"].height
    random = np.random.default_rng(0)
    weights = random.multinomial(customers, np.full(customers, 1 / customers), size=RESAMPLES)
    found = []
    for measure in TARGETS:
        gains = {
            arm: part[measure].to_numpy() - by_arm["nobody"][measure].to_numpy()
            for arm, part in by_arm.items()
        }
        oracle = gains[whose]
        for arm, gain in gains.items():
            drawn = (weights @ gain) / (weights @ oracle)
            low, high = np.quantile(drawn, [0.025, 0.975])
            share = float(gain.sum() / oracle.sum())
            found.append({"arm": arm, "measure": measure, "share": share, "low": low, "high": high})
    return found


def totals(lives: pl.DataFrame) -> list[dict[str, Any]]:
    """Return the sums over the VIP customers of all banks by policy; kept is against calling nobody."""
    sums = (
        lives.filter("vip")
        .group_by("arm", maintain_order=True)
        .agg(
            pl.len().alias("customers"),
            pl.col("contacts", "expected_amount", "earned_amount", "at_stake_amount", "assets_amount").sum(),
            pl.col("left").sum(),
        )
    )
    alone = sums.filter(pl.col("arm") == "nobody")["at_stake_amount"].item()
    return sums.with_columns((alone - pl.col("at_stake_amount")).alias("kept_amount")).to_dicts()


def speed(recommender: Recommender, warm: WarmBank, customers: int) -> list[dict[str, Any]]:
    """Measure rules, priorities and slates, as `bench_policy.py` does."""
    view = warm.history.as_of(warm.history.snapshot_dates[-1])
    bench = bench_policy.bench_of(recommender, view, customers, "call")
    return bench_policy.measure(bench).to_dicts()


def lines(found: dict[str, Any]) -> Iterator[Line]:
    """Return the table: totals, differences with their targets, speed."""
    for row in found["totals"]:
        told = f"kept {row['kept_amount']:>12,.0f}   earned {row['expected_amount']:>11,.0f}"
        yield Line(f"{row['arm']} ({row['contacts']:,.0f} contacts)", "", told)
    for row in found["differences"]:
        if row["measure"] in MEASURES:
            told = f"{row['difference']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            what = f"{MEASURES[row['measure']]}, a customer: {CALL_LIST} - {row['baseline']}"
            met = row["low"] > 0 if row["measure"] != "worth_amount" else None
            yield Line(what, "> 0" if met is not None else "", told, met)
    for row in found.get("shares", []):
        if row["arm"] not in ("nobody", "oracle"):
            target = TARGETS[row["measure"]] if row["arm"] == CALL_LIST else None
            told = f"{row['share']:.1%} [{row['low']:.1%}, {row['high']:.1%}]"
            what = f"{MEASURES[row['measure']]}, share of the oracle's gain: {row['arm']}"
            met = None if target is None else row["share"] >= target
            yield Line(what, "" if target is None else f">= {target:.0%}", told, met)
    yield from day_lines(found.get("days", []))
    for row in found["speed"]:
        most = row["at most"]
        target = "" if most is None else f"<= {most:g} {row['unit']}"
        yield Line(
            row["what"], target, f"{row['measured']:.3g} {row['unit']}", None if most is None else row["met"]
        )


def day_lines(days: Days) -> Iterator[Line]:
    """Return the lines about the first day's lists of all managers."""
    if not days:
        return
    shares = np.array([row["share"] for row in days])
    told = f"{shares.mean():.3f} (least {shares.min():.3f}, {len(days)} lists)"
    yield Line(
        "a day's list / best list of the same minutes", f">= {DAY_TARGET}", told, shares.mean() >= DAY_TARGET
    )
    calls, without = (sum(row[name] for row in days) for name in ("calls", "calls_without_offer"))
    yield Line("calls of the day without an offer", "", f"{without} of {calls}")
    promises, kept = (sum(row[name] for row in days) for name in ("promises", "promises_kept"))
    told = f"{kept} of {promises}"
    yield Line("follow-ups with the promised product, or the rule", "all", told, kept == promises)
    yield Line("duties that are named as impossible", "", str(sum(row["duties_missed"] for row in days)))


def measured(plan: Plan, work: Path, speed_customers: int) -> dict[str, Any]:
    """Run all banks, then the measurement of the speed on the last one."""
    parts, days, timed = [], [], []
    for seed in plan.seeds:
        lives, first_days, recommender, warm = live(plan, seed, work)
        parts.append(lives)
        days += first_days
        if seed == plan.seeds[-1] and speed_customers:
            say("speed")
            timed = speed(recommender, warm, speed_customers)
        shutil.rmtree(work / f"bank-{seed}")
    lives = in_books(pl.concat(parts))
    lives.write_parquet(work / "lives.parquet")
    return {
        "totals": totals(lives),
        "differences": differences(lives),
        "shares": oracle_shares(lives),
        "days": days,
        "speed": timed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE.parent / "data/bench-decisions", metavar="DIR")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--months", type=int, default=MONTHS, help="months in which the policies decide")
    parser.add_argument("--recipe", default="default", help="a recipe file, or a name in training/recipes")
    parser.add_argument("--speed-customers", type=int, default=SPEED_CUSTOMERS, help="0 leaves the speed out")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    plan = Plan(tuple(arguments.seeds), arguments.customers, PAST_MONTHS, arguments.months, arguments.recipe)
    begin, load = time.perf_counter(), os.getloadavg()[0]
    found = measured(plan, work, arguments.speed_customers)
    run = {"plan": asdict(plan), "seconds": round(time.perf_counter() - begin), "load_before": load}
    rows = list(lines(found))
    content = {**run, **found, "table": [{**asdict(row), "met": row.verdict} for row in rows]}
    (work / "decisions.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if plan == Plan():
        write_json(RESULTS, content)
    show(rows, "What the call list is worth")


if __name__ == "__main__":
    main()
