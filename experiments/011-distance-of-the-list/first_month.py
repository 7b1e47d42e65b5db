"""Experiment 011: what the calls of the first month gain by the truth, switch by switch.

    python experiments/011-distance-of-the-list/first_month.py WORK --seeds 51 52 [--observable BANK]

Banks and models are those of `run.py`. BANK is the folder of a bank of experiment 008 with its true chances:
boosters learn them from our features, and stand in the place of our chances.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent), str(HERE)]

import bench_decisions as bench
import run
from observable import Observable, opened_observable

from vipreco.simulator import hazards_of_month


def judged(seed: int, plan: argparse.Namespace, observable: Observable | None) -> dict[str, dict[str, float]]:
    """Return what each arm's calls gain by the truth in the first month that is decided."""
    warm, recommender = run.prepared(seed, plan.customers, plan.months, plan.work)
    month, blocks = warm.spec.past_months, warm.copied_blocks()
    before = [hazards_of_month(warm.bank, block, month) for block in blocks]
    truth = run.Truth(warm.bank, blocks, before, month)
    view = warm.history.as_of(warm.bank.calendar.snapshot_date(month - 1))
    capacity = bench.capacity_of(view)
    arms = {name: arm for name, (arm, _) in run.arms(recommender, observable).items()}
    made = {name: arms[name](truth, view, capacity) for name in (arms if plan.arms is None else plan.arms)}
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
    bank = run.prepared(plan.seeds[0], plan.customers, plan.months, plan.work)[0].bank
    observable = opened_observable(plan.observable, plan.work, bank)
    found = {str(seed): judged(seed, plan, observable) for seed in plan.seeds}
    (plan.work / "first-month.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for seed, rows in found.items():
        for name, row in rows.items():
            print(f"{seed} {name:<60}" + "".join(f"{key} {value:9.0f}  " for key, value in row.items()))


if __name__ == "__main__":
    main()
