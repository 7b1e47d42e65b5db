"""Measure whether the numbers of a campaign report can be believed, on simulated banks with known truth.

    python experiments/bench_lift.py                                       # the deciding run, all parts
    python experiments/bench_lift.py --only aa                             # campaigns without any effect
    python experiments/bench_lift.py --only coverage off-policy --campaigns 100 --customers 10000

A bank is simulated once; the true chance of every acquisition with and without a contact on each channel is
read from it. Then campaigns are drawn again and again: arms by lot, outcomes from the true chances. The table
goes to standard output, progress to standard error, all numbers to `lift.json` in the work folder; the
deciding run also writes `experiments/007-off-policy/results.json`. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from bench_simulator import Line, show

from vipreco.campaign import in_control
from vipreco.durable import write_json
from vipreco.folds import salt_of
from vipreco.project import Project
from vipreco.simulator import (
    CHANNELS,
    FIRST_VIP_TIER,
    Bank,
    Block,
    ForwardSpec,
    MonthHazards,
    hazards_of_month,
    logging_policy,
    true_chances,
    warm_start,
)
from vipreco.stats import (
    ArmCounts,
    Estimate,
    LoggedDecisions,
    by_group,
    compare,
    difference_of_means,
    off_policy,
    p_values,
    qini_coefficient,
)

RESULTS = HERE / "007-off-policy" / "results.json"
SEED, CUSTOMERS, PAST_MONTHS = 72, 60_000, 6
COVERAGE_CAMPAIGNS, AA_CAMPAIGNS = 500, 1000
PRODUCTS = 8
COSTS = {"call": 30.0, "sms": 0.2, "app": 0.05}
PROMISE_NOISE = 0.4
SIZES = ((2000, 0.1), (5000, 0.1), (20_000, 0.1), (5000, 0.5))
EXPLORED = (4000, 20_000)
COVERS, ALARMS = (0.93, 0.97), 0.05
QINI_CUSTOMERS, QINI_RESAMPLES = 2000, 400
PARTS = ("aa", "coverage", "off-policy", "hash")
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """A run: the bank and the number of campaigns."""

    seed: int = SEED
    customers: int = CUSTOMERS
    coverage_campaigns: int = COVERAGE_CAMPAIGNS
    aa_campaigns: int = AA_CAMPAIGNS


@dataclass(frozen=True)
class World:
    """True chances of the customers who can be approached; an option is (product, channel).

    Args:
        alone: (n, options) chance to acquire the option's product without any contact.
        contacted: (n, options) the same when it is offered on the option's channel.
        promised: (n, options) what a model promises: off by a noise.
        possible: (n, options) what rules and consents allow.
        value: (options,) money of an acquisition.
        cost: (options,) of the contact.
        tier: (n,) code of the tier.
    """

    alone: Floats
    contacted: Floats
    promised: Floats
    possible: Flags
    value: Floats
    cost: Floats
    tier: NDArray[np.int64]

    def priority(self) -> Floats:
        """Return the order of the price rule; minus infinity where not possible."""
        return np.where(self.possible, self.promised * self.value - self.cost, -np.inf)


def say(sentence: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {sentence}", file=sys.stderr, flush=True)


def simulated(plan: Plan, work: Path) -> World:
    """Simulate the bank and read its truth."""
    project = Project.find(HERE)
    say(f"simulating {plan.customers:,} customers over {PAST_MONTHS} months")
    folder = work / "bank"
    spec = ForwardSpec(plan.customers, PAST_MONTHS, 1, plan.seed, project.threads)
    warm = warm_start(spec, project.settings, folder)
    parts = []
    products = np.sort(np.argsort(-warm.bank.catalogue.share, kind="stable")[:PRODUCTS])
    for block in warm.blocks:
        hazards = hazards_of_month(warm.bank, block, PAST_MONTHS)
        parts.append(world_of(warm.bank, block, hazards, products, plan.seed))
    joined = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("alone", "contacted", "promised", "possible", "tier")
    }
    return World(**joined, value=parts[0].value, cost=parts[0].cost)


def world_of(
    bank: Bank, block: Block, hazards: MonthHazards, products: NDArray[np.int64], seed: int
) -> World:
    """Return the truth of a block, of the customers who can be approached with something."""
    silent = np.array(bank.parameters.contacts.no_answer_probability)
    raised = -np.expm1(-hazards.hazard[:, products, None] * np.exp(hazards.effect[:, None, :]))
    alone = np.repeat(hazards.probability[:, products, None], len(CHANNELS), axis=2)
    contacted = silent * alone + (1 - silent) * raised
    logged = true_chances(bank, hazards, logging_policy(bank, block, hazards), PAST_MONTHS).logged[
        :, products, None
    ]
    random = np.random.default_rng([seed, block.number])
    noise = np.exp(random.normal(0, PROMISE_NOISE, logged.shape) - PROMISE_NOISE**2 / 2)
    promised = np.repeat(np.clip(logged * noise, 0, 1), len(CHANNELS), axis=2)
    consent = (block.state.consent == 1)[:, None, :] & hazards.present[:, None, None]
    possible = (hazards.hazard[:, products] > 0)[:, :, None] & consent
    who = possible.any(axis=(1, 2))
    flat = (len(block.skill), -1)
    return World(
        *(part.reshape(flat)[who].astype(np.float64) for part in (alone, contacted, promised)),
        possible.reshape(flat)[who],
        np.repeat(bank.catalogue.numbers("value")[products], len(CHANNELS)).astype(np.float64),
        np.tile([COSTS[channel] for channel in CHANNELS], len(products)),
        block.state.tier[who].astype(np.int64),
    )


@dataclass(frozen=True)
class Offers:
    """The offers of the price rule, a row a customer who gets one or would get one."""

    alone: Floats
    contacted: Floats
    promised: Floats
    value: Floats
    product: NDArray[np.int64]
    tier: NDArray[np.int64]

    @property
    def lift(self) -> float:
        """The true mean difference of the chances."""
        return float((self.contacted - self.alone).mean())

    @property
    def gain(self) -> float:
        """The true mean difference of the value."""
        return float(((self.contacted - self.alone) * self.value).mean())


def offers_of(world: World, number: int) -> Offers:
    """Return the best option of the customers with the highest priority."""
    priority = world.priority()
    best = priority.argmax(axis=1)
    top = np.argsort(-priority.max(axis=1), kind="stable")[:number]
    option = best[top]
    return Offers(
        world.alone[top, option],
        world.contacted[top, option],
        world.promised[top, option],
        world.value[option],
        option // len(CHANNELS),
        world.tier[top],
    )


def arms_of(random: np.random.Generator, customers: int, share: float) -> Flags:
    """Draw who is treated: everybody by a lot of their own, as the sticky control group is."""
    return random.random(customers) >= share


def coverage(world: World, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """Return how often intervals hold the truth, by size of the campaign and number."""
    rows = []
    for number, share in SIZES:
        offers = offers_of(world, number)
        say(f"coverage: {campaigns} campaigns of {len(offers.alone):,} customers, control {share:.0%}")
        rows += covered(offers, share, campaigns, seed)
    return rows


def covered(offers: Offers, share: float, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """Return a row a number for one size."""
    random = np.random.default_rng([seed, len(offers.alone), round(share * 100)])
    found: dict[str, list[tuple[Estimate, float]]] = {}
    groups = []
    for _ in range(campaigns):
        treated = arms_of(random, len(offers.alone), share)
        acquired = random.random(len(treated)) < np.where(treated, offers.contacted, offers.alone)
        money, expected = acquired * offers.value, offers.promised * offers.value
        one = compare(treated, acquired, money, offers.promised, expected)
        plain = difference_of_means(money, treated)
        relative = float(offers.contacted.mean() / offers.alone.mean() - 1)
        few = one.value.lacks
        for name, estimate, truth in (
            ("lift", one.lift, offers.lift),
            ("lift, adjusted", one.adjusted, offers.lift),
            ("relative lift", one.relative, relative),
            ("value, adjusted", one.value, offers.gain),
            ("value, plain", Estimate(plain.value, plain.low, plain.high, few), offers.gain),
        ):
            found.setdefault(name, []).append((estimate, truth))
        groups.append(subgroups(offers, treated, acquired))
    size = {"customers": len(offers.alone), "control_share": share}
    rows = [{**size, "number": name, **summary(pairs)} for name, pairs in found.items()]
    return [*rows, {**size, "number": "lift of a product or tier", **summary_of_groups(pl.concat(groups))}]


def subgroups(offers: Offers, treated: Flags, acquired: Flags) -> pl.DataFrame:
    """Return the comparison of each product and tier, beside the truth."""
    frame = pl.DataFrame(
        {
            "product": offers.product,
            "tier": offers.tier,
            "treated": treated,
            "acquired": acquired,
            "truth": offers.contacted - offers.alone,
        }
    )
    truths = [
        frame.group_by(pl.col(name).cast(pl.String).alias("group"))
        .agg(pl.col("truth").mean())
        .select(pl.lit(name).alias("dimension"), "group", "truth")
        for name in ("product", "tier")
    ]
    return by_group(frame, ["product", "tier"]).join(pl.concat(truths), on=["dimension", "group"])


def summary(pairs: list[tuple[Estimate, float]]) -> dict[str, Any]:
    """Return coverage, mean width and bias of what has an interval."""
    known = [(one, truth) for one, truth in pairs if one.known]
    held = [one.low <= truth <= one.high for one, truth in known]
    if not known:
        return {"campaigns": len(pairs), "with_interval": 0}
    return {
        "campaigns": len(pairs),
        "with_interval": len(known),
        "covered": float(np.mean(held)),
        "below": float(np.mean([truth < one.low for one, truth in known])),
        "above": float(np.mean([truth > one.high for one, truth in known])),
        "width": float(np.mean([min(one.high, 1e12) - one.low for one, _ in known])),
        "mean": float(np.mean([one.value for one, _ in known])),
        "truth": known[0][1],
    }


def summary_of_groups(rows: pl.DataFrame) -> dict[str, Any]:
    """Return the coverage over all subgroups that have an interval."""
    known = rows.filter(pl.col("lacks") == "")
    held = (known["low"] <= known["truth"]) & (known["truth"] <= known["high"])
    return {"campaigns": rows.height, "with_interval": known.height, "covered": held.mean()}


def false_alarms(world: World, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """Return how often campaigns that do nothing look as if they did something."""
    rows = []
    for number, share in SIZES:
        offers = offers_of(world, number)
        say(f"A/A: {campaigns} campaigns of {len(offers.alone):,} customers, control {share:.0%}")
        random = np.random.default_rng([seed + 1, number, round(share * 100)])
        found: dict[str, list[bool]] = {}
        for _ in range(campaigns):
            treated = arms_of(random, len(offers.alone), share)
            acquired = random.random(len(treated)) < offers.alone
            for name, alarm in alarms(offers, treated, acquired, random).items():
                found.setdefault(name, []).append(alarm)
        size = {"customers": len(offers.alone), "control_share": share, "campaigns": campaigns}
        rows += [{**size, "number": name, "alarms": float(np.mean(seen))} for name, seen in found.items()]
    return rows


def alarms(offers: Offers, treated: Flags, acquired: Flags, random: np.random.Generator) -> dict[str, bool]:
    """Return which tests say that something happened, where nothing did."""
    expected = offers.promised * offers.value
    one = compare(treated, acquired, acquired * offers.value, offers.promised, expected)
    half = random.random(len(treated)) < 0.5
    control = ~treated
    halves = ArmCounts.of(
        (control & half).sum(),
        (control & half & acquired).sum(),
        (control & ~half).sum(),
        (control & ~half & acquired).sum(),
    )
    frame = pl.DataFrame({"product": offers.product, "treated": treated, "acquired": acquired})
    seen = {
        "lift": one.p < 0.05,
        "lift, adjusted": one.adjusted.excludes_zero,
        "value, adjusted": one.value.excludes_zero,
        "halves of control": bool(p_values(halves)[0] < 0.05),
        "any product stands out": bool(by_group(frame, ["product"])["stands_out"].any()),
    }
    if len(treated) <= QINI_CUSTOMERS:
        curve = qini_coefficient(offers.promised, treated, acquired, resamples=QINI_RESAMPLES)
        seen["Qini of the promise"] = curve.excludes_zero
    return seen


def hashed_alarms(world: World, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """Return false alarms where the hash of campaigns draws the control group, each time by another salt."""
    offers = offers_of(world, 20_000)
    ids = pl.Series([f"{number:010d}" for number in range(len(offers.alone))])
    say(f"hash: {campaigns} campaigns of {len(ids):,} customers, control 10%")
    random = np.random.default_rng([seed + 3])
    seen, shares = [], []
    for number in range(campaigns):
        control = in_control(ids, salt_of("", seed * 100_000 + number), 0.1)
        acquired = random.random(len(ids)) < offers.alone
        counts = ArmCounts.of(
            (~control).sum(), (~control & acquired).sum(), control.sum(), (control & acquired).sum()
        )
        seen.append(bool(p_values(counts)[0] < 0.05))
        shares.append(float(control.mean()))
    size = {"customers": len(ids), "control_share": 0.1, "campaigns": campaigns}
    row = {"number": "lift, control group by hash", "alarms": float(np.mean(seen))}
    return [{**size, **row, "mean_share": float(np.mean(shares)), "spread": float(np.std(shares))}]


def off_policies(world: World, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """Return coverage of SNIPS and doubly robust estimates of some policies' value."""
    rows = []
    for number in EXPLORED:
        for name in ("best by promise", "best by promise, tempered", "cheapest channel"):
            say(f"off-policy: {campaigns} logs of {number:,} random offers, {name}")
            rows += judged(world, number, name, campaigns, seed)
    return rows


