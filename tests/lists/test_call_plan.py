"""The plan of a day: what each call is for, who must not be called, and what fits into the minutes."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.lists.call_plan import planned
from vipreco.settings import CallListSettings

DAY = date(2025, 12, 31)
VIP = ("GOLD",)
SETTINGS = CallListSettings(minutes=60)
AGO = {days: DAY - timedelta(days=days) for days in (3, 10, 100, 200, 360, 400)}

FACTS: dict[str, Any] = {
    "customer_id": pl.String,
    "tier": pl.String,
    "risk_level": pl.String,
    "risk_assessed_date": pl.Date,
    "joined_date": pl.Date,
    "consent_call": pl.Boolean,
    "reached_date": pl.Date,
    "called_date": pl.Date,
    "declined_date": pl.Date,
    "opted_out_of_calls": pl.Boolean,
    **{f"{time}_{name}": pl.Date for time in ("follow_up", "agreed") for name in ("date", "from_date")},
    "follow_up_product_id": pl.String,
    "agreed_product_id": pl.String,
    "maturing_month_date": pl.Date,
    "maturing_amount": pl.Float64,
    "stopped_whole": pl.Int64,
}
VALUES: dict[str, Any] = {
    "customer_id": pl.String,
    **{
        f"{part}_{unit}": pl.Float64
        for part in ("keep", "grow", "develop", "unlocked")
        for unit in ("priority", "amount")
    },
}
QUIET = {
    "tier": "BASIC",
    "risk_level": "C3",
    "risk_assessed_date": AGO[100],
    "joined_date": AGO[400],
    "consent_call": True,
    "stopped_whole": 0,
}


def book(*customers: dict[str, Any]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return facts and values of customers who differ so from a quiet one; values as `keep=`, `grow=` ..."""
    facts, values = [], []
    for number, customer in enumerate(customers):
        name = {"customer_id": f"c{number}"}
        facts.append(
            {**dict.fromkeys(FACTS), **QUIET, **name, **{k: v for k, v in customer.items() if k in FACTS}}
        )
        parts = {key: customer.get(key.rpartition("_")[0], 0.0) for key in VALUES if key != "customer_id"}
        values.append({**name, **parts})
    return pl.DataFrame(facts, FACTS), pl.DataFrame(values, VALUES)


def plan(*customers: dict[str, Any], minutes: int = 60, **changed: Any) -> list[dict[str, Any]]:
    """Plan a day for the customers of a book."""
    facts, values = book(*customers)
    found = planned(facts, values, DAY, VIP, SETTINGS.model_copy(update={"minutes": minutes, **changed}))
    return list(found.calls.iter_rows(named=True))


def one(**customer: Any) -> dict[str, Any]:
    (row,) = plan(customer)
    return row


@pytest.mark.parametrize(
    ("customer", "kind", "minutes", "worth"),
    [
        ({}, None, 0, 0.0),
        ({"grow": 5.0}, "grow", 10, 5.0),
        ({"grow": 5.0, "keep": 6.0}, "keep", 15, 11.0),
        ({"develop": 7.0, "keep": 6.0}, "develop", 10, 13.0),
        ({"maturing_amount": 1.0, "keep": 6.0}, "maturity", 10, 6.0),
        ({"maturing_amount": 1.0, "follow_up_date": DAY}, "follow_up", 10, 0.0),
        ({"follow_up_date": DAY}, "follow_up", 5, 0.0),
        ({"tier": "GOLD", "reached_date": AGO[200]}, "coverage", 10, 0.0),
        ({"tier": "GOLD", "reached_date": AGO[100]}, None, 0, 0.0),
        ({"tier": "GOLD", "joined_date": AGO[100]}, None, 0, 0.0),
        ({"tier": "GOLD", "joined_date": None}, "coverage", 10, 0.0),
        ({"risk_assessed_date": AGO[400], "unlocked": 9.0, "grow": 5.0}, "assessment", 15, 14.0),
        ({"risk_assessed_date": AGO[400], "unlocked": 2.0, "grow": 5.0}, "grow", 15, 7.0),
        ({"risk_assessed_date": AGO[400], "grow": 5.0}, "grow", 10, 5.0),
        ({"risk_assessed_date": AGO[360], "unlocked": 0.0, "grow": 5.0}, "grow", 15, 5.0),
        ({"risk_assessed_date": AGO[100], "unlocked": 9.0, "grow": 5.0}, "grow", 10, 5.0),
    ],
)
def test_what_heads_a_call_and_what_it_takes(
    customer: dict[str, Any], kind: str | None, minutes: int, worth: float
):
    row = one(**customer)
    assert (row["kind"], row["minutes"], row["expected_amount"]) == (kind, minutes, worth)
    assert (row["place"] is not None) == (
        kind is not None and worth + (kind in {"follow_up", "coverage"}) > 0
    )


