"""Experiment 011: take the distance between the call list and the oracle apart.

    python experiments/011-distance-of-the-list/run.py WORK --seeds 51 52 [--arms NAME...] [--recipes NAME...]

A bank and its recommender are made once and stay in WORK, as do the results of each arm.
"""

from __future__ import annotations

import argparse
import json
import pickle
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

import bench_decisions as bench
from observable import Observable, opened_observable

from vipreco.columns import CHANNEL, CUSTOMER_ID, PRODUCT_ID
from vipreco.explanations import Explainer
from vipreco.history import History, View
from vipreco.lists import Day, plan_day
from vipreco.policy import ALLOWED
from vipreco.recommender import Recommender
from vipreco.settings import CallListSettings
from vipreco.simulator import VIP_TIERS, Bank, Block, ForwardSpec, MonthHazards, WarmBank, forward

Floats = NDArray[np.float64]
REACH = 0.65
OBSERVABLE, QUICK, DEFAULT = "observable oracle", "quick", "default"
SETTINGS = bench.PROJECT.settings.call_list


@dataclass(frozen=True)
class Truth:
    """The month as the oracle sees it, of all blocks."""

    bank: Bank
    blocks: list[Block]
    before: list[MonthHazards]
    month: int

    def table(self) -> pl.DataFrame:
        """Return a row for each customer: block, row, and what an answered call keeps, with its reach."""
        parts = []
        for number, (block, hazards) in enumerate(zip(self.blocks, self.before, strict=True)):
            kept = REACH * forward.kept_by_call(self.bank, block, hazards, self.month, forward.ASSET_MARGIN)
            rows = np.arange(len(block.skill))
            parts.append(
                pl.DataFrame(
                    {CUSTOMER_ID: block.ids, "block": np.full(len(rows), number), "row": rows, "kept": kept}
                )
            )
        return pl.concat(parts)

    def of(self, ids: list[str], product_ids: Sequence[str] | None = None) -> TruthOfCustomers:
        """Return the truth of some customers, in their order, and in that of the products."""
        places = pl.DataFrame({CUSTOMER_ID: ids}).join(
            self.table(), on=CUSTOMER_ID, how="left", maintain_order="left"
        )
        shape = (len(ids), len(self.bank.catalogue.ids))
        hazard, chance, effect = np.zeros(shape), np.zeros(shape), np.zeros(len(ids))
        for number, hazards in enumerate(self.before):
            own = (places["block"] == number).to_numpy()
            rows = places["row"].to_numpy()[own]
            hazard[own], chance[own] = hazards.hazard[rows], hazards.probability[rows]
            effect[own] = hazards.effect[rows, 0]
        values, names = self.bank.catalogue.numbers("value"), list(self.bank.catalogue.ids)
        order = [names.index(product) for product in product_ids or names]
        kept = places["kept"].to_numpy()
        return TruthOfCustomers(hazard[:, order], chance[:, order], effect, kept, values[order])

    def gained(self, calls: pl.DataFrame) -> dict[str, float]:
        """Return what calls gain in the month in expectation: earned, and 1 % of assets kept."""
        number = {product: column for column, product in enumerate(self.bank.catalogue.ids)}
        own = self.of(calls[CUSTOMER_ID].to_list())
        columns = np.array([number[product] for product in calls[PRODUCT_ID].to_list()], np.int64)
        earned = own.gain()[np.arange(len(columns)), columns]
        return {"calls": len(columns), "earned": float(earned.sum()), "kept": float(own.kept.sum())}


@dataclass(frozen=True)
class TruthOfCustomers:
    """Hazard and chance without a contact (n, P), effect of an answered call and what it keeps (n,)."""

    hazard: Floats
    chance: Floats
    effect: Floats
    kept: Floats
    value: Floats

    def gain(self, hazard: Floats | None = None, effect: Floats | float | None = None) -> Floats:
        """Return what a call is expected to earn, shape (n, P)."""
        own = self.hazard if hazard is None else hazard
        chance = self.chance if hazard is None else -np.expm1(-hazard)
        added = np.asarray(self.effect if effect is None else effect)
        moved = -np.expm1(-own * np.exp(added if added.ndim == 0 else added[:, None]))
        return np.asarray(REACH * (moved - chance) * self.value)