def policy_of(world: World, rows: NDArray[np.int64], name: str) -> Floats:
    """Return the chances of each option under another policy."""
    priority = np.where(world.possible[rows], world.promised[rows] * world.value - world.cost, -np.inf)
    options = world.possible.shape[1]
    if name == "best by promise":
        return np.eye(options)[priority.argmax(axis=1)]
    if name == "best by promise, tempered":
        scaled = priority / np.maximum(np.abs(priority.max(axis=1, keepdims=True)), 1e-9)
        weight = np.exp(3 * np.clip(scaled, -10, 1)) * world.possible[rows]
        return weight / weight.sum(axis=1, keepdims=True)
    cheap = np.where(world.possible[rows], -world.cost, -np.inf)
    best = cheap == cheap.max(axis=1, keepdims=True)
    return best / best.sum(axis=1, keepdims=True)


def judged(world: World, number: int, name: str, campaigns: int, seed: int) -> list[dict[str, Any]]:
    """Return a row an estimator for one policy and one size of the log."""
    random = np.random.default_rng([seed + 2, number])
    rows = np.sort(random.permutation(len(world.tier))[:number])
    possible, policy = world.possible[rows], policy_of(world, rows, name)
    chance = possible / possible.sum(axis=1, keepdims=True)
    known = world.promised[rows] * world.value
    truth = float((policy * world.contacted[rows] * world.value).sum(axis=1).mean())
    found: dict[str, list[tuple[Estimate, float]]] = {"SNIPS": [], "doubly robust": []}
    effective = []
    for campaign in range(campaigns):
        point = random.random(len(rows))[:, None]
        action = np.minimum((chance.cumsum(axis=1) <= point).sum(axis=1), chance.shape[1] - 1)
        place = np.arange(len(rows)), action
        reward = (random.random(len(rows)) < world.contacted[rows][place]) * world.value[action]
        logged = LoggedDecisions(action, chance[place], reward, chance.shape[1], possible)
        one = off_policy(logged, policy, known, campaign)
        effective.append(one.effective)
        found["SNIPS"].append((one.snips, truth))
        found["doubly robust"].append((one.doubly_robust, truth))
    told = {"policy": name, "decisions": len(rows), "effective": float(np.mean(effective))}
    return [{**told, "number": estimator, **summary(pairs)} for estimator, pairs in found.items()]


