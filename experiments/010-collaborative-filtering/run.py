"""Experiment 010: the form in which collaborative filtering enters. Run: python run.py WORK [SIZE-SEED...].

Without banks: those of the decision. With banks: a confirmation on others, in a file of its own.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.recipe import labelled_dates, read_recipe
from vipreco.catalog import Catalog
from vipreco.collaborative import SOURCES, Source, holding_state
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import FitContext, Holdings, Hybrid, LabelledRows, Machine, ProductModel
from vipreco.recommender import Gatherer, Panel, kept_columns
from vipreco.simulator import simulate
from vipreco.tables import import_

BANKS = [(500, 71), (500, 72), (2_000, 71), (2_000, 72), (6_000, 71)]
MONTHS, LEARNT, TOP, FEW = 20, 6, 3, 50
RESAMPLES = 1000
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Bank:
    """Labelled rows of a simulated bank: learnt months, and the month that is judged."""

    learnt: LabelledRows
    judged: LabelledRows
    context: FitContext
    holdings: Holdings
    families: tuple[str, ...]
    sources: dict[str, Source]
    new: Mask


def read_bank(work: Path, customers: int, seed: int, project: Project) -> Bank:
    """Simulate and import a bank, and gather its rows."""
    folder = work / f"{customers}-{seed}"
    if not (folder / "tables").exists():
        simulate(customers, MONTHS, seed, folder / "raw")
        raw = sorted(path for path in (folder / "raw" / "raw").iterdir() if path.is_file())
        import_(folder / "tables", folder / "raw" / "mapping.toml", raw, project.settings)
    history = History.open(folder / "tables", threads=1)
    recipe = read_recipe(project.root / "training" / "recipes" / "quick.toml")
    days = labelled_dates(recipe.recommender, history.snapshot_dates)[-LEARNT:]
    features = FeatureSet.read(project.features, project.settings.tiers)
    view = history.as_of(days[-2])
    catalog = Catalog.from_view(view)
    products = tuple(catalog.product_ids)
    computed = features.compute(view, products)
    vocabulary = features.learn_vocabulary(computed)
    names = tuple(computed.encoded(vocabulary).names)
    gatherer = Gatherer(features, vocabulary, products, kept_columns(names, ()), recipe.recommender, seed)
    rows = gatherer.rows(Panel(history, tuple(days)))
    last = rows.as_of == rows.as_of.max()
    state = holding_state(view, products)
    ever = replace(state, held=state.held | state.held_before, held_before=np.zeros_like(state.held))
    holdings = Holdings.of(names, products)
    assert holdings is not None
    judged = rows.take(last & rows.acquirers)
    months = names.index("months_since_joined") if "months_since_joined" in names else None
    new = judged.values[:, months] <= 3 if months is not None else np.zeros(len(judged), bool)
    context = FitContext(names, recipe.recommender.propensity, Machine(seed, 1))
    sources = {name: SOURCES[name]().fit(ever) for name in ("ease", "implicit-als")}
    return Bank(rows.take(~last), judged, context, holdings, tuple(catalog.families), sources, new)


def arms(bank: Bank) -> dict[str, Floats]:
    """Return the shares (n, P) of each arm for the judged acquirers."""
    acquirers = bank.learnt.take(bank.learnt.acquirers)
    boosters = ProductModel.fit(acquirers, bank.context).shares(bank.judged.values)
    found = {"boosters": boosters, "columns": _columns(bank, acquirers)}
    newest = acquirers.as_of == acquirers.as_of.max()
    seen, unseen = acquirers.take(~newest), acquirers.take(newest)
    shares = ProductModel.fit(seen, bank.context).shares(unseen.values)
    counts = acquirers.acquired.sum(axis=0).astype(np.float64)
    for arm, name in (("pooled", "ease"), ("pooled-als", "implicit-als")):
        prior = Hybrid.prior(bank.sources[name], bank.holdings, unseen.values, counts, bank.families)
        hybrid = prior.fitted(shares, unseen.values, unseen.acquired, unseen.listable)
        print(arm, hybrid.weights.round(3), flush=True)
        found[arm] = hybrid.pool(boosters, bank.judged.values)
        found[f"{arm}-prior"] = prior.pool(boosters, bank.judged.values)
    return found


def _columns(bank: Bank, acquirers: LabelledRows) -> Floats:
    def wide(rows: LabelledRows) -> LabelledRows:
        scores = bank.sources["ease"].score(bank.holdings.ever_held(rows.values))
        return replace(rows, values=np.column_stack([rows.values, scores]).astype(np.float32))

    names = (*bank.context.names, *(f"score@{product}" for product in bank.holdings.product_ids))
    model = ProductModel.fit(wide(acquirers), replace(bank.context, names=names))
    return model.shares(wide(bank.judged).values)


def measured(bank: Bank, shares: Floats) -> dict[str, Floats]:
    """Return recall@3 and MAP@3 of each judged acquirer; NaN where a slice has none of theirs."""
    rows = bank.judged
    scores = np.where(rows.listable, shares, -np.inf)
    order = np.argsort(-scores, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None], axis=1)
    counts = bank.learnt.acquired.sum(axis=0)
    inside = places < TOP
    slices = {
        "all": rows.acquired,
        "thin products": rows.acquired & (counts < FEW)[None],
        "new customers": rows.acquired & bank.new[:, None],
    }
    found: dict[str, Floats] = {}
    with np.errstate(invalid="ignore", divide="ignore"):
        for name, truth in slices.items():
            wanted = truth.sum(axis=1)
            found[f"recall@3, {name}"] = (truth & inside).sum(axis=1) / np.where(wanted, wanted, np.nan)
            reciprocal = np.where(truth & inside, 1 / (places + 1), 0.0).max(axis=1)
            found[f"mrr@3, {name}"] = np.where(wanted, reciprocal, np.nan)
    return found


def interval(values: Floats) -> dict[str, Any]:
    """Return the mean difference with its 95 % interval over customers."""
    known = values[np.isfinite(values)]
    if not len(known):
        return {"customers": 0}
    drawn = np.random.default_rng(1).integers(0, len(known), (RESAMPLES, len(known)))
    low, high = np.quantile(known[drawn].mean(axis=1), [0.025, 0.975])
    return {"mean": known.mean(), "low": low, "high": high, "customers": len(known)}


def main(work: Path, banks: list[tuple[int, int]], file: str) -> None:
    """Run the banks, and write a file of results beside this one."""
    project, found = Project.find(), {}
    for customers, seed in banks:
        bank = read_bank(work, customers, seed, project)
        found[f"{customers}-{seed}"] = {arm: measured(bank, shares) for arm, shares in arms(bank).items()}
        _write(found, file)
        print(customers, seed, len(bank.judged), "judged acquirers", flush=True)


def _write(found: dict[str, dict[str, dict[str, Floats]]], file: str) -> None:
    sizes = {name: [key for key in found if key.startswith(f"{name}-")] for name in ("500", "2000", "6000")}
    groups = {"pooled": list(found), **{size: keys for size, keys in sizes.items() if keys}}
    results: dict[str, Any] = {}
    for group, keys in groups.items():
        for arm in next(iter(found.values())):
            for metric in next(iter(found.values()))["boosters"]:
                own = np.concatenate([found[key][arm][metric] for key in keys])
                base = np.concatenate([found[key]["boosters"][metric] for key in keys])
                row = {"value": interval(own).get("mean"), "difference": interval(own - base)}
                results.setdefault(group, {}).setdefault(metric, {})[arm] = row
    path = Path(__file__).with_name(file)
    path.write_text(json.dumps(results, indent=1, default=float) + "\n", encoding="utf-8")


if __name__ == "__main__":
    named = [tuple(map(int, bank.split("-"))) for bank in sys.argv[2:]]
    others = [(size, seed) for size, seed in named]
    main(Path(sys.argv[1]), others or BANKS, "confirmation.json" if others else "results.json")
