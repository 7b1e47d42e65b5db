"""Experiment 001: which shape of model gives P(customer acquires product)? Run: python run.py WORK [ARM...]

WORK is the folder that `make bench-quality` made; it holds the imported Santander files. An ARM is a number
from 0; the others keep the results that they have. The reference, 0, is always run.
Question, decision rule and result: report.md.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from training.recipe import read_recipe
from vipreco.catalog import Catalog
from vipreco.collaborative import SOURCES, HoldingState, holding_state, segment_values
from vipreco.features import FeatureSet
from vipreco.folds import customer_folds
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Booster, Examples, FitContext, LabelledRows, Machine, ProductModel
from vipreco.recommender import Gatherer, Panel, kept_columns
from vipreco.stats import average_precision, calibration_summary, novel, paired_difference

RESULTS = HERE / "results.json"
AS_OF = date(2015, 5, 31)
FOLDS = 5
K = 7
Scores = NDArray[np.float64]
Scorer = Callable[[NDArray[np.int64]], Scores]


@dataclass(frozen=True)
class Data:
    """All labelled customers of one as-of date, with everything that an arm may use."""

    rows: LabelledRows
    state: HoldingState
    tiers: NDArray[np.object_]
    context: FitContext


@dataclass(frozen=True)
class Arm:
    """One answer to the question: fits on some customers, then scores others."""

    name: str
    fit: Callable[[Data, NDArray[np.int64]], Scorer]


def shares(data: Data, train: NDArray[np.int64]) -> Scorer:
    """One multiclass booster over the acquirers."""
    model = ProductModel.fit(data.rows.take(train), data.context)
    return lambda rows: model.shares(data.rows.values[rows])


def bagged(data: Data, train: NDArray[np.int64]) -> Scorer:
    """Three of them that differ in their seed."""
    settings = data.context.settings.model_copy(update={"bags": 3})
    return shares(replace(data, context=replace(data.context, settings=settings)), train)


def one_a_product(data: Data, train: NDArray[np.int64]) -> Scorer:
    """One binary booster a product, fitted on the customers who do not hold it."""
    boosters = {}
    for product in range(data.rows.acquired.shape[1]):
        free = train[data.rows.listable[train, product]]
        labels = data.rows.acquired[free, product]
        if labels.sum() >= 2:
            boosters[product] = binary(data, data.rows.values[free], labels, data.context.names)

    def score(rows: NDArray[np.int64]) -> Scores:
        found = np.full((len(rows), data.rows.acquired.shape[1]), 1e-9)
        for product, booster in boosters.items():
            found[:, product] = booster.score(data.rows.values[rows])
        return found

    return score


def pairs(data: Data, train: NDArray[np.int64]) -> Scorer:
    """One binary booster over customer-product pairs: the product's own block, the customer, the product."""
    customer, own = pair_columns(data.context.names, data.rows.acquired.shape[1])

    def pair_values(rows: NDArray[np.int64], products: NDArray[np.int64]) -> NDArray[np.float32]:
        values = data.rows.values
        blocks = [values[rows[:, None], own[products]], values[np.ix_(rows, customer)], products[:, None]]
        return np.concatenate(blocks, axis=1).astype(np.float32)

    place, product = np.nonzero(data.rows.listable[train])
    labels = data.rows.acquired[train[place], product]
    names = tuple(f"c{number}" for number in range(own.shape[1] + len(customer) + 1))
    booster = binary(data, pair_values(train[place], product), labels, names)

    def score(rows: NDArray[np.int64]) -> Scores:
        place, product = np.nonzero(data.rows.listable[rows])
        found = np.zeros((len(rows), data.rows.acquired.shape[1]))
        found[place, product] = booster.score(pair_values(rows[place], product))
        return found

    return score


def with_source_scores(data: Data, train: NDArray[np.int64]) -> Scorer:
    """The multiclass booster with the scores of EASE and implicit ALS as further columns."""
    sources = [SOURCES[name]().fit(data.state.take(train)) for name in ("ease", "implicit-als")]
    scores = np.concatenate([source.score(data.state) for source in sources], axis=1)
    values = np.concatenate([data.rows.values, scores], axis=1)
    names = (*data.context.names, *(f"source{number}" for number in range(scores.shape[1])))
    rows = replace(data.rows, values=values)
    return shares(replace(data, rows=rows, context=replace(data.context, names=names)), train)


def binary(
    data: Data, values: NDArray[np.float32], labels: NDArray[np.bool_], names: tuple[str, ...]
) -> Booster:
    examples = Examples(values, labels, np.ones(len(labels), np.float32))
    return Booster.fit(examples, names, data.context.settings.product, data.context.machine)