def lines(found: dict[str, Any]) -> Iterator[Line]:
    """Return the table."""
    for row in [*found.get("aa", []), *found.get("hash", [])]:
        error = 1.96 * math.sqrt(ALARMS * (1 - ALARMS) / row["campaigns"])
        what = f"A/A, {row['customers']:,} customers, control {row['control_share']:.0%}: {row['number']}"
        limit = f"<= {ALARMS + error:.1%}"
        told = f"{row['alarms']:.1%} of {row['campaigns']}"
        yield Line(what, limit, told, row["alarms"] <= ALARMS + error)
    for row in found.get("coverage", []):
        size = f"{row['customers']:,} customers, control {row['control_share']:.0%}"
        yield _coverage_line(f"coverage, {size}: {row['number']}", row)
    for row in found.get("off-policy", []):
        size = f"{row['decisions']:,} random offers, {row['effective']:,.0f} effective"
        yield _coverage_line(f"off-policy, {size}, {row['policy']}: {row['number']}", row)


def _coverage_line(what: str, row: dict[str, Any]) -> Line:
    if not row["with_interval"]:
        return Line(what, "", "not enough data")
    told = f"{row['covered']:.1%} of {row['with_interval']} (of {row['campaigns']})"
    if "width" in row:
        told += f", width {row['width']:.4g}, mean {row['mean']:.4g}, true {row['truth']:.4g}"
    return Line(what, "93-97 %", told, COVERS[0] <= row["covered"] <= COVERS[1])


