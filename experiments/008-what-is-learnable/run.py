"""Experiment 008: what of the distance to the oracle could be learnt? python run.py WORK [LARGEST SEED...]

LARGEST is the number of customers that the observable oracle learns from, SEEDs are the judged banks.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.recipe import read_recipe
from vipreco.arbitration import SlateRules, slate
from vipreco.catalog import Catalog
from vipreco.features import FeatureSet, Vocabulary
from vipreco.history import History, View
from vipreco.policy import ALLOWED, Policy
from vipreco.project import Project
from vipreco.propensity import Machine, lightgbm
from vipreco.recommender import Gatherer, Panel, Recommender, TrainingData, kept_columns
from vipreco.simulator import VIP_TIERS, simulate
from vipreco.tables import import_

JUDGED, LARGE_SEED, LARGEST = (11, 12), 13, 100_000
CUSTOMERS, MONTHS, RECENT, TOP, CALL_RATE = 20_000, 24, 12, 3, 0.1
OTHERS = 20_000  # customers without an acquisition that one booster learns from, a sample weighted back
RESAMPLES = 500
SETTINGS = {
    "objective": "cross_entropy",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 2,
    "force_col_wise": True,
    "deterministic": True,
    "seed": 1,
    "verbosity": -1,
}
ROUNDS = 150
BEHAVIOUR = "SELECT * EXCLUDE (month_date), strftime(month_date, '%Y%m') AS month FROM activity"
Floats = NDArray[np.float64]
Columns = NDArray[np.float32]


@dataclass(frozen=True)
class Bank:
    """A simulated bank, imported."""

    folder: Path
    history: History

    @property
    def months(self) -> dict[date, str]:
        """As-of dates whose coming month has true chances, with that month."""
        labels = sorted(path.stem[-6:] for path in (self.folder / "bank" / "truth").glob("acquisitions_*"))
        days = self.history.snapshot_dates
        return {max(day for day in days if f"{day:%Y%m}" < label): label for label in labels}

    def chances(self, day: date, ids: NDArray[Any], products: tuple[str, ...]) -> Floats:
        """Return the true chances of the month after a date, 0 for who was not at risk, shape (n, P)."""
        path = self.folder / "bank" / "truth" / f"acquisitions_{self.months[day]}.parquet"
        rows = pl.DataFrame({"customer_id": ids.astype(str)})
        found = rows.join(pl.read_parquet(path), on="customer_id", how="left", maintain_order="left")
        return np.asarray(found.select(products).fill_null(0).to_numpy(), np.float64)


@dataclass(frozen=True)
class Form:
    """Fitted boosters, one a product; None where nobody could acquire it."""

    boosters: tuple[Any, ...]

    def chances(self, values: Columns) -> Floats:
        parts = [booster.predict(values) if booster else np.zeros(len(values)) for booster in self.boosters]
        return np.column_stack(parts)


def say(sentence: str) -> None:
    print(f"{time.process_time():7.0f} s CPU  {sentence}", file=sys.stderr, flush=True)


def bank_of(work: Path, customers: int, seed: int, project: Project) -> Bank:
    folder = work / f"{customers}-{seed}"
    if not (folder / "tables").exists():
        shutil.rmtree(folder, ignore_errors=True)
        simulate(customers, MONTHS, seed, folder / "bank")
        raw = sorted(path for path in (folder / "bank" / "raw").iterdir() if path.is_file())
        import_(folder / "tables", folder / "bank" / "mapping.toml", raw, project.settings)
    return Bank(folder, History.open(folder / "tables", threads=project.threads))


def columns_of(view: View, features: FeatureSet, vocabulary: Vocabulary, wide: bool) -> tuple[Any, Columns]:
    """Return ids and columns of all customers of a view; `wide` adds the single months of their behaviour."""
    products = tuple(Catalog.from_view(view).product_ids)
    computed = features.compute(view, products).encoded(vocabulary)
    parts = [matrix.values for matrix in computed.chunks(50_000)]
    values = np.concatenate(parts)
    if wide:
        values = np.column_stack([values, _months(view, computed.customer_ids)])
    return computed.customer_ids, values


def _months(view: View, ids: NDArray[Any]) -> Columns:
    """Return each number of each of the last `RECENT` months, newest first, shape (n, months x numbers)."""
    rows = pl.DataFrame(view.query(BEHAVIOUR))
    months = sorted(rows["month"].unique().to_list(), reverse=True)[:RECENT]
    people = pl.DataFrame({"customer_id": ids.astype(str)})
    numbers = [name for name, kind in rows.schema.items() if kind.is_numeric()]
    parts = []
    for month in months:
        own = rows.filter(pl.col("month") == month).select("customer_id", *numbers)
        found = people.join(own, on="customer_id", how="left", maintain_order="left")
        parts.append(found.select(pl.col(numbers).cast(pl.Float32)).to_numpy())
    return np.column_stack(parts).astype(np.float32)


def fitted(values: Columns, target: Floats, weights: Callable[[int], NDArray[Any]]) -> Form:
    """Fit one booster a product on chances, or on what was acquired.

    Args:
        values: Shape (n, columns).
        target: Chance of each pair, or 1 where it was acquired, shape (n, P).
        weights: Of the rows for a product, 0 where a row is not learnt from.
    """
    boosters = []
    data = None
    for product in range(target.shape[1]):
        share = weights(product).astype(np.float32)
        rows = np.flatnonzero(share)
        if target[rows, product].sum() < 1e-3:
            boosters.append(None)
            continue
        whole = len(rows) == len(values)
        if whole and data is None:
            data = lightgbm.Dataset(values, params=SETTINGS, free_raw_data=False)
        own = data if whole else lightgbm.Dataset(values[rows], params=SETTINGS)
        own.set_label(target[rows, product])
        own.set_weight(share[rows])
        boosters.append(lightgbm.train(SETTINGS, own, ROUNDS))
    return Form(tuple(boosters))


def observable(
    bank: Bank, features: FeatureSet, vocabulary: Vocabulary, sizes: list[int], wide: bool
) -> dict[int, Form]:
    """Fit the observable oracle on parts of the large bank."""
    day = max(bank.months)
    view = bank.history.as_of(day)
    ids, values = columns_of(view, features, vocabulary, wide)
    target = bank.chances(day, ids, tuple(Catalog.from_view(view).product_ids))
    order = np.random.default_rng(1).permutation(len(ids))
    found = {}
    for size in sizes:
        rows = order[:size]
        found[size] = fitted(values[rows], target[rows], lambda _, own=rows: np.ones(len(own)))
        say(f"observable oracle on {size:,} customers{' with single months' if wide else ''}")
    return found


def of_own_bank(gatherer: Gatherer, panel: Panel) -> Form:
    """Fit the same form on the acquisitions that the bank had, with all acquirers and some others."""
    rows = gatherer.rows(panel)
    random = np.random.default_rng(1).random(len(rows))

    def weights(product: int) -> NDArray[Any]:
        possible = rows.listable[:, product] | rows.acquired[:, product]
        others = possible & ~rows.acquired[:, product]
        rate = min(1.0, OTHERS / max(others.sum(), 1))
        return np.where(rows.acquired[:, product], 1.0, (others & (random < rate)) / rate) * rows.weights

    return fitted(rows.values, rows.acquired.astype(np.float64), weights)


@dataclass(frozen=True)
class Judged:
    """Reward of each customer by arm, effort and unit; and who is VIP."""

    rewards: dict[tuple[str, str, str], Floats]
    vip: NDArray[np.bool_]


def judged_bank(
    work: Path, seed: int, project: Project, oracles: dict[str, tuple[Form, Vocabulary, bool]]
) -> Judged:
    """Fit our recipe on a bank, and judge it beside the observable oracles."""
    bank = bank_of(work, CUSTOMERS, seed, project)
    recipe = read_recipe(project.root / "training" / "recipes" / "default.toml")
    features, settings = FeatureSet.read(project.features, project.settings.tiers), recipe.recommender
    day = bank.history.snapshot_dates[-2]
    learnt = tuple(one for one in bank.history.snapshot_dates if one < day)[-recipe.data.newest :]
    machine, policy = Machine(seed, project.threads), Policy.read(settings.policy, project.root)
    say(f"seed {seed}: fitting the default recipe on {len(learnt)} months")
    panel = Panel(bank.history, learnt)
    ours = Recommender.fit(TrainingData(panel), features, settings, machine, policy=policy)
    say(f"seed {seed}: fitting the form of the observable oracle on the same months")
    kept = kept_columns(ours.names, ())
    form = of_own_bank(Gatherer(features, ours.vocabulary, ours.product_ids, kept, settings, seed), panel)
    view = bank.history.as_of(day)
    valued = ours.arbitrated(settings.arbitration.model_copy(update={"value": "unit_value"}))
    chunks = list(valued.decide(view))
    products, rules = chunks[0].product_ids, chunks[0].slate_rules
    ids = np.concatenate([chunk.customer_ids for chunk in chunks])
    allowed = np.concatenate([chunk.verdict == ALLOWED for chunk in chunks])
    values = Catalog.from_view(view).unit_values
    scores = {"propensity x value": np.concatenate([chunk.propensity for chunk in chunks]) * values}
    own = columns_of(view, features, ours.vocabulary, wide=False)[1]
    scores["same form, own acquisitions"] = form.chances(own) * values
    for name, (oracle, vocabulary, wide) in oracles.items():
        scores[name] = oracle.chances(columns_of(view, features, vocabulary, wide)[1]) * values
    scores["full decision"] = np.concatenate(
        [np.where(chunk.slate(TOP) > 0, chunk.priority, -np.inf) for chunk in chunks]
    )
    chance = bank.chances(day, ids, products)
    tiers = np.array([tier or "" for tier in view.population()["tier"].to_pylist()])
    say(f"seed {seed}: judging")
    return Judged(_rewards(scores, chance, values, allowed, rules), np.isin(tiers, VIP_TIERS))


def _rewards(
    scores: dict[str, Floats], chance: Floats, values: Floats, allowed: NDArray[Any], rules: SlateRules
) -> dict[tuple[str, str, str], Floats]:
    free = replace(rules, min_priority=-np.inf)
    found = {}
    for unit, reward in (("money", chance * values), ("acquisitions", chance)):
        for arm, score in {"oracle": reward, **scores}.items():
            # acquisitions are ordered by the chance alone, except for our own decision
            plain = score if unit == "money" or arm in {"oracle", "full decision"} else score / values
            order = np.where(allowed, plain, -np.inf)
            places = slate(order, order > -np.inf, free, TOP)
            found["list", unit, arm] = (reward * (places > 0)).sum(axis=1)
            first = reward[np.arange(len(order)), order.argmax(axis=1)] * (order.max(axis=1) > -np.inf)
            found["calls", unit, arm] = np.stack([first, order.max(axis=1)], axis=1)
    return found


def shares(banks: list[Judged], effort: str, unit: str, vip: bool) -> dict[str, dict[str, float]]:
    """Return each arm's share of the oracle with its interval over the customers."""
    arms = [arm for one_effort, one_unit, arm in banks[0].rewards if (one_effort, one_unit) == (effort, unit)]

    def column(bank: Judged, arm: str) -> Floats:
        rows = bank.vip if vip else np.ones_like(bank.vip)
        found = bank.rewards[effort, unit, arm][rows]
        if effort == "list":
            return found
        line = np.sort(found[:, 1])[-int(np.ceil(CALL_RATE * len(found)))]
        return np.asarray(found[:, 0] * (found[:, 1] >= line))

    table = np.column_stack([np.concatenate([column(bank, arm) for bank in banks]) for arm in arms])
    random = np.random.default_rng(1)
    drawn = np.array([random.poisson(1.0, len(table)) @ table for _ in range(RESAMPLES)])
    ratio, own = drawn / drawn[:, [0]], table.sum(axis=0) / table[:, 0].sum()
    low, high = np.quantile(ratio, [0.025, 0.975], axis=0)
    return {
        arm: {"share": float(own[i]), "low": float(low[i]), "high": float(high[i])}
        for i, arm in enumerate(arms)
    }


