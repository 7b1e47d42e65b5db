"""The bench of campaigns sets the allocation beside simpler orders that keep the same limits, rightly."""

from __future__ import annotations

import numpy as np

from tests.experiments.scripts import script
from vipreco.arbitration import NOBODY, Limit, Problem

bench = script("bench_campaign.py", "bench_campaign")


def tiny() -> Problem:
    """The best is 8 + 6: the first customer has to leave the seat in which they are worth most."""
    values = np.array([[9, 8], [6, np.nan], [np.nan, 1]], np.float32)
    return Problem(values, (Limit.of("seats", np.array([1, 0]), 1.0),))


def test_greedy_takes_the_most_valuable_pair_first() -> None:
    assert bench._greedy(tiny()).tolist() == [0, NOBODY, 1]


def test_cutting_leaves_out_whoever_finds_no_seat_in_their_best_offer() -> None:
    assert bench._cut(tiny()).tolist() == [0, NOBODY, 1]
    everybody = Problem(tiny().values, (Limit.of("seats", np.array([1, 0]), 2.0),))
    assert bench._cut(everybody).tolist() == [0, 0, 1]


def test_simpler_orders_keep_the_limits_and_are_worth_less() -> None:
    drawn = bench.drawn(1, 300, 6, 3)
    told = bench._allocated(drawn)
    for order in (bench._greedy(drawn), bench._cut(drawn)):
        assert drawn.excess(order) <= 1e-6
        assert drawn.total_value(order) < told["value"] <= told["bound"] + 1e-3


def test_targets_are_told_as_met_or_missed() -> None:
    facts = {
        "seconds": 11.0,
        "processor_seconds": 12.0,
        "gap": 1e-5,
        "greedy_rate": 0.98,
        "cut_rate": 0.8,
        "customers": 100_000,
        "options": 20,
    }
    rows = bench.lines({"large": {"facts": facts, "load_before": 0.0}})
    assert [row.verdict for row in rows[:2]] == ["yes", "NO"]
    assert rows[0].what == "100,000 x 20, capacities: gap"
