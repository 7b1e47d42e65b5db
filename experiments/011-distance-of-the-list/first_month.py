"""Experiment 011: what the calls of the first month gain by the truth, switch by switch.

    python experiments/011-distance-of-the-list/first_month.py WORK --seeds 51 52 [--observable BANK]

Banks and models are those of `run.py`. BANK is the folder of a bank of experiment 008 with its true chances:
boosters learn them from our features, and stand in the place of our chances.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

import bench_decisions as bench
import run

from vipreco.catalog import Catalog
from vipreco.features import FeatureSet, Vocabulary
from vipreco.history import History, View
from vipreco.propensity import lightgbm
from vipreco.simulator import VIP_TIERS, WarmBank, hazards_of_month

Floats = NDArray[np.float64]
LABELS = ("202510", "202511", "202512")
OTHERS, ROUNDS = 4_000, 60  # customers of a month beside the VIP customers; trees of a product
SETTINGS = {
    "objective": "cross_entropy",
    "learning_rate": 0.12,
    "num_leaves": 31,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "num_threads": 1,
    "force_col_wise": True,
    "deterministic": True,
    "seed": 1,
    "verbosity": -1,
}
CUSTOMERS = "SELECT customer_id, list_contains($1, tier) AS vip FROM customers_now ORDER BY 1"


@dataclass(frozen=True)
class Observable:
    """Chances that boosters learnt from the true ones, without the season of the month."""

    features: FeatureSet
    vocabulary: Vocabulary
    products: tuple[str, ...]
    boosters: tuple[Any, ...]

    @classmethod
    def of(cls, folder: Path, warm: WarmBank) -> Observable:
        """Learn from the last months of another bank: all VIP customers, and a sample of the others."""
        history = History.open(folder / "tables", 1)
        features = FeatureSet.read(bench.PROJECT.features, bench.PROJECT.settings.tiers)
        vocabulary, values, targets = None, [], []
        products = tuple(Catalog.from_view(history.as_of(history.snapshot_dates[-1])).product_ids)
        for label in LABELS:
            view = history.as_of(max(day for day in history.snapshot_dates if f"{day:%Y%m}" < label))
            computed = features.compute(_sampled(view), products)
            vocabulary = vocabulary or features.learn_vocabulary(computed)
            computed = computed.encoded(vocabulary)
            values.append(np.concatenate([part.values for part in computed.chunks(50_000)]))
            path = folder / "bank" / "truth" / f"uncontacted_{label}.parquet"
            rows = pl.DataFrame({"customer_id": computed.customer_ids.astype(str)})
            true = rows.join(pl.read_parquet(path), on="customer_id", how="left", maintain_order="left")
            chance = np.minimum(true.select(products).fill_null(0).to_numpy().astype(np.float64), 0.999)
            season = _season(warm, products, int(label[4:]) - 1)
            targets.append(-np.expm1(np.log1p(-chance) / season))
        assert vocabulary is not None
        data = lightgbm.Dataset(np.concatenate(values), params=SETTINGS, free_raw_data=False)
        boosters = []
        for column in np.concatenate(targets).T:
            data.set_label(column)
            known = column.sum() >= 1e-3
            boosters.append(lightgbm.train(SETTINGS, data, ROUNDS) if known else None)
        return cls(features, vocabulary, products, tuple(boosters))

    def hazards(self, warm: WarmBank, view: View, known: run.Known, month: int) -> Floats:
        """Return the hazards of known customers and products in a month, shape (n, P)."""
        asked = view.of(pa.array(known.ids, pa.string()))
        computed = self.features.compute(asked, self.products).encoded(self.vocabulary)
        values = np.concatenate([part.values for part in computed.chunks(50_000)])
        nothing = np.zeros(len(values))
        found = np.column_stack([one.predict(values) if one else nothing for one in self.boosters])
        place = {customer: row for row, customer in enumerate(computed.customer_ids.astype(str).tolist())}
        rows = [place[customer] for customer in known.ids]
        columns = [self.products.index(product) for product in known.product_ids]
        hazard = -np.log1p(-np.minimum(found[rows][:, columns], 0.999))
        of_year = warm.bank.calendar.of_year(month)
        return np.asarray(hazard * _season(warm, known.product_ids, of_year))


def _sampled(view: View) -> View:
    people = pl.DataFrame(view.query(CUSTOMERS, [list(VIP_TIERS)]))
    others = people.filter(~pl.col("vip")).sample(OTHERS, seed=1)
    ids = pl.concat([people.filter("vip"), others])["customer_id"].sort()
    return view.of(pa.array(ids.to_list(), pa.string()))


def _season(warm: WarmBank, products: Sequence[str], of_year: int) -> Floats:
    catalogue = warm.bank.catalogue
    names = list(catalogue.ids)
    season = np.asarray(catalogue.season[of_year], np.float64)
    return season[[names.index(product) for product in products]]


def judged(seed: int, plan: argparse.Namespace, observable: Observable | None) -> dict[str, dict[str, float]]:
    """Return what each arm's calls gain by the truth in the first month that is decided."""
    warm, recommender = run.prepared(seed, plan.customers, plan.months, plan.work)
    month, blocks = warm.spec.past_months, warm.copied_blocks()
    before = [hazards_of_month(warm.bank, block, month) for block in blocks]
    truth = run.Truth(warm.bank, blocks, before, month)
    view = warm.history.as_of(warm.bank.calendar.snapshot_date(month - 1))
    capacity = bench.capacity_of(view)
    arms = {name: arm for name, (arm, _) in run.arms(recommender).items()}
    made = {name: arms[name](truth, view, capacity) for name in (arms if plan.arms is None else plan.arms)}
    if observable is not None:
        known = run.Arm(recommender).known(view, capacity)
        own = truth.of(known.ids, known.product_ids)
        hazard = observable.hazards(warm, view, known, month)
        gain = own.gain(hazard, run.MEAN_EFFECT) + own.kept[:, None]
        made["observable chances"] = run.best(known, gain, capacity)
    return {name: truth.gained(calls) for name, calls in made.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[51, 52])
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--observable", type=Path)
    parser.add_argument("--arms", nargs="*")
    plan = parser.parse_args()
    observable = None
    if plan.observable is not None:
        warm = run.prepared(plan.seeds[0], plan.customers, plan.months, plan.work)[0]
        observable = Observable.of(plan.observable, warm)
        bench.say("learnt the true chances")
    found = {str(seed): judged(seed, plan, observable) for seed in plan.seeds}
    (plan.work / "first-month.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for seed, rows in found.items():
        for name, row in rows.items():
            print(f"{seed} {name:<60}" + "".join(f"{key} {value:9.0f}  " for key, value in row.items()))


if __name__ == "__main__":
    main()
