"""Measure the check for fairness: a planted bias found, clean banks left in peace.

    python experiments/bench_fairness.py               # five banks, minutes
    python experiments/bench_fairness.py --banks 1     # a trial

Each simulated bank has two groups of customers by lot, and a column that stands for the group in 95 of 100
customers, as a district or a first name may. The planted bias is one of the past: until the judged date, the
bank wrote down only some of what one group acquired; since then it writes down everything, as in its clean
twin. A model that learnt from the past gives that group too low chances by the column, and nobody sees the
group but the check. Nothing fails when a target is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from training.model_fit import ACQUISITIONS_ALONE
from training.recipe import read_recipe
from vipreco.assurance import FairnessReport, FairnessSettings, ProtectedGroups, check_fairness
from vipreco.features import FeatureSet
from vipreco.folds import customer_folds
from vipreco.history import History
from vipreco.project import Project
from vipreco.propensity import Machine
from vipreco.recommender import Panel, Recommender, TrainingData

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from bench_leaks import Frames, simulated

LEARNT = 6
ATTRIBUTE, GROUPS = "gender", ("f", "m")
STANDS_FOR, ACCORDANCE = "attribute_district", 0.95
UNRECORDED = 0.75
PARTS = 100_003
Texts = NDArray[np.str_]


def with_district(frames: Frames, seed: int) -> Frames:
    """Add the column that stands for the group."""
    people = frames["customers"]
    ids = np.asarray(people["customer_id"].to_pylist(), np.str_)
    swapped = customer_folds(ids, PARTS, seed + 1) >= ACCORDANCE * PARTS
    district = np.where((group_of(ids, seed) == GROUPS[0]) ^ swapped, "north", "south")
    column = pa.array(district.tolist(), pa.string())
    return {**frames, "customers": people.append_column(STANDS_FOR, column)}


def group_of(customer_ids: Texts, seed: int) -> Texts:
    """Return the group of each customer, by lot."""
    lots = customer_folds(customer_ids, PARTS, seed)
    return np.where(lots < PARTS // 2, *GROUPS)


def biased(frames: Frames, until: date, seed: int) -> Frames:
    """Return the bank with what the first group opened until a date left out in part."""
    holdings = frames["holdings"]
    ids = np.asarray(holdings["customer_id"].to_pylist(), np.str_)
    opened = np.asarray(holdings["opened_date"].to_pylist(), "datetime64[D]")
    first = min(frames["customers"]["snapshot_date"].to_pylist())
    past = (opened > np.datetime64(first)) & (opened <= np.datetime64(until))
    # all versions of a holding share its lot
    names = [
        f"{one}:{product}:{day}"
        for one, product, day in zip(ids, holdings["product_id"].to_pylist(), opened, strict=True)
    ]
    lost = customer_folds(np.array(names, np.str_), PARTS, seed + 2) < UNRECORDED * PARTS
    dropped = past & lost & (group_of(ids, seed) == GROUPS[0])
    return {**frames, "holdings": holdings.filter(pa.array(~dropped))}


def judged_day(frames: Frames) -> date:
    return History.from_frames(frames, 1).snapshot_dates[-2]


def checked(frames: Frames, seed: int) -> FairnessReport:
    """Learn from the months before the judged date, and compare the groups in the month after it."""
    project = Project.find(HERE)
    history = History.from_frames(frames, project.threads)
    days = history.snapshot_dates
    recipe = read_recipe(project.root / "training" / "recipes" / "quick.toml")
    settings = recipe.recommender.model_copy(update=ACQUISITIONS_ALONE)
    data = TrainingData(Panel(history, tuple(days[-2 - LEARNT : -2])))
    features = FeatureSet.read(project.features, project.settings.tiers)
    fitted = Recommender.fit(data, features, settings, Machine(seed, project.threads))
    people = history.as_of(days[-2]).population()["customer_id"].to_pylist()
    ids = np.sort(np.asarray(people, np.str_))
    groups = ProtectedGroups(ids, {ATTRIBUTE: group_of(ids, seed)})
    return check_fairness(fitted, history, days[-2], groups, FairnessSettings())


def told(report: FairnessReport) -> list[str]:
    """Return the measures in which a group differs."""
    return [
        f"{row.group}: {row.found.measure} ({row.family}) {row.found.value.value:.2f}, "
        f"others {row.found.others:.2f}"
        for row in report.differing
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--banks", type=int, default=5)
    parser.add_argument("--customers", type=int, default=8_000)
    parser.add_argument("--months", type=int, default=9)
    chosen = parser.parse_args()
    found, alarms, seconds = 0, 0, []
    for seed in range(1, chosen.banks + 1):
        with simulated(chosen.customers, chosen.months, seed) as bank:
            frames = with_district(bank, seed)
            day = judged_day(frames)
            started = time.perf_counter()
            clean, planted = told(checked(frames, seed)), told(checked(biased(frames, day, seed), seed))
            seconds.append((time.perf_counter() - started) / 2)
        found += any("calibration (all)" in one for one in planted)
        alarms += bool(clean)
        print(f"bank {seed}: clean {clean}, planted {planted}", file=sys.stderr, flush=True)
    print("| what | target | measured |\n|---|---|---|")
    print(f"| planted bias found by calibration, of {chosen.banks} banks | {chosen.banks} | {found} |")
    print(f"| clean twins with an alarm, of {chosen.banks} | 0 | {alarms} |")
    print(f"| seconds of a fit and a check, {chosen.customers:,} customers | | {np.median(seconds):.0f} |")


if __name__ == "__main__":
    main()
