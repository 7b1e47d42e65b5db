"""Observable oracle: what our features say of true chances, learnt from the truth of another bank.

Boosters learn from our features what the oracle knows: the chance of each acquisition without a contact, the
factor of an answered call, and the chance to leave. It is what endless data would teach this form about these
features, up to the size of the bank.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench_decisions as bench
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.catalog import Catalog
from vipreco.features import FeatureSet, Vocabulary
from vipreco.history import History, View
from vipreco.propensity import lightgbm
from vipreco.simulator import VIP_TIERS, Bank

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
    """Boosters that learnt from the truth.

    Args:
        features: Of the project.
        vocabulary: Of the bank that they learnt from.
        products: Products, shape (P,).
        boosters: Of the chance of each product without the season of the month; None: nobody acquires it.
        factor: Of the factor by which an answered call multiplies the hazard.
        attrition: Of the chance to leave within the month.
    """

    features: FeatureSet
    vocabulary: Vocabulary
    products: tuple[str, ...]
    boosters: tuple[Any, ...]
    factor: Any
    attrition: Any

    @classmethod
    def of(cls, folder: Path, bank: Bank) -> Observable:
        """Learn from the last months of another bank: all VIP customers, and a sample of the others."""
        history = History.open(folder / "tables", 1)
        features = FeatureSet.read(bench.PROJECT.features, bench.PROJECT.settings.tiers)
        vocabulary, values, targets, persons = None, [], [], []
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
            people = pl.read_parquet(folder / "bank" / "truth" / f"customers_{label}.parquet")
            persons.append(rows.join(people, on="customer_id", how="left", maintain_order="left"))
            season = _season(bank, products, int(label[4:]) - 1)
            targets.append(-np.expm1(np.log1p(-chance) / season))
        assert vocabulary is not None
        data = lightgbm.Dataset(np.concatenate(values), params=SETTINGS, free_raw_data=False)
        boosters = []
        for column in np.concatenate(targets).T:
            data.set_label(column)
            known = column.sum() >= 1e-3
            boosters.append(lightgbm.train(SETTINGS, data, ROUNDS) if known else None)
        truth = pl.concat(persons)
        factor = np.exp(truth["effect_call"].fill_null(0).to_numpy().astype(np.float64))
        attrition = truth["attrition_probability"].fill_null(0).to_numpy().astype(np.float64)
        data.set_label(factor)
        of_factor = lightgbm.train({**SETTINGS, "objective": "poisson"}, data, ROUNDS)
        data.set_label(attrition)
        of_attrition = lightgbm.train(SETTINGS, data, ROUNDS)
        return cls(features, vocabulary, products, tuple(boosters), of_factor, of_attrition)

    def of_known(self, bank: Bank, view: View, known: Any, month: int) -> tuple[Floats, Floats, Floats]:
        """Return hazards without a contact (n, P), factor of an answered call and chance to leave (n,)."""
        asked = view.of(pa.array(known.ids, pa.string()))
        computed = self.features.compute(asked, self.products).encoded(self.vocabulary)
        values = np.concatenate([part.values for part in computed.chunks(50_000)])
        place = {customer: row for row, customer in enumerate(computed.customer_ids.astype(str).tolist())}
        values = values[[place[customer] for customer in known.ids]]
        nothing = np.zeros(len(values))
        found = np.column_stack([one.predict(values) if one else nothing for one in self.boosters])
        columns = [self.products.index(product) for product in known.product_ids]
        hazard = -np.log1p(-np.minimum(found[:, columns], 0.999))
        season = _season(bank, known.product_ids, bank.calendar.of_year(month))
        factor, leaves = (np.asarray(one.predict(values)) for one in (self.factor, self.attrition))
        return hazard * season, factor, leaves


def opened_observable(folder: Path | None, work: Path, bank: Bank) -> Observable | None:
    """Return the observable oracle of a bank of experiment 008, learnt once; None without one.

    Args:
        folder: Of the bank of 008.
        work: Where it stays.
        bank: Any other bank: all have the same seasons.
    """
    if folder is None:
        return None
    kept = work / "observable.pickle"
    if not kept.exists():
        kept.write_bytes(pickle.dumps(Observable.of(folder, bank)))
        bench.say("learnt the true chances")
    found: Observable = pickle.loads(kept.read_bytes())
    return found


def _sampled(view: View) -> View:
    people = pl.DataFrame(view.query(CUSTOMERS, [list(VIP_TIERS)]))
    others = people.filter(~pl.col("vip")).sample(OTHERS, seed=1)
    ids = pl.concat([people.filter("vip"), others])["customer_id"].sort()
    return view.of(pa.array(ids.to_list(), pa.string()))


def _season(bank: Bank, products: Sequence[str], of_year: int) -> Floats:
    catalogue = bank.catalogue
    names = list(catalogue.ids)
    season = np.asarray(catalogue.season[of_year], np.float64)
    return season[[names.index(product) for product in products]]