def pair_columns(names: tuple[str, ...], products: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the customer's columns with what is held now, and each product's own block (P, block)."""
    blocks = np.array([position for position, name in enumerate(names) if "@" in name]).reshape(products, -1)
    held = [
        position for position, name in enumerate(names) if name.startswith(("held_lag_0@", "held_lag_1@"))
    ]
    plain = [position for position, name in enumerate(names) if "@" not in name]
    return np.array(plain + held), blocks


ARMS = (
    Arm("multiclass over acquirers", shares),
    Arm("one booster a product", one_a_product),
    Arm("one booster over pairs", pairs),
    Arm("multiclass with source scores", with_source_scores),
    Arm("multiclass, 3 bags", bagged),
)


def gathered(work: Path) -> Data:
    project, recipe = Project.find(ROOT), read_recipe(ROOT / "experiments" / "santander" / "recipe.toml")
    history = History.open(work / "tables", threads=project.threads)
    features, view = FeatureSet.read(project.features), history.as_of(AS_OF)
    products = Catalog.from_view(view).product_ids
    computed = features.compute(view, products)
    vocabulary = features.learn_vocabulary(computed)
    names = tuple(computed.encoded(vocabulary).names)
    kept = kept_columns(names, recipe.recommender.leave_out)
    gatherer = Gatherer(features, vocabulary, products, kept, recipe.recommender, project.seed)
    rows = gatherer.rows(Panel(history, (AS_OF,)))
    settings = recipe.recommender.propensity.model_copy(update={"bags": 1})
    context = FitContext(
        tuple(names[column] for column in kept), settings, Machine(project.seed, project.threads)
    )
    tiers = np.array(view.population()["tier"].to_pylist(), object)
    state = holding_state(view, products, segment_values(view))
    places = np.searchsorted(computed.customer_ids, rows.customer_ids.astype(np.str_))
    return Data(rows, state.take(places), tiers[places], context)


def judged(arm: Arm, data: Data) -> tuple[Scores, float, float]:
    """Return scores of customers that the arm has not seen, seconds to fit, and customers scored a second."""
    folds = customer_folds(data.rows.customer_ids, FOLDS, 20260101)
    scores = np.zeros(data.rows.acquired.shape)
    fitting = scoring = 0.0
    for fold in range(FOLDS):
        start = time.perf_counter()
        score = arm.fit(data, np.flatnonzero(folds != fold))
        fitting += time.perf_counter() - start
        unseen = np.flatnonzero(folds == fold)
        start = time.perf_counter()
        scores[unseen] = score(unseen)
        scoring += time.perf_counter() - start
    return scores, fitting / FOLDS, len(scores) / scoring


def measured(name: str, outcome: tuple[Scores, float, float], first: Scores, data: Data) -> dict[str, object]:
    scores, fitting, speed = outcome
    truth, candidates = data.rows.acquired, data.rows.listable
    own = average_precision(scores, truth, candidates, K)
    against = paired_difference(own, average_precision(first, truth, candidates, K), 1, 1000)
    fresh = average_precision(scores, novel(truth, data.state.held_before), candidates, K)
    normed = np.clip(scores, 0, 1)
    calibration = calibration_summary(normed[candidates], truth[candidates])
    return {
        "arm": name,
        "map_all": round(float(np.nanmean(own)), 4),
        "map_top": round(float(np.nanmean(own[data.tiers == "TOP"])), 4),
        "map_novel": round(float(np.nanmean(fresh)), 4),
        "difference": [round(value, 4) for value in (against.value, against.low, against.high)],
        "calibration_slope_raw": round(calibration["slope"], 3),
        "calibration_ratio_raw": round(calibration["ratio"], 3),
        "fit_seconds": round(fitting, 1),
        "customers_a_second": int(speed),
    }


def main(work: Path, chosen: set[int]) -> None:
    data = gathered(work)
    results = {} if len(chosen) == len(ARMS) else earlier()
    reference = judged(ARMS[0], data)
    for number, arm in enumerate(ARMS):
        if number in chosen:
            outcome = judged(arm, data) if number else reference
            results[arm.name] = measured(arm.name, outcome, reference[0], data)
            print(json.dumps(results[arm.name]), flush=True)
            listed = [results[one.name] for one in ARMS if one.name in results]
            RESULTS.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


def earlier() -> dict[str, dict[str, object]]:
    return {str(one["arm"]): one for one in json.loads(RESULTS.read_text(encoding="utf-8"))}


if __name__ == "__main__":
    numbers = {int(number) for number in sys.argv[2:]}
    main(Path(sys.argv[1]), numbers or set(range(len(ARMS))))
