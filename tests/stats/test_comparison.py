"""Comparisons of whole campaigns and of their subgroups: exact numbers, and where data do not suffice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest

from vipreco.stats import MIN_ACQUISITIONS, MIN_CUSTOMERS, by_group, compare


def arms(treated: int, treated_acquired: int, control: int, control_acquired: int) -> tuple[Any, Any]:
    flags = np.repeat([True, False], [treated, control])
    numbers = (treated_acquired, treated - treated_acquired, control_acquired, control - control_acquired)
    return flags, np.repeat([True, False, True, False], numbers)


def test_the_numbers_of_a_campaign() -> None:
    found = compare(*arms(1000, 80, 500, 20), value=np.where(arms(1000, 80, 500, 20)[1], 50.0, 0.0))
    assert (found.treated, found.control, found.treated_acquired, found.control_acquired) == (
        1000,
        500,
        80,
        20,
    )
    assert found.lift.value == pytest.approx(0.04)
    assert found.extra.value == pytest.approx(40)
    assert found.extra.low == pytest.approx(found.lift.low * 1000)
    assert found.relative.value == pytest.approx(1.0)
    assert found.adjusted.value == pytest.approx(0.04)
    assert found.value.value == pytest.approx(50 * 0.04)
    assert found.extra_value.value == pytest.approx(50 * 40)
    assert found.lift.low > 0
    assert found.p < 0.05


def test_few_customers_or_acquisitions_carry_no_interval() -> None:
    few = compare(*arms(1000, 80, MIN_CUSTOMERS - 1, 2))
    assert (few.lift.lacks, math.isnan(few.lift.low)) == ("customers", True)
    assert str(few.lift) == "not enough data (customers)"
    rare = compare(*arms(1000, MIN_ACQUISITIONS - 1, 500, 0))
    assert rare.lift.lacks == "acquisitions"
    enough = compare(*arms(1000, MIN_ACQUISITIONS, MIN_CUSTOMERS, 0))
    assert enough.lift.known
    assert (enough.relative.lacks, enough.value.lacks) == ("acquisitions", "acquisitions")


def frame(groups: dict[str, tuple[int, int, int, int]]) -> pl.DataFrame:
    parts = []
    for name, numbers in groups.items():
        treated, acquired = arms(*numbers)
        parts.append(pl.DataFrame({"tier": [name] * len(treated), "treated": treated, "acquired": acquired}))
    return pl.concat(parts).with_columns(channel=pl.lit(None, pl.String))


def test_subgroups_are_counted_apart() -> None:
    found = by_group(frame({"GOLD": (1000, 100, 500, 10), "TOP": (100, 3, 20, 1)}), ["tier", "channel"])
    assert found.select("dimension", "group", "treated", "control").rows() == [
        ("tier", "GOLD", 1000, 500),
        ("tier", "TOP", 100, 20),
        ("channel", "", 1100, 520),
    ]
    assert found["lacks"].to_list() == ["", "customers", ""]
    assert found["lift"].to_list() == pytest.approx([0.08, 0.03 - 0.05, 103 / 1100 - 11 / 520])
    assert found["stands_out"].to_list() == [True, False, True]
    assert found["low"].is_nan().to_list() == [False, True, False]


def test_a_group_is_what_it_is_when_compared_alone() -> None:
    numbers = (400, 30, 300, 12)
    alone, among = compare(*arms(*numbers)), by_group(frame({"A": (50, 9, 50, 8), "B": numbers}), ["tier"])
    row = among.row(1, named=True)
    assert (row["lift"], row["low"], row["high"], row["p"]) == pytest.approx(
        (alone.lift.value, alone.lift.low, alone.lift.high, alone.p)
    )


def test_among_many_groups_without_effect_hardly_one_campaign_in_twenty_has_one_that_stands_out() -> None:
    random = np.random.default_rng(3)
    alarms = 0
    for _ in range(100):
        table = pl.DataFrame(
            {
                "tier": random.integers(0, 12, 3000),
                "treated": random.random(3000) < 0.7,
                "acquired": random.random(3000) < 0.1,
            }
        )
        alarms += bool(by_group(table, ["tier"])["stands_out"].any())
    assert alarms <= 12


def test_no_columns_and_no_rows_give_an_empty_table() -> None:
    assert by_group(frame({"A": (50, 9, 50, 8)}), []).is_empty()
    assert by_group(frame({"A": (50, 9, 50, 8)}).clear(), ["tier"]).is_empty()