def main(work: Path, largest: int, seeds: tuple[int, ...]) -> None:
    project = Project.find()
    features = FeatureSet.read(project.features, project.settings.tiers)
    large = bank_of(work, largest, LARGE_SEED, project)
    view = large.history.as_of(max(large.months))
    computed = features.compute(view, tuple(Catalog.from_view(view).product_ids))
    vocabulary = features.learn_vocabulary(computed)
    sizes = [size for size in (10_000, 30_000) if size < largest] + [largest]
    forms = observable(large, features, vocabulary, sizes, wide=False)
    oracles = {f"observable oracle, {size:,}": (form, vocabulary, False) for size, form in forms.items()}
    wide = observable(large, features, vocabulary, [largest], wide=True)[largest]
    oracles["observable oracle with single months"] = (wide, vocabulary, True)
    banks = [judged_bank(work, seed, project, oracles) for seed in seeds]
    found = {
        f"{effort}, {unit}, {part}": shares(banks, effort, unit, part == "VIP")
        for effort in ("list", "calls")
        for unit in ("money", "acquisitions")
        for part in ("all", "VIP")
    }
    content = {
        "largest": largest,
        "seeds": list(seeds),
        "cpu_seconds": round(time.process_time()),
        "shares": found,
    }
    path = Path(__file__).with_name("results.json")
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for name, arms in found.items():
        print(name)
        for arm, one in arms.items():
            print(f"  {arm:<40}{one['share']:.3f} [{one['low']:.3f}, {one['high']:.3f}]")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        int(sys.argv[2]) if len(sys.argv) > 2 else LARGEST,
        tuple(map(int, sys.argv[3:])) or JUDGED,
    )