@pytest.mark.parametrize(
    ("customer", "blocked"),
    [
        ({}, None),
        ({"consent_call": None}, "no_consent"),
        ({"consent_call": False, "opted_out_of_calls": True}, "no_consent"),
        ({"opted_out_of_calls": True}, "opted_out_of_calls"),
        ({"stopped_whole": 4, "declined_date": AGO[10]}, "policy"),
        ({"declined_date": AGO[10], "called_date": AGO[3]}, "cooling_off"),
        ({"declined_date": AGO[100]}, None),
        ({"called_date": AGO[3]}, "resting"),
        ({"called_date": AGO[10]}, None),
        ({"called_date": AGO[3], "follow_up_date": DAY}, None),
        ({"declined_date": AGO[10], "follow_up_date": DAY}, "cooling_off"),
    ],
)
def test_who_is_not_called_and_why(customer: dict[str, Any], blocked: str | None):
    row = one(grow=5.0, **customer)
    assert row["blocked"] == blocked
    assert (row["place"] is None) == (blocked is not None)


def test_duties_come_first_and_then_the_greatest_worth_per_minute():
    rows = plan(
        {"grow": 30.0},
        {"keep": 42.0},
        {"tier": "GOLD", "reached_date": AGO[200]},
        {"follow_up_date": DAY},
        {"grow": 29.0},
    )
    assert [row["place"] for row in rows] == [3, 5, 2, 1, 4]


def test_a_coverage_duty_takes_no_more_than_its_share_while_other_calls_are_worth_more():
    waiting = [{"tier": "GOLD", "reached_date": AGO[200]}] * 4
    worthy = [{"grow": 5.0}] * 2
    halved = plan(*waiting, *worthy, minutes=40, coverage_rate=0.5)
    assert [row["place"] for row in halved] == [1, 2, None, None, 3, 4]
    first = plan(*waiting, *worthy, minutes=40, coverage_rate=1.0, min_value_share=0.0)
    assert [row["place"] for row in first] == [1, 2, 3, 4, None, None]


def test_minutes_that_are_left_go_to_duties_that_are_worth_nothing():
    waiting = [{"tier": "GOLD", "reached_date": AGO[200]}] * 3
    assert [row["place"] for row in plan(*waiting, minutes=30)] == [1, 2, 3]


def test_two_short_calls_are_made_instead_of_a_long_one_that_is_worth_less_than_both():
    renewal = {"risk_assessed_date": AGO[400], "unlocked": 10.0}
    rows = plan(renewal, {"grow": 6.0}, {"grow": 6.0}, minutes=20)
    assert [row["place"] for row in rows] == [None, 1, 2]


def test_a_keep_call_among_the_three_most_valuable_is_on_the_list_although_others_would_fill_its_minutes():
    short = [{"grow": 6.0}, {"grow": 6.0}]
    assert [row["place"] for row in plan({"keep": 10.0}, *short, minutes=20)] == [1, None, None]
    rows = plan({"keep": 5.0}, *short, {"grow": 6.0}, minutes=20)
    assert [row["place"] for row in rows] == [None, 1, 2, None]


CUSTOMER = st.fixed_dictionaries(
    {
        "tier": st.sampled_from(["GOLD", "BASIC", None]),
        "reached_date": st.sampled_from([None, AGO[3], AGO[200]]),
        "called_date": st.sampled_from([None, AGO[3]]),
        "declined_date": st.sampled_from([None, None, AGO[10]]),
        "consent_call": st.sampled_from([True, True, True, False, None]),
        "follow_up_date": st.sampled_from([None, None, DAY]),
        "maturing_amount": st.sampled_from([None, 5.0]),
        "risk_assessed_date": st.sampled_from([None, AGO[100], AGO[400]]),
        "keep": st.integers(0, 20).map(float),
        "grow": st.integers(0, 20).map(float),
        "unlocked": st.integers(0, 5).map(float),
    }
)


@settings(max_examples=150, deadline=None)
@given(st.lists(CUSTOMER, min_size=1, max_size=12), st.integers(1, 90))
def test_every_plan_keeps_the_rules(customers: list[dict[str, Any]], minutes: int):
    rows = plan(*customers, minutes=minutes)
    today = sorted((row for row in rows if row["place"] is not None), key=lambda row: row["place"])
    used = sum(row["minutes"] for row in today)
    assert used <= minutes
    assert [row["place"] for row in today] == list(range(1, len(today) + 1))
    assert all(row["blocked"] is None and row["kind"] is not None for row in today)
    duty = [{"follow_up": 0, "coverage": 1}.get(row["kind"], 2) for row in today]
    assert duty == sorted(duty)
    promised = [row for row in rows if row["kind"] == "follow_up" and row["blocked"] is None]
    if sum(row["minutes"] for row in promised) <= minutes:
        assert all(row["place"] is not None for row in promised)
    waiting = [
        row["minutes"]
        for row in rows
        if row["kind"] and not row["blocked"] and row["place"] is None and row["priority"] > 0
    ]
    assert all(used + length > minutes for length in waiting)
    for kind in (0, 1, 2):
        rates = [
            row["priority"] / row["minutes"] for row, own in zip(today, duty, strict=True) if own == kind
        ]
        assert (np.diff(rates) <= 1e-9).all()


def test_calls_of_equal_worth_keep_the_order_of_the_ids():
    customers = [{"grow": float(value)} for value in (3, 9, 4, 9, 1, 8)]
    places = [row["place"] for row in plan(*customers, minutes=40)]
    assert places == [None, 1, 4, 2, None, 3]