def measured(plan: Plan, parts: list[str], work: Path) -> dict[str, Any]:
    world = simulated(plan, work)
    vip = int((world.tier >= FIRST_VIP_TIER).sum())
    say(f"{len(world.tier):,} customers can be approached, {vip:,} of them VIP")
    run = {
        "aa": lambda: false_alarms(world, plan.aa_campaigns, plan.seed),
        "coverage": lambda: coverage(world, plan.coverage_campaigns, plan.seed),
        "off-policy": lambda: off_policies(world, plan.coverage_campaigns, plan.seed),
        "hash": lambda: hashed_alarms(world, plan.aa_campaigns, plan.seed),
    }
    return {name: run[name]() for name in PARTS if name in parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=HERE.parent / "data/bench-lift", metavar="DIR")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--campaigns", type=int, help="of each size; without it 500, and 1,000 for A/A")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        arguments.seed,
        arguments.customers,
        arguments.campaigns or COVERAGE_CAMPAIGNS,
        arguments.campaigns or AA_CAMPAIGNS,
    )
    begin, load = time.perf_counter(), os.getloadavg()[0]
    found = measured(plan, arguments.only, work)
    run = {"plan": asdict(plan), "seconds": round(time.perf_counter() - begin), "load_before": load}
    rows = list(lines(found))
    content = {**run, **found, "table": [{**asdict(row), "met": row.verdict} for row in rows]}
    (work / "lift.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if plan == Plan() and set(arguments.only) == set(PARTS):
        write_json(RESULTS, content)
    show(rows, "Can the numbers of a campaign report be believed")


if __name__ == "__main__":
    main()
