"""Experiment 010 on Santander: boosters from a prior against boosters alone. python santander.py WORK [FOLD]

WORK is the folder of `make bench-quality`. One booster a model (no bags), five customer folds, MAP@7.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "experiments")]

import bench_quality

from training.recipe import read_recipe
from vipreco.catalog import Catalog
from vipreco.collaborative import SOURCES, holding_state
from vipreco.features import FeatureSet
from vipreco.folds import customer_folds
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import CollaborativeFiltering, FitContext, Machine, ProductModel, prior_inputs
from vipreco.recommender import Gatherer, Panel, kept_columns
from vipreco.stats import average_precision, novel, paired_difference

FOLDS, K, SOURCE = 5, 7, "item-item-cosine"


def main(work: Path, chosen: list[int]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    bench_quality.prepare(work)
    project, recipe = Project.find(ROOT), read_recipe(bench_quality.SANTANDER / "recipe.toml")
    history, day = History.open(work / "tables", threads=project.threads), recipe.data.as_of_dates[0]
    view, features = history.as_of(day), FeatureSet.read(project.features)
    catalog = Catalog.from_view(view)
    products = tuple(catalog.product_ids)
    computed = features.compute(view, products)
    vocabulary = features.learn_vocabulary(computed)
    names = tuple(computed.encoded(vocabulary).names)
    kept = kept_columns(names, recipe.recommender.leave_out)
    rows = Gatherer(features, vocabulary, products, kept, recipe.recommender, project.seed).rows(
        Panel(history, (day,))
    )
    state = holding_state(view, products)
    places = np.searchsorted(computed.customer_ids, rows.customer_ids.astype(np.str_))
    tiers = np.array([tier or "" for tier in view.population()["tier"].to_pylist()])[places]
    ever = replace(state, held=state.held | state.held_before, held_before=np.zeros_like(state.held))
    sources = {np.datetime64(day, "D"): SOURCES[SOURCE]().fit(ever)}
    filtering = CollaborativeFiltering(
        sources, products, tuple(catalog.families), tuple(vocabulary.categories)
    )
    settings = recipe.recommender.propensity.model_copy(update={"bags": 1})
    columns = tuple(names[column] for column in kept)
    context = FitContext(columns, settings, Machine(project.seed, project.threads), filtering)
    folds = customer_folds(rows.customer_ids, FOLDS, project.seed)
    parts: dict[str, list[np.ndarray]] = {}
    for fold in chosen:
        seen, unseen = rows.take(folds != fold), rows.take(folds == fold)
        before = state.held_before[places][folds == fold]
        for arm in ("boosters", "from a prior"):
            begin = time.process_time()
            inputs = prior_inputs(seen, context) if arm != "boosters" else None
            scores = ProductModel.fit(seen, context, inputs).shares(unseen.values)
            every = average_precision(scores, unseen.acquired, unseen.listable, K)
            fresh = average_precision(scores, novel(unseen.acquired, before), unseen.listable, K)
            found = {
                "all": every,
                "TOP": np.where(tiers[folds == fold] == "TOP", every, np.nan),
                "novel": fresh,
            }
            for part, values in found.items():
                parts.setdefault(f"{arm}|{part}", []).append(values)
            print(fold, arm, round(time.process_time() - begin, 1), np.nanmean(every).round(4), flush=True)
    told = {}
    for part in ("all", "TOP", "novel"):
        own, base = (np.concatenate(parts[f"{arm}|{part}"]) for arm in ("from a prior", "boosters"))
        one = paired_difference(own, base, 1, 1000)
        told[part] = {
            "from a prior": float(np.nanmean(own)),
            "boosters": float(np.nanmean(base)),
            "difference": [one.value, one.low, one.high],
            "customers": one.customers,
        }
    content = {"folds": chosen, "map@7": told}
    Path(__file__).with_name("santander.json").write_text(
        json.dumps(content, indent=1) + "\n", encoding="utf-8"
    )
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(one) for one in sys.argv[2:]] or list(range(FOLDS)))
