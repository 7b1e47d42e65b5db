"""Counts over what is said: exact on a few lines."""

from __future__ import annotations

from datetime import date

import polars as pl
import pyarrow as pa

from vipreco.assurance.reason_quality import reason_quality, stated_frame
from vipreco.explanations import Reason, ReasonCatalog
from vipreco.explanations.facts import Fact
from vipreco.history import History

DAY = date(2025, 3, 31)
CATALOGUE = ReasonCatalog.shipped()


def fact(kind: str, value: str) -> Fact:
    return Fact(kind, "activity", "inflow_amount", DAY, value)


ROSE = Reason("inflow-rose", "rose", (fact("usual", "10"), fact("recent", "30")), "inflow", "inflow_amount")
FELL = Reason("inflow-rose", "rose", (fact("usual", "30"), fact("recent", "10")), "inflow", "inflow_amount")
ZERO = Reason("inflow-rose", "rose", (fact("usual", "0"), fact("recent", "10")), "inflow", "inflow_amount")
NEUTRAL = Reason("neutral", "often acquired")


def measured(*offers: tuple[str, str, str, list[Reason]], number: int) -> dict[str, tuple[str, bool]]:
    customers = pa.table(
        {"customer_id": ["a", "b"], "snapshot_date": [DAY] * 2, "tier": ["GOLD"] * 2, "manager_id": ["M"] * 2}
    )
    products = pa.table({"product_id": ["fund"], "recorded_date": [DAY]})
    view = History.from_frames({"customers": customers, "products": products}).as_of(DAY)
    found = reason_quality(stated_frame(offers, CATALOGUE), number, view)
    return {name: (value, met) for name, value, _, met in found.iter_rows()}


def test_reasons_that_keep_the_rules_meet_every_target():
    found = measured(("a", "fund", "fund", [ROSE]), ("b", "fund", "fund", [NEUTRAL]), number=2)
    assert found["offers with a reason"] == ("1 of 2 (50%)", True)
    assert found["first reason relevant to the product's family"] == ("100.0%", True)
    assert all(met for _, met in found.values())


def test_every_fault_is_counted():
    found = measured(
        ("a", "loan", "loan", [ROSE]), ("a", "fund", "fund", [FELL]), ("b", "fund", "fund", [ZERO]), number=3
    )
    assert found["first reason relevant to the product's family"] == ("66.7%", False)
    assert found["reasons with a zero or absent value"] == ("1", False)
    assert found["reasons contrary to their direction"] == ("2", False)
    assert found["customers with the same template twice"] == ("1", False)


def test_nothing_said_is_no_fault():
    found = measured(number=0)
    assert found["offers with a reason"][0] == "0 of 0 (0%)"
    assert isinstance(stated_frame([], CATALOGUE), pl.DataFrame)