@dataclass(frozen=True)
class Known:
    """What a policy knows of the callable VIP customers."""

    day: Day
    ids: list[str]
    allowed: NDArray[np.bool_]
    blocked: NDArray[np.bool_]
    without: Floats
    product_ids: tuple[str, ...]

    @classmethod
    def of(cls, recommender: Recommender, view: View, settings: CallListSettings) -> Known:
        day = plan_day(
            Explainer(recommender), view.of(forward.callable_vip_customers(view)), VIP_TIERS, settings
        )
        chunks = day.decisions
        ids = [str(one) for chunk in chunks for one in chunk.customer_ids]
        return cls(
            day,
            ids,
            np.concatenate([chunk.verdict == ALLOWED for chunk in chunks]),
            day.calls["blocked"].is_not_null().to_numpy(),
            np.concatenate([chunk.factors.chances.without for chunk in chunks]),
            chunks[0].product_ids,
        )


Choose: TypeAlias = Callable[[Truth, View, int], pl.DataFrame]


def best(known: Known, score: Floats, capacity: int, allowed: NDArray[Any] | None = None) -> pl.DataFrame:
    """Return a call to each of the customers with the best pairs."""
    can = known.allowed if allowed is None else allowed
    order = np.where(can & ~known.blocked[:, None], score, -np.inf)
    first = order.argmax(axis=1)
    amount = order[np.arange(len(first)), first]
    rows = np.argsort(-amount, kind="stable")[:capacity]
    rows = rows[amount[rows] > 0]
    return contacts([known.ids[row] for row in rows], [known.product_ids[first[row]] for row in rows])


def contacts(ids: list[str], products: list[str]) -> pl.DataFrame:
    columns = {CUSTOMER_ID: ids, PRODUCT_ID: products, CHANNEL: ["call"] * len(ids)}
    return pl.DataFrame(columns, schema=forward.CONTACTS_SCHEMA)


