"""Experiment 010, second round: how does collaborative filtering enter? python run.py WORK SIZE-SEED...

Writes `tuning.json`, or `confirmation.json` where a last argument `confirm` is given.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.recipe import labelled_dates, read_recipe
from vipreco.catalog import Catalog
from vipreco.collaborative import SOURCES, HoldingState, holding_state
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import (
    CollaborativeFiltering,
    FitContext,
    LabelledRows,
    Machine,
    ProductModel,
    prior_inputs,
    softmax,
)
from vipreco.recommender import Gatherer, Panel, kept_columns
from vipreco.simulator import simulate
from vipreco.tables import import_

MONTHS, LEARNT, JUDGED, TOP, FEW, NEW = 20, 6, 3, 3, 50, 3
RESAMPLES = 1000
BASE, CHOSEN, NOTHING = "boosters", "item-item-cosine", "popularity"
SOURCES_TRIED = (CHOSEN, "ease", "implicit-als", "item-item-bm25")
SLICES = ("all", "thin products", "new customers")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bank:
    """Labelled rows of a simulated bank: learnt months, and judged ones with their true chances."""

    learnt: LabelledRows
    judged: LabelledRows
    chance: Floats
    context: FitContext
    states: dict[np.datetime64, HoldingState]
    families: tuple[str, ...]
    new: NDArray[np.bool_]

    @property
    def acquirers(self) -> LabelledRows:
        return self.learnt.take(self.learnt.acquirers)

    def with_source(self, name: str, alike: bool = True) -> FitContext:
        """Return the context with a source; without look-alikes where they are not wanted."""
        sources = {day: SOURCES[name]().fit(state) for day, state in self.states.items()}
        products = next(iter(self.states.values())).product_ids
        settings = self.context.settings
        if not alike:
            settings = settings.model_copy(update={"look_alikes_leave_out": ("*",)})
        categories = self.context.filtering.categories if self.context.filtering else ()
        filtering = CollaborativeFiltering(sources, products, self.families, categories)
        return replace(self.context, settings=settings, filtering=filtering)


def imported(work: Path, customers: int, seed: int, project: Project) -> Path:
    folder = work / f"{customers}-{seed}"
    if not (folder / "tables").exists():
        shutil.rmtree(folder, ignore_errors=True)
        simulate(customers, MONTHS, seed, folder / "bank")
        raw = sorted(path for path in (folder / "bank" / "raw").iterdir() if path.is_file())
        import_(folder / "tables", folder / "bank" / "mapping.toml", raw, project.settings)
    return folder


def read_bank(work: Path, customers: int, seed: int, project: Project) -> Bank:
    """Simulate and import a bank, and gather its rows."""
    folder = imported(work, customers, seed, project)
    history = History.open(folder / "tables", threads=1)
    recipe = read_recipe(project.root / "training" / "recipes" / "quick.toml")
    days = labelled_dates(recipe.recommender, history.snapshot_dates)[-LEARNT - JUDGED :]
    features = FeatureSet.read(project.features, project.settings.tiers)
    view = history.as_of(days[LEARNT - 1])
    catalog = Catalog.from_view(view)
    products = tuple(catalog.product_ids)
    computed = features.compute(view, products)
    vocabulary = features.learn_vocabulary(computed)
    names = tuple(computed.encoded(vocabulary).names)
    gatherer = Gatherer(features, vocabulary, products, kept_columns(names, ()), recipe.recommender, seed)
    rows = gatherer.rows(Panel(history, tuple(days)))
    learnt = rows.as_of < np.datetime64(days[LEARNT], "D")
    judged = rows.take(~learnt)
    months = judged.values[:, names.index("months_since_joined")]
    filtering = CollaborativeFiltering({}, products, tuple(catalog.families), tuple(vocabulary.categories))
    return Bank(
        learnt=rows.take(learnt),
        judged=judged,
        chance=_chances(folder, judged, products),
        context=FitContext(names, recipe.recommender.propensity, Machine(seed, 1), filtering),
        states=dict(_states(history, days[:LEARNT], products)),
        families=tuple(catalog.families),
        new=months <= NEW,
    )


def _states(
    history: History, days: list[date], products: tuple[str, ...]
) -> Iterator[tuple[np.datetime64, HoldingState]]:
    """Give everything that customers had ever held at each date."""
    for day in days:
        now = holding_state(history.as_of(day), products)
        ever = replace(now, held=now.held | now.held_before, held_before=np.zeros_like(now.held))
        yield np.datetime64(day, "D"), ever


def _chances(folder: Path, rows: LabelledRows, products: tuple[str, ...]) -> Floats:
    """Return the true chances of the month after each row's date, shape (n, P)."""
    found = np.zeros(rows.acquired.shape)
    for day in np.unique(rows.as_of):
        own = rows.as_of == day
        month = f"{(day.astype('datetime64[M]') + 1).item():%Y%m}"
        truth = pl.read_parquet(folder / "bank" / "truth" / f"acquisitions_{month}.parquet")
        ids = pl.DataFrame({"customer_id": rows.customer_ids[own].astype(str)})
        known = ids.join(truth, on="customer_id", how="left", maintain_order="left")
        found[own] = known.select(products).fill_null(0).to_numpy()
    return found


