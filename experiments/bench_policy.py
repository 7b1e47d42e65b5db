"""Measure rules, priorities and slates beside the boosters' own prediction of the same rows.

    python experiments/bench_policy.py PROJECT                # a project with tables and a champion
    python experiments/bench_policy.py PROJECT --customers 20000

The customers of the newest snapshot are repeated until there are enough. Prediction is that of the champion's
own boosters for acquisitions, raw. Times are medians of a few runs; a busy machine shows in all of them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import Customers, priority_factors, slate
from vipreco.cli.progress import Narrator
from vipreco.cli.project_inputs import open_model, open_view
from vipreco.history import View
from vipreco.policy import ALLOWED, PolicyFacts
from vipreco.project import Project
from vipreco.recommender import DecisionContext, Recommender

CHUNK, TOP, SINGLE_RUNS = 50_000, 3, 200
MAX_RATIO, MAX_SINGLE_MS = 1.0, 3.0


class Rows(NamedTuple):
    """Repeated customers: features of the boosters, facts of the rules, and what arbitration knows."""

    values: NDArray[np.float32]
    facts: PolicyFacts
    customers: Customers
    propensity: NDArray[np.float64]


class Bench(NamedTuple):
    recommender: Recommender
    known: DecisionContext
    rows: Rows


def prepare(project: Project, customers: int, channel: str) -> Bench:
    recommender = open_model(project, None, Narrator(None, ""))
    return bench_of(recommender, open_view(project, None), customers, channel)


def bench_of(recommender: Recommender, view: View, customers: int, channel: str) -> Bench:
    known = recommender.context(view, channel)
    here = len(known.computed)
    places = np.arange(customers) % here
    values = np.ascontiguousarray(recommender.columns_of(known.computed.matrix(0, here))[places])
    facts = replace(
        known.facts,
        customers=known.facts.customers[places],
        pairs={name: array[places] for name, array in known.facts.pairs.items()},
    )
    propensity = recommender.model.propensities(values)
    return Bench(recommender, known, Rows(values, facts, known.customers.take(places), propensity))


def predict(bench: Bench) -> None:
    model = bench.recommender.model
    for booster in [*model.product.boosters, *([model.any] if model.any else [])]:
        for start in range(0, len(bench.rows.values), CHUNK):
            booster.model.predict(bench.rows.values[start : start + CHUNK], num_threads=2)


def judge(bench: Bench, rows: slice) -> NDArray[np.int16]:
    return bench.recommender.policy.judge(bench.rows.facts.rows(rows))


def weigh(bench: Bench, rows: slice) -> NDArray[np.float64]:
    catalog = bench.known.catalog
    return priority_factors(
        bench.rows.propensity[rows],
        catalog.unit_values,
        catalog.product_ids,
        catalog.families,
        bench.rows.customers.take(rows),
        bench.recommender.settings.arbitration,
        contact=(bench.recommender.contact_effects, bench.known.facts.channel),
    ).priority


def select(bench: Bench, rows: slice) -> NDArray[np.int16]:
    rules = bench.recommender.slate_rules(bench.known.catalog)
    return slate(weigh(bench, rows), judge(bench, rows) == ALLOWED, rules, TOP)


def in_chunks(work: Callable[[Bench, slice], object], bench: Bench) -> None:
    for start in range(0, len(bench.rows.values), CHUNK):
        work(bench, slice(start, start + CHUNK))


def seconds(work: Callable[[], object], runs: int = 3) -> float:
    taken = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def single(bench: Bench) -> tuple[float, float]:
    """Return the median and the 95th percentile of one customer's whole way, in milliseconds."""
    taken = []
    for row in np.linspace(0, len(bench.rows.values) - 1, SINGLE_RUNS).astype(int):
        begin = time.perf_counter()
        select(bench, slice(row, row + 1))
        taken.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def measure(bench: Bench) -> pl.DataFrame:
    raw = seconds(lambda: predict(bench))
    parts = {"policy": judge, "priority": weigh, "policy, priority and slate": select}
    taken = {name: seconds(lambda work=work: in_chunks(work, bench)) for name, work in parts.items()}
    select(bench, slice(0, 1))
    median, high = single(bench)
    lines = [("raw predict", raw, "s", None), *((name, each, "s", None) for name, each in taken.items())]
    lines += [
        (
            "policy, priority and slate / raw predict",
            taken["policy, priority and slate"] / raw,
            "",
            MAX_RATIO,
        ),
        ("one customer, median", median, "ms", MAX_SINGLE_MS),
        ("one customer, 95th percentile", high, "ms", None),
    ]
    rows = [(name, value, unit, most, most is None or value <= most) for name, value, unit, most in lines]
    return pl.DataFrame(rows, schema=["what", "measured", "unit", "at most", "met"], orient="row")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("project", type=Path, help="folder with vipreco.toml, tables and a champion")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--channel", default="call")
    arguments = parser.parse_args()
    bench = prepare(Project.find(arguments.project), arguments.customers, arguments.channel)
    size = f"{len(bench.rows.values):,} customers, {len(bench.known.catalog)} products"
    print(f"load {os.getloadavg()[0]:.1f}; {size}")
    print(f"{len(bench.recommender.policy.compiled)} rules, {bench.rows.values.shape[1]} booster columns")
    with pl.Config(
        tbl_rows=20, fmt_str_lengths=60, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True
    ):
        print(measure(bench))


if __name__ == "__main__":
    main()