@dataclass
class Arm:
    """A policy with the truth at hand, which also counts what its calls were for and what they gained."""

    recommender: Recommender
    settings: CallListSettings = SETTINGS
    log: list[dict[str, Any]] | None = None
    observable: Observable | None = None

    def known(self, view: View, capacity: int) -> Known:
        return Known.of(self.recommender, view, forward.month_of(self.settings, capacity))

    def oracle_calls(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        frames = []
        for block, hazards in zip(truth.blocks, truth.before, strict=True):
            alone = replace(
                hazards, effect=np.where(np.arange(3) == 0, hazards.effect, -9).astype(np.float32)
            )
            gains = forward.gains_of(truth.bank, block, alone, truth.month, forward.ASSET_MARGIN)
            rows = np.flatnonzero((gains.amount > 0) & (gains.channel == 0))
            products = [truth.bank.catalogue.ids[place] for place in gains.product[rows]]
            ids = np.asarray(block.ids)[rows].tolist()
            frames.append(contacts(ids, products).with_columns(pl.Series("gain", gains.amount[rows])))
        return (
            pl.concat(frames).sort("gain", CUSTOMER_ID, descending=[True, False]).head(capacity).drop("gain")
        )

    def under_rules(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        known = self.known(view, capacity)
        own = truth.of(known.ids, known.product_ids)
        return best(known, own.gain() + own.kept[:, None], capacity)

    def without_pauses(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        known = self.known(view, capacity)
        free = replace(known, blocked=np.zeros_like(known.blocked))
        own = truth.of(known.ids, known.product_ids)
        return best(free, own.gain() + own.kept[:, None], capacity, own.hazard > 0)

    def one_effect(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        known = self.known(view, capacity)
        own = truth.of(known.ids, known.product_ids)
        return best(known, own.gain(effect=MEAN_EFFECT) + own.kept[:, None], capacity)

    def observable_oracle(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        """The best calls under the rules, by what our features can say of the truth; no floors, no duties."""
        assert self.observable is not None
        known = self.known(view, capacity)
        hazard, factor, leaves = self.observable.of_known(truth.bank, view, known, truth.month)
        values = truth.of(known.ids, known.product_ids).value
        assets = np.concatenate([chunk.factors.economics.aum for chunk in known.day.decisions])
        moved = -np.expm1(-hazard * np.maximum(factor, 1e-6)[:, None])
        kept = leaves * SAVED_BY_CALL * np.nan_to_num(assets) * forward.ASSET_MARGIN
        gain = REACH * ((moved + np.expm1(-hazard)) * values + kept[:, None])
        return best(known, gain, capacity)

    def observable_attrition(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        """The best calls without duties and floors: our offers, the observable oracle's chance to leave."""
        known = self.known(view, capacity)
        kept = self._observable_kept(truth, view, known)
        return best(known, self._offers(known) + kept[:, None], capacity)

    def observable_offers(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        """The best calls without duties and floors: the observable oracle's offers, our keep amounts."""
        assert self.observable is not None
        known = self.known(view, capacity)
        hazard, factor, _ = self.observable.of_known(truth.bank, view, known, truth.month)
        values = truth.of(known.ids, known.product_ids).value
        moved = -np.expm1(-hazard * np.maximum(factor, 1e-6)[:, None])
        gain = REACH * (moved + np.expm1(-hazard)) * values
        return best(known, gain + self._kept(known)[:, None], capacity)

    def our_best(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        """The best calls by our own figures, one offer in each, without duties and floors."""
        known = self.known(view, capacity)
        return best(known, self._offers(known) + self._kept(known)[:, None], capacity)

    def _offers(self, known: Known) -> Floats:
        return np.concatenate([chunk.factors.money.priority for chunk in known.day.decisions])

    def _kept(self, known: Known) -> Floats:
        return np.nan_to_num(known.day.calls["keep_amount"].to_numpy())

    def _observable_kept(self, truth: Truth, view: View, known: Known) -> Floats:
        assert self.observable is not None
        _, _, leaves = self.observable.of_known(truth.bank, view, known, truth.month)
        assets = np.concatenate([chunk.factors.economics.aum for chunk in known.day.decisions])
        return np.asarray(REACH * leaves * SAVED_BY_CALL * np.nan_to_num(assets) * forward.ASSET_MARGIN)

    def our_chances(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        known = self.known(view, capacity)
        own = truth.of(known.ids, known.product_ids)
        hazard = -np.log1p(-np.minimum(known.without, 0.999))
        return best(known, own.gain(hazard, MEAN_EFFECT) + own.kept[:, None], capacity)

    def our_chances_true_effect(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        known = self.known(view, capacity)
        own = truth.of(known.ids, known.product_ids)
        hazard = -np.log1p(-np.minimum(known.without, 0.999))
        return best(known, own.gain(hazard) + own.kept[:, None], capacity)

    def no_duties(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        day = self.known(view, capacity).day
        able = day.calls.filter(pl.col("blocked").is_null() & (pl.col("priority") > 0))
        calls = able.sort("priority", CUSTOMER_ID, descending=[True, False]).head(capacity)
        made = forward.contacts_of_calls(day, calls)
        self.note(truth, day, calls, made)
        return made

    def call_list(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        day = self.known(view, capacity).day
        made = forward.contacts_of_calls(day, day.today)
        self.note(truth, day, day.today, made)
        return made

    def true_product(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        """The customers of the list, with the best allowed product by the truth."""
        known = self.known(view, capacity)
        today = set(forward.contacts_of_calls(known.day, known.day.today)[CUSTOMER_ID].to_list())
        mine = np.array([one in today for one in known.ids])
        own = truth.of(known.ids, known.product_ids)
        gain = np.where(mine[:, None], own.gain() + 1e6, -np.inf)
        chosen = best(replace(known, blocked=~mine), gain, capacity)
        rest = forward.contacts_of_calls(known.day, known.day.today).filter(
            ~pl.col(CUSTOMER_ID).is_in(chosen[CUSTOMER_ID].implode())
        )
        return pl.concat([chosen, rest])

    def true_customers(self, truth: Truth, view: View, capacity: int) -> pl.DataFrame:
        """The product that we would name, for the customers for whom it gains most by the truth."""
        known = self.known(view, capacity)
        weight = np.concatenate([chunk.priority for chunk in known.day.decisions])
        ours = np.where(known.allowed, weight, -np.inf).argmax(axis=1)
        named = np.zeros_like(known.allowed)
        named[np.arange(len(ours)), ours] = True
        own = truth.of(known.ids, known.product_ids)
        return best(known, own.gain() + own.kept[:, None], capacity, known.allowed & named)

    def note(self, truth: Truth, day: Day, calls: pl.DataFrame, made: pl.DataFrame) -> None:
        """Note what the calls were for, what was expected of them, and what they gain by the truth."""
        if self.log is None:
            return
        first = day.offers.filter(pl.col("rank") == 1).select(
            CUSTOMER_ID, "expected_gain", "chance_without_contact", "value_amount"
        )
        rows = made.join(calls, on=CUSTOMER_ID, how="left", maintain_order="left")
        rows = rows.join(first, on=CUSTOMER_ID, how="left", maintain_order="left")
        own = truth.of(rows[CUSTOMER_ID].to_list())
        number = {product: column for column, product in enumerate(truth.bank.catalogue.ids)}
        places = np.array([number[one] for one in rows[PRODUCT_ID].to_list()], np.int64)
        gain = own.gain()[np.arange(len(places)), places]
        natural = own.chance[np.arange(len(places)), places]
        amounts = ("grow_amount", "keep_amount", "develop_amount", "unlocked_amount", "priority")
        offer = ("product_id", "expected_gain", "chance_without_contact", "value_amount")
        told = rows.select("kind", *amounts, *offer)
        found = told.with_columns(
            pl.Series("gain", gain),
            pl.Series("kept", own.kept),
            pl.Series("effect", own.effect),
            pl.Series("natural", natural),
        )
        self.log += [{"month": truth.month, **row} for row in found.to_dicts()]


# An answered call lowers the log-hazard of leaving by 0.9; it raises it by 0.5 for the 15 % whom it puts off.
SAVED_BY_CALL = 0.85 * (1 - np.exp(-0.9)) - 0.15 * (np.exp(0.5) - 1)
MEAN_EFFECT = 1.9  # of an answered call, so that with its reach the mean gain is that of the bank


class TruthLife(forward.Life):
    """A life under an arm that may look at the truth."""

    def __init__(self, warm: WarmBank, capacity: int, folder: Path, choose: Choose) -> None:
        super().__init__(warm, capacity, folder)
        self.choose_by_truth = choose

    def _chosen(self, month: int, before: list[MonthHazards], choose: Any) -> pl.DataFrame:
        bank = self.warm.bank
        history = History.open(self.tables, self.warm.spec.threads)
        view = history.as_of(bank.calendar.snapshot_date(month - 1))
        return self.choose_by_truth(Truth(bank, self.blocks, before, month), view, self.capacity)


def arms(
    recommender: Recommender, observable: Observable | None = None
) -> Mapping[str, tuple[Choose, Arm | None]]:
    """Return the policies by name."""

    def with_(changed: dict[str, Any], who: Recommender = recommender) -> Arm:
        return Arm(who, SETTINGS.model_copy(update=changed), [])

    no_money, no_chance = {"minute_amount": 0.0}, {"min_chance_ratio": 0.0}
    free = {**no_money, **no_chance}
    plain, open_ = Arm(recommender, SETTINGS, []), with_(free)
    found: dict[str, tuple[Choose, Arm | None]] = {
        "calls alone": (plain.oracle_calls, None),
        "calls, no pauses of list and policy but the simulator's": (plain.without_pauses, None),
        "calls under the rules": (plain.under_rules, None),
        "one effect for all": (plain.one_effect, None),
        "our chances": (plain.our_chances, None),
        "our chances, true effects": (plain.our_chances_true_effect, None),
    }
    own = {
        "our value figures": (open_, "no_duties"),
        "floors": (with_({}), "no_duties"),
        "call list": (with_({}), "call_list"),
        "call list, assumed": (with_({}, bench.with_assumed_effects(recommender)), "call_list"),
        "no duties, assumed": (with_({}, bench.with_assumed_effects(recommender)), "no_duties"),
        "call list, effect 1.1": (with_({}, bench.with_assumed_effects(recommender, 1.1)), "call_list"),
        "call list, effect 1.5": (with_({}, bench.with_assumed_effects(recommender, 1.5)), "call_list"),
        "call list, one offer": (with_({"offers": 1}), "call_list"),
        "call list, rest 31": (with_({"rest_days": 31}), "call_list"),
        "call list, rest 62": (with_({"rest_days": 62}), "call_list"),
        "one offer, rest 31": (with_({"offers": 1, "rest_days": 31}), "call_list"),
        "one offer, rest 62": (with_({"offers": 1, "rest_days": 62}), "call_list"),
        "no duties, one offer": (with_({"offers": 1}), "no_duties"),
        "call list, no coverage": (with_({"coverage_rate": 0.0}), "call_list"),
        "call list, no money floor": (with_(no_money), "call_list"),
        "call list, no chance floor": (with_(no_chance), "call_list"),
        "call list, no floors": (with_(free), "call_list"),
        "call list, no floors, assumed": (with_(free, bench.with_assumed_effects(recommender)), "call_list"),
        "call list, no floors, no coverage": (with_({**free, "coverage_rate": 0.0}), "call_list"),
        "call list, true product": (with_({}), "true_product"),
        "true customers, our product": (with_(free), "true_customers"),
    }
    for name, (arm, way) in own.items():
        found[name] = (getattr(arm, way), arm)
    if observable is not None:
        with_truth = Arm(recommender, observable=observable)
        found[OBSERVABLE] = (with_truth.observable_oracle, None)
        found["our offers, observable attrition"] = (with_truth.observable_attrition, None)
        found["observable offers, our attrition"] = (with_truth.observable_offers, None)
        found["our figures, no duties, no floors"] = (with_truth.our_best, None)
    return found


def prepared(
    seed: int, customers: int, months: int, work: Path, recipe: str = QUICK
) -> tuple[WarmBank, Recommender]:
    """Return a bank and what a recipe learnt from it, each made once."""
    folder = work / f"bank-{seed}"
    ready, model = folder / "warm.pickle", folder / named("model", recipe, "-")
    if not ready.exists():
        spec = ForwardSpec(customers, bench.PAST_MONTHS, months, seed, 1)
        bench.say(f"seed {seed}: simulating")
        ready.write_bytes(pickle.dumps(forward.warm_start(spec, bench.PROJECT.settings, folder)))
    warm: WarmBank = pickle.loads(ready.read_bytes())
    if not model.exists():
        bench.say(f"seed {seed}: learning by {recipe}")
        begin, history = time.process_time(), warm.history
        recommender = bench.learnt(warm, recipe)
        bench.say(f"seed {seed}: {recipe} learnt ({time.process_time() - begin:.0f} s CPU)")
        recommender.save(model, {}, history.as_of(history.snapshot_dates[-1]))
    return warm, Recommender.load(model, 1)


def named(name: str, recipe: str, between: str = ", ") -> str:
    """Return the name of what a recipe made; those of `quick` have none of their own."""
    return name if recipe == QUICK else f"{name}{between}{recipe}"


def lived(seed: int, plan: argparse.Namespace) -> Iterator[pl.DataFrame]:
    """Let a bank live on under each arm; lives that were lived before are read."""
    for recipe in plan.recipes:
        yield from _lived(seed, plan, recipe, recipe == plan.recipes[0])


def _lived(seed: int, plan: argparse.Namespace, recipe: str, with_ends: bool) -> Iterator[pl.DataFrame]:
    """Let a bank live on under the arms of a recipe; arms that know the truth live once, by the first one."""
    warm, recommender = prepared(seed, plan.customers, plan.months, plan.work, recipe)
    capacity = bench.capacity_of(warm.history.as_of(warm.history.snapshot_dates[-1]))
    folder = plan.work / f"bank-{seed}"
    chosen = arms(recommender, opened_observable(plan.observable, plan.work, warm.bank))
    everybody = {"nobody": None, "oracle": None, **chosen}
    for name in plan.arms or everybody:
        of_truth = name in ("nobody", "oracle", OBSERVABLE)
        if of_truth and not with_ends:
            continue
        label = name if of_truth else named(name, recipe)
        path = folder / f"{label}.parquet"
        if not path.exists():
            begin = time.process_time()
            if name in ("nobody", "oracle"):
                policy = {"nobody": forward.nobody} if name == "nobody" else {}
                found = forward.run(warm, policy, capacity, folder / f"life-{name}", oracle=name == "oracle")
            else:
                choose, arm = chosen[name]
                life = TruthLife(warm, capacity, folder / f"life-{label}", choose)
                life.live(None)
                found = life.frame(label)
                shutil.rmtree(life.folder)
                if arm is not None and arm.log:
                    (folder / f"{label}.json").write_text(json.dumps(arm.log, default=str))
            found.write_parquet(path)
            bench.say(f"seed {seed}: {label} ({time.process_time() - begin:.0f} s CPU)")
        told = pl.read_parquet(path).with_columns(pl.lit(seed).alias("seed"), pl.lit(label).alias("arm"))
        yield told


def expected_and_gained(work: Path, seeds: Sequence[int], name: str) -> tuple[float, float] | None:
    """Return what an arm expected of its first offers, and what they gained; None where it kept no log."""
    paths = [work / f"bank-{seed}" / f"{name}.json" for seed in seeds]
    if not all(path.exists() for path in paths):
        return None
    rows = [row for path in paths for row in json.loads(path.read_text(encoding="utf-8"))]
    return sum(row["expected_gain"] or 0.0 for row in rows), sum(row["gain"] for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--arms", nargs="*")
    parser.add_argument(
        "--recipes", nargs="+", default=[DEFAULT], help="recipes that learn, each with all arms"
    )
    parser.add_argument("--observable", type=Path, help="a bank of experiment 008, with its true chances")
    plan = parser.parse_args()
    plan.work.mkdir(parents=True, exist_ok=True)
    lives = pl.concat([part for seed in plan.seeds for part in lived(seed, plan)])
    if not {"nobody", "oracle"} <= set(lives["arm"].unique()):
        return
    counted = bench.in_books(lives)
    for name in lives["arm"].unique(maintain_order=True):
        sums = expected_and_gained(plan.work, plan.seeds, name)
        if sums is not None:
            print(f"{name:<50}expected of first offers {sums[0]:9,.0f}, gained {sums[1]:9,.0f}")
    for whose in ("oracle", *({OBSERVABLE} & set(lives["arm"].unique()))):
        print(f"share of what the {whose} gains over calling nobody")
        for row in bench.oracle_shares(counted, whose):
            told = f"{row['share']:7.1%} [{row['low']:.1%}, {row['high']:.1%}]"
            print(f"  {row['arm']:<48}{row['measure']:<18}{told}")
    tell_differences(counted)


def tell_differences(lives: pl.DataFrame) -> None:
    """Print earned + 1 % of assets kept, a customer, of each arm less that of the call list."""
    if bench.CALL_LIST not in lives["arm"].unique():
        return
    print(f"{bench.MEASURES['worth_amount']}, yuan a customer, to the {bench.CALL_LIST}")
    rows = forward.compare(lives, bench.CALL_LIST).filter(pl.col("measure") == "worth_amount")
    for row in rows.to_dicts():
        print(f"  {row['arm']:<48}{row['difference']:7.2f} [{row['low']:.2f}, {row['high']:.2f}]")


if __name__ == "__main__":
    main()