def arms(bank: Bank, confirm: bool) -> Iterator[tuple[str, Floats, str]]:
    """Give the shares (n, P) of each arm for the judged customers, with the weights of its prior."""
    acquirers, judged = bank.acquirers, bank.judged.values
    yield BASE, ProductModel.fit(acquirers, bank.context).shares(judged), ""
    tried = [(f"from a prior, {name}", name, True) for name in SOURCES_TRIED[: 2 if confirm else None]]
    tried += [("from a prior, no co-holding", NOTHING, True), ("from a prior, no look-alikes", CHOSEN, False)]
    tried += [("from a prior, neither", NOTHING, False)]
    for name, source, alike in tried:
        context = bank.with_source(source, alike)
        model = ProductModel.fit(acquirers, context, prior_inputs(bank.learnt, context))
        assert model.prior is not None
        yield name, model.shares(judged), str(model.prior.weights.round(2).tolist())
        if name == f"from a prior, {CHOSEN}":
            yield "prior alone", softmax(model.prior.logits(judged)), ""


def measured(bank: Bank, shares: Floats) -> dict[str, Floats]:
    """Return recall@3 of judged acquirers, NaN outside a slice, and (gained, possible) by true chances."""
    rows = bank.judged
    order = np.argsort(-np.where(rows.listable, shares, -np.inf), axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(order.shape[1])[None], axis=1)
    inside = places < TOP
    thin = bank.acquirers.acquired.sum(axis=0) < FEW
    parts = (
        np.ones_like(inside),
        np.broadcast_to(thin, inside.shape),
        np.repeat(bank.new[:, None], len(thin), 1),
    )
    found: dict[str, Floats] = {}
    for name, part in zip(SLICES, parts, strict=True):
        truth, chance = rows.acquired & part, bank.chance * part * rows.listable
        wanted = truth.sum(axis=1)
        drawn = np.where(wanted > 0, (truth & inside).sum(axis=1) / np.maximum(wanted, 1), np.nan)
        found[f"recall@3, {name}"] = drawn[rows.acquirers]
        found[f"expected recall@3, {name}"] = np.stack([(chance * inside).sum(1), chance.sum(1)], axis=1)
    return found


def difference(own: Floats, base: Floats) -> dict[str, Any]:
    """Return value and paired difference with its 95 % interval over customers."""
    random = np.random.default_rng(1)
    if own.ndim == 2:  # gained and possible: a ratio of sums, its variance by linearisation
        possible, gain = own[:, 1], own[:, 0] - base[:, 0]
        value, mean, count = own[:, 0].sum() / possible.sum(), gain.sum() / possible.sum(), len(own)
        error = 1.96 * np.sqrt(((gain - mean * possible) ** 2).sum()) / possible.sum()
        ends = (mean - error, mean + error)
    else:
        known = np.isfinite(own)
        own, base = own[known], base[known]
        if not len(own):
            return {"customers": 0}
        rows = random.integers(0, len(own), (RESAMPLES, len(own)))
        ends = np.quantile((own - base)[rows].mean(axis=1), [0.025, 0.975])
        value, mean, count = own.mean(), (own - base).mean(), len(own)
    return {"value": value, "difference": mean, "low": ends[0], "high": ends[1], "customers": count}


def kept(work: Path, customers: int, seed: int, project: Project, confirm: bool) -> dict[str, Any]:
    """Return what was measured on a bank, anew where no earlier run has kept it."""
    path = work / f"{customers}-{seed}{'-confirm' if confirm else ''}.npz"
    if not path.exists():
        work.mkdir(parents=True, exist_ok=True)
        bank, own = read_bank(work, customers, seed, project), {}
        for arm, shares, weights in arms(bank, confirm):
            own |= {f"{arm}|{metric}": values for metric, values in measured(bank, shares).items()}
            print(customers, seed, arm, weights, flush=True)
        np.savez(path, **own)
    found: dict[str, dict[str, Floats]] = {}
    for key, values in np.load(path).items():
        arm, _, metric = key.partition("|")
        found.setdefault(arm, {})[metric] = values
    return found


def results(found: dict[str, dict[str, dict[str, Floats]]]) -> dict[str, Any]:
    """Return differences to the boosters alone: all banks together, and each size."""
    sizes = sorted({name.partition("-")[0] for name in found}, key=int)
    groups = {"all sizes": list(found)}
    groups |= {size: [name for name in found if name.startswith(f"{size}-")] for size in sizes}
    told: dict[str, Any] = {}
    for group, names in groups.items():
        for arm, metrics in found[names[0]].items():
            for metric in metrics:
                own, base = (
                    np.concatenate([found[name][one][metric] for name in names]) for one in (arm, BASE)
                )
                told.setdefault(group, {}).setdefault(metric, {})[arm] = difference(own, base)
    return told


def main(work: Path, banks: list[tuple[int, int]], confirm: bool) -> None:
    """Run the banks, and write a file of results beside this one after each."""
    project = Project.find()
    found: dict[str, dict[str, dict[str, Floats]]] = {}
    for customers, seed in banks:
        found[f"{customers}-{seed}"] = kept(work, customers, seed, project, confirm)
    told = results(found)
    path = Path(__file__).with_name("confirmation.json" if confirm else "tuning.json")
    path.write_text(json.dumps(told, indent=1, default=float) + "\n", encoding="utf-8")
    for metric, arms_found in told["all sizes"].items():
        for arm, one in arms_found.items():
            if one["customers"]:
                ends = f"{one['difference']:+.4f} [{one['low']:+.4f}, {one['high']:+.4f}]"
                print(f"{metric:<36}{arm:<32}{one['value']:.4f} {ends} n = {one['customers']}")


if __name__ == "__main__":
    named = [one for one in sys.argv[2:] if one != "confirm"]
    pairs = [(int(size), int(seed)) for size, seed in (one.split("-") for one in named)]
    main(Path(sys.argv[1]), pairs, "confirm" in sys.argv)
