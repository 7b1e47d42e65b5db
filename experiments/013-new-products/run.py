"""Experiment 013: is the chance of a new product believable? python run.py WORK SEED [PRODUCT...]

Leaves one product out at a time, as if it were launched some months ago, and writes `WORK/SEED-PRODUCT.json`
for each; `python run.py WORK` puts all of them together into `results.json`.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.model_fit import ACQUISITIONS_ALONE
from training.recipe import read_recipe
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.simulator import simulate
from vipreco.stats import bootstrap_mean
from vipreco.tables import STORED_CONTRACTS, Tables, import_

HERE = Path(__file__).parent
pair_prior = import_module("vipreco.propensity.pair_prior")  # the prior is put otherwise from outside
CUSTOMERS, MONTHS, LEARNT = 4_000, 13, 6
EVIDENCE = (0, 4)
FEWEST = 2.0
Floats = NDArray[np.float64]
Frames = dict[str, pa.Table]
Flags = NDArray[np.bool_]
Base = Callable[[Flags, NDArray[np.int64], Floats], Floats]


def _logits(shares: Floats, counts: Floats) -> Floats:
    return np.asarray(np.log(shares + 0.1) - np.log(max(counts.sum(), 1.0)))


def of_all(acquired: Flags, families: NDArray[np.int64], there: Floats) -> Floats:
    """Return the usual share of all products."""
    counts = acquired.sum(axis=0) / np.maximum(there, 1e-9)
    return _logits(np.full(len(counts), counts[there > 0].mean()), counts)


def of_family(acquired: Flags, families: NDArray[np.int64], there: Floats) -> Floats:
    """Return the mean share of the other products of the family; of all where there is none."""
    counts = acquired.sum(axis=0) / np.maximum(there, 1e-9)
    shares = np.full(len(counts), counts[there > 0].mean())
    for place, family in enumerate(families):
        others = np.flatnonzero((families == family) & (np.arange(len(counts)) != place))
        if len(others):
            shares[place] = counts[others].mean()
    return _logits(shares, counts)


PRIORS: dict[str, Base] = {
    "blamed": pair_prior.base_logits,  # months before the launch count against the product
    "half": pair_prior.base_logits,
    "all": of_all,
    "family": of_family,
}


def frames_of(work: Path, seed: int, project: Project) -> tuple[Frames, Path]:
    """Simulate and import a bank; return its tables and the folder of its truth."""
    folder = work / f"bank-{seed}"
    if not (folder / "tables").exists():
        shutil.rmtree(folder, ignore_errors=True)
        bank = simulate(CUSTOMERS, MONTHS, seed, folder / "bank")
        import_(folder / "tables", bank.mapping, list(bank.sources), project.settings)
    tables = Tables.open(folder / "tables")
    frames = {
        table: pa.concat_tables(
            [pq.read_table(path) for path in tables.files(table)], promote_options="default"
        )
        for table in STORED_CONTRACTS
        if tables.rows(table)
    }
    return frames, folder / "bank" / "truth"


def launched(frames: Frames, product: str, day: date, *, known: bool) -> Frames:
    """Return the tables without what was held of a product up to a date, which the catalog may know."""
    own = pl.col("product_id") == product
    holdings = pl.DataFrame(pl.from_arrow(frames["holdings"])).filter(~(own & (pl.col("opened_date") <= day)))
    catalog = pl.DataFrame(pl.from_arrow(frames["products"]))
    if known:
        first = pl.when(own).then(pl.lit(day)).otherwise("offered_from").alias("offered_from")
        catalog = catalog.with_columns(first)
    changed = {"holdings": holdings, "products": catalog}
    return {**frames, **{name: rows.to_arrow().cast(frames[name].schema) for name, rows in changed.items()}}


def settings_of(project: Project) -> RecommenderSettings:
    recipe = read_recipe(project.root / "training" / "recipes" / "quick.toml")
    return recipe.recommender.model_copy(update=ACQUISITIONS_ALONE)


def judged(
    frames: Frames, days: list[date], truth: pl.DataFrame, product: str, base: Base
) -> dict[str, float]:
    """Fit on tables and judge the propensities of a product at the last of some dates."""
    project = Project.find(HERE)
    history = History.from_frames(frames, 1)
    features = FeatureSet.read(project.features, project.settings.tiers)
    pair_prior.base_logits = base
    data = TrainingData(Panel(history, tuple(days[-1 - LEARNT : -1])))
    fitted = Recommender.fit(data, features, settings_of(project), Machine(1, 1))
    column = fitted.product_ids.index(product)
    computed = fitted.compute(history.as_of(days[-1]))
    scores = [fitted.propensities(part)[:, column] for part in computed.chunks(2_000)]
    rows = pl.DataFrame({"customer_id": computed.customer_ids.tolist(), "score": np.concatenate(scores)})
    both = rows.join(truth.select("customer_id", pl.col(product).alias("chance")), on="customer_id")
    both = both.filter(pl.col("chance") > 0)
    expected, true = float(both["score"].sum()), float(both["chance"].sum())
    return {
        "expected": expected,
        "true": true,
        "error": abs(float(np.log(expected / true))),
        "learnt": int(fitted.model.acquisitions[column]),
        "rank": float(both.select(pl.corr("score", "chance", method="spearman")).item()),
    }


def left_out(work: Path, seed: int, chosen: list[str]) -> None:
    """Leave out products of a bank, one at a time."""
    project = Project.find(HERE)
    frames, folder = frames_of(work, seed, project)
    days = list(History.from_frames(frames, 1).snapshot_dates)[:-1]  # the last month is judged
    months = sorted(folder.glob("acquisitions_*.parquet"))
    truth = pl.read_parquet(months[-1])
    families = (
        pl.DataFrame(pl.from_arrow(frames["products"])).select("product_id", "family").unique("product_id")
    )
    sizes = families["family"].value_counts().filter(pl.col("count") > 1)["family"].to_list()
    known = families.filter(pl.col("family").is_in(sizes))["product_id"].sort().to_list()
    for product in [one for one in known if truth[one].sum() >= FEWEST and (not chosen or one in chosen)]:
        rows = []
        for months_ago in EVIDENCE:
            for prior, base in PRIORS.items():
                day = days[-1 - months_ago]
                own = launched(frames, product, day, known=prior != "blamed")
                found = judged(own, days, truth, product, base)
                rows.append({"seed": seed, "product": product, "months": months_ago, "prior": prior, **found})
                print(rows[-1], file=sys.stderr, flush=True)
        (work / f"{seed}-{product}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def together(work: Path) -> dict[str, Any]:
    """Put all products together: mean errors, and the paired differences to the prior in force."""
    rows = pl.DataFrame(
        [row for path in sorted(work.glob("*-*.json")) for row in json.loads(path.read_bytes())]
    )
    return {"products": rows.to_dicts(), "means": list(_means(rows)), "differences": list(_differences(rows))}


def _means(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    groups = rows.group_by("months", "prior").agg(
        pl.len().alias("products"), pl.col("error", "learnt", "rank").mean(), pl.col("expected", "true").sum()
    )
    yield from groups.sort("months", "prior").to_dicts()


def _differences(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for months in EVIDENCE:
        wide = rows.filter(pl.col("months") == months).pivot(
            "prior", index=["seed", "product"], values="error"
        )
        for prior in ("blamed", "all", "family"):
            found = bootstrap_mean((wide[prior] - wide["half"]).to_numpy(), 0, 2000)
            yield {
                "months": months,
                "prior": prior,
                "value": found.value,
                "low": found.low,
                "high": found.high,
            }


if __name__ == "__main__":
    place = Path(sys.argv[1]).resolve()
    place.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 2:
        left_out(place, int(sys.argv[2]), sys.argv[3:])
    else:
        result = together(place)
        (HERE / "results.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        for line in [*result["means"], *result["differences"]]:
            print(line)
