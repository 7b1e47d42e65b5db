"""Measure the search for columns that know the label: planted ones refused, clean banks left in peace.

    python experiments/bench_leaks.py                # 20 clean banks, and each kind planted in one of them
    python experiments/bench_leaks.py --banks 2      # a trial

A clean bank also has columns that tempt: the right to buy private placements, which ranks them well, and the
month's flows. The table goes to standard output. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.assurance import LabelLeak, LeakSettings, find_label_leaks
from vipreco.history import History, label_windows
from vipreco.project import Project
from vipreco.recommender import RecommenderSettings
from vipreco.settings import Settings
from vipreco.simulator import simulate
from vipreco.tables import STORED_CONTRACTS, Tables, import_

ROOT = Path(__file__).resolve().parents[1]
SEED = 20260101
NEWEST = 3
PLANTED = "attribute_planted"
Frames = dict[str, pa.Table]
Floats = NDArray[np.float64]
Random = np.random.Generator


@contextmanager
def simulated(customers: int, months: int, seed: int) -> Iterator[Frames]:
    """Give the tables of a simulated bank as frames, with a column that tempts."""
    with TemporaryDirectory(prefix="vipreco-leaks-") as work:
        home = Path(work)
        report = simulate(customers, months, seed, home / "practice")
        files = [path for path in sorted((home / "practice" / "raw").iterdir()) if path.is_file()]
        import_(home / "tables", report.mapping, files, bank_settings())
        tables = Tables.open(home / "tables")
        yield with_tempting({table: _read(tables, table) for table in STORED_CONTRACTS if tables.rows(table)})


def bank_settings() -> Settings:
    """Return the settings of the reference project: its tiers are those of the simulated bank."""
    return Project.find(ROOT).settings


def with_tempting(frames: Frames) -> Frames:
    """Show the models what is otherwise for the rules alone: who may buy private placements."""
    customers = frames["customers"]
    qualified = customers["attribute_policy_qualified_investor"]
    return {**frames, "customers": customers.append_column("attribute_qualified", qualified)}


def leaks(frames: Frames) -> list[LabelLeak]:
    """Look at the newest labelled months of a bank."""
    history = History.from_frames(frames, threads=2)
    windows = RecommenderSettings()
    days = list(label_windows(history.snapshot_dates, windows.horizon_months, windows.gap_months))[-NEWEST:]
    return find_label_leaks(history, days, windows, bank_settings().tiers, LeakSettings(), SEED)


def planted(frames: Frames, kind: str, seed: int) -> Frames:
    """Return the bank with one more column of customers that knows the label."""
    customers = frames["customers"]
    random = np.random.default_rng(seed)
    next_product, past_product = _products_around(frames)
    return {**frames, "customers": PLANTS[kind](customers, next_product, past_product, random)}


def _read(tables: Tables, table: str) -> pa.Table:
    import pyarrow.parquet as pq

    return pa.concat_tables([pq.read_table(path) for path in tables.files(table)], promote_options="default")


def _products_around(frames: Frames) -> tuple[list[str | None], list[str | None]]:
    """Return of each row of customers what they open until the next snapshot, and what they opened last."""
    history = History.from_frames(frames, threads=2)
    days = history.snapshot_dates
    following = dict(zip(days, [*days[1:], None], strict=True))
    opened: dict[tuple[str, date], str] = {}
    for day, until in following.items():
        if until is not None:
            found = history.acquisitions(day, until).acquired
            pairs = zip(found["customer_id"].to_pylist(), found["product_id"].to_pylist(), strict=True)
            opened |= {(customer, day): product for customer, product in pairs}
    rows = list(
        zip(
            frames["customers"]["customer_id"].to_pylist(),
            frames["customers"]["snapshot_date"].to_pylist(),
            strict=True,
        )
    )
    last: dict[str, str] = {}
    past: dict[tuple[str, date], str] = {}
    for day in days:
        for customer in {customer for customer, when in rows if when == day}:
            if customer in last:
                past[customer, day] = last[customer]
            if (customer, day) in opened:
                last[customer] = opened[customer, day]
    return [opened.get(row) for row in rows], [past.get(row) for row in rows]


def _flag(customers: pa.Table, following: list[str | None], _: object, __: Random) -> pa.Table:
    """Buys next month: yes or no."""
    return customers.append_column(PLANTED, pa.array([product is not None for product in following]))


def _score(customers: pa.Table, following: list[str | None], _: object, random: Random) -> pa.Table:
    """A score of another model that was fitted on the outcome: right for most."""
    return customers.append_column(PLANTED, pa.array(_noisy(following, 2.5, random)))


def _code(customers: pa.Table, following: list[str | None], _: object, random: Random) -> pa.Table:
    """The product of the next purchase, for half of them."""
    known = random.random(len(following)) < 0.5
    codes = [product if seen else None for product, seen in zip(following, known, strict=True)]
    return customers.append_column(PLANTED, pa.array(codes, pa.string()))


def _date(customers: pa.Table, following: list[str | None], _: object, random: Random) -> pa.Table:
    """A date of an appointment, known for those who will buy, and for few others."""
    chance = np.where([product is not None for product in following], 0.6, 0.002)
    there = random.random(len(following)) < chance
    days = customers["snapshot_date"].to_pylist()
    dates = [day if seen else None for day, seen in zip(days, there, strict=True)]
    return customers.append_column(PLANTED, pa.array(dates, pa.date32()))


def _corrected(customers: pa.Table, following: list[str | None], _: object, random: Random) -> pa.Table:
    """A number that says nothing when it is delivered, and is corrected with hindsight."""
    place = customers.column_names.index("batch_sequence")
    newest = int(np.max(customers["batch_sequence"].to_numpy()))
    later = pa.array(np.full(customers.num_rows, newest + 1, np.int32))
    first = customers.append_column(PLANTED, pa.array(random.normal(size=customers.num_rows)))
    second = customers.set_column(place, "batch_sequence", later)
    second = second.append_column(PLANTED, pa.array(_noisy(following, 1.1, random)))
    return pa.concat_tables([first, second])


def _follows(customers: pa.Table, _: object, past: list[str | None], __: Random) -> pa.Table:
    """The last product bought: right at each date, and one late delivery away from the label."""
    return customers.append_column(PLANTED, pa.array(past, pa.string()))


def _noisy(following: list[str | None], distance: float, random: Random) -> Floats:
    case = np.array([product is not None for product in following], np.float64)
    return np.asarray(distance * case + random.normal(size=len(case)))


Plant = Callable[[pa.Table, list[str | None], list[str | None], Random], pa.Table]
PLANTS: dict[str, Plant] = {
    "flag": _flag,
    "score": _score,
    "code": _code,
    "date": _date,
    "corrected": _corrected,
    "follows": _follows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--banks", type=int, default=20)
    parser.add_argument("--customers", type=int, default=3_000)
    parser.add_argument("--months", type=int, default=8)
    chosen = parser.parse_args()
    alarms, seconds = 0, []
    for seed in range(1, chosen.banks + 1):
        with simulated(chosen.customers, chosen.months, seed) as frames:
            started = time.perf_counter()
            found = leaks(frames)
            seconds.append(time.perf_counter() - started)
            alarms += bool(found)
            print(f"clean bank {seed}: {[str(leak) for leak in found]}", file=sys.stderr, flush=True)
            if seed == 1:
                refused = {
                    kind: [leak.code for leak in leaks(planted(frames, kind, seed)) if PLANTED in leak.column]
                    for kind in PLANTS
                }
    print("| what | target | measured |\n|---|---|---|")
    for kind, codes in refused.items():
        print(f"| planted: {kind} | refused | {', '.join(codes) or 'NOT refused'} |")
    print(f"| planted kinds refused | {len(PLANTS)} | {sum(map(bool, refused.values()))} |")
    print(f"| clean banks with an alarm, of {chosen.banks} | 0 | {alarms} |")
    size = f"{chosen.customers:,} customers, {NEWEST} months"
    print(f"| seconds of the search, {size} | | {np.median(seconds):.1f} |")


if __name__ == "__main__":
    main()
