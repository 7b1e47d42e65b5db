"""What the twelve cycles are compared by, on numbers that a hand can count."""

from __future__ import annotations

import math

import polars as pl
import pytest

from tests.experiments.scripts import script

cycles = script("loop_cycles.py", "loop_cycles")


def lives() -> pl.DataFrame:
    """Three banks: a VIP customer, one who became one and was called by the loop, one whom nobody calls."""
    rows = []
    for seed, gain in ((1, 10.0), (2, 20.0), (3, 30.0)):
        for arm, more, calls in (("frozen", 0.0, 0.0), ("loop", gain, 1.0)):
            for name, vip, called in (("a", True, 1.0), ("b", False, calls), ("c", False, 0.0)):
                rows.append(
                    {
                        "seed": seed,
                        "arm": arm,
                        "customer_id": name,
                        "vip": vip,
                        "contacts": called,
                        "expected_amount": 100.0 + (more if name == "b" else 0.0),
                        "gained_amount": 5.0 * called + (more if name == "b" else 0.0),
                        "kept_by_calls_amount": 100.0 * called,
                        "earned_amount": 90.0,
                        "at_stake_amount": 1000.0,
                    }
                )
    return pl.DataFrame(rows)


def test_customers_in_the_books_and_those_whom_either_called_are_counted():
    banks = cycles.by_bank(lives())
    assert banks.filter(pl.col("arm") == "loop")["expected_amount"].to_list() == [210.0, 220.0, 230.0]
    assert banks.filter(pl.col("arm") == "frozen")["contacts"].to_list() == [1.0, 1.0, 1.0]
    assert banks.filter(pl.col("arm") == "frozen")["added_amount"].to_list() == [6.0] * 3
    assert banks.filter(pl.col("arm") == "loop")["added_amount"].to_list() == [22.0, 32.0, 42.0]
    assert banks["worth_amount"].to_list() == (banks["expected_amount"] - 0.01 * 2000).to_list()


def test_a_bank_is_one_observation():
    found = cycles.differences(cycles.by_bank(lives()))["expected_amount"]
    reach = 4.302653 * 10 / math.sqrt(3)  # Student's quantile of two degrees of freedom
    assert found["value"] == pytest.approx(20.0)
    assert (found["low"], found["high"]) == pytest.approx((20 - reach, 20 + reach), abs=1e-4)
    assert (found["banks"], found["better"], found["frozen"]) == (3, 3, 200.0)
