"""Duties have deadlines: met within the plan, or named."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from tests.lists.test_call_plan import AGO, CUSTOMER, DAY, VIP, book
from vipreco.lists.call_plan import CallPlan, planned
from vipreco.lists.schedule import NO_DAY
from vipreco.lists.workdays import Availability
from vipreco.settings import CallListSettings

SETTINGS = CallListSettings()


def plan(*customers: dict[str, Any], availability: Availability | None = None, **changed: Any) -> CallPlan:
    facts, values = book(*customers)
    chosen = SETTINGS.model_copy(update=changed)
    return planned(facts, values, DAY, VIP, chosen, availability or Availability())


def on(found: CallPlan, row: int) -> date | None:
    """Return the date of a call in the plan."""
    number = int(found.day_numbers()[row])
    return None if number == NO_DAY else found.days[number]


def value_share(found: CallPlan) -> float:
    """Return the value of today's list as a share of the most valuable list of the same minutes."""
    best = float(found.tasks.value[found.best_today].sum())
    return float(found.tasks.value[found.today].sum()) / best if best > 0 else 1.0


RICH = [{"grow": 50.0}] * 6  # fill a day of 60 minutes
MADE_UP = date(2026, 1, 5)  # costs a sixth of a list that can spare a twentieth: every fourth day
AHEAD = {days: DAY + timedelta(days=days) for days in (1, 2)}


@pytest.mark.parametrize(
    ("customer", "latest"),
    [
        ({"follow_up_date": DAY}, DAY),
        ({"follow_up_date": AGO[10]}, MADE_UP),
        ({"agreed_date": AHEAD[2]}, AHEAD[2]),
        ({"maturing_amount": 1.0, "maturing_month_date": DAY - timedelta(days=28)}, AHEAD[2]),
        (
            {"tier": "GOLD", "reached_date": AGO[10], "risk_assessed_date": DAY - timedelta(days=362)},
            AHEAD[2],
        ),
        ({"tier": "GOLD", "reached_date": DAY - timedelta(days=178)}, AHEAD[2]),
        ({"tier": "GOLD", "reached_date": None, "joined_date": AGO[400]}, MADE_UP),
    ],
)
def test_a_duty_without_value_waits_until_its_last_day_while_others_are_worth_more(
    customer: dict[str, Any], latest: date
):
    found = plan(customer, *(RICH * 6))
    assert on(found, 0) == latest
    assert found.missed.is_empty()


def test_a_customer_with_an_agreed_talk_is_not_called_before_its_day():
    found = plan({"agreed_date": AHEAD[1], "grow": 500.0})
    assert on(found, 0) == AHEAD[1]
    assert found.calls["place"].to_list() == [None]
    assert found.calls["kind"].to_list() == ["follow_up"]


def test_a_call_that_rests_comes_back_after_its_rest():
    rested = AGO[3] + timedelta(days=SETTINGS.rest_days)
    assert on(plan({"called_date": AGO[3], "grow": 5.0}), 0) == date(2026, 1, 5) >= rested


def test_a_call_of_great_value_that_a_duty_displaces_is_named():
    promised = [{"follow_up_date": DAY}] * 12
    found = plan(*promised, {"keep": 579.0}, {"grow": 3.0})
    assert found.displaced["customer_id"].to_list() == ["c12", "c13"]
    assert found.displaced["expected_amount"].to_list() == [579.0, 3.0]
    assert value_share(found) == 0.0
    assert plan({"keep": 579.0}, {"grow": 3.0}).displaced.is_empty()


def test_duties_that_do_not_fit_and_promises_to_blocked_customers_are_named():
    promised = [{"follow_up_date": DAY}] * 14
    found = plan(*promised, {"follow_up_date": DAY, "consent_call": None})
    named = found.missed.select("customer_id", "duty", "deadline", "blocked").rows()
    assert len(named) == 3
    assert named[-1] == ("c14", "follow_up", DAY, "no_consent")
    assert {row[1:] for row in named[:2]} == {("follow_up", DAY, None)}


def test_overdue_contact_takes_its_share_of_each_day_the_longest_without_first():
    never = {"tier": "GOLD", "reached_date": None}
    long_ago = {"tier": "GOLD", "reached_date": AGO[400]}
    found = plan(
        long_ago, never, {**never, "grow": 1.0}, *(RICH * 3), coverage_rate=0.17, min_value_share=0.0
    )
    assert found.duties["deadline"].to_list()[:3] == [found.days[2], found.days[1], found.days[0]]
    none = plan(long_ago, *RICH, coverage_rate=0.0)
    assert none.duties["deadline"].to_list()[0] is None


def test_customers_of_another_manager_are_called_before_the_cover_ends():
    covered = {"grow": 1.0}
    ends = Availability(cover_ends={"c0": AHEAD[1]})
    assert on(plan(covered, *RICH, *RICH, availability=ends), 0) is None
    assert on(plan(covered, *RICH, availability=ends), 0) == AHEAD[1]


@settings(max_examples=100, deadline=None)
@given(st.lists(CUSTOMER, min_size=1, max_size=12), st.integers(15, 90))
def test_every_duty_is_in_time_or_named_and_the_day_is_the_best_but_for_duties(
    customers: list[dict[str, Any]], minutes: int
):
    found = plan(*customers, minutes=minutes, plan_days=4)
    tasks, numbers = found.tasks, found.day_numbers()
    in_time = (numbers != NO_DAY) & (numbers <= tasks.deadline)
    named = set(found.missed["customer_id"])
    duty = found.duties["duty"].to_list()
    for row, customer in enumerate(found.calls["customer_id"]):
        assert not tasks.is_duty[row] or in_time[row] or customer in named or duty[row] == "keep"
    assert (np.flatnonzero(found.today) == np.flatnonzero(numbers == 0)).all()
    used = int(tasks.minutes[found.today].sum())
    assert used <= minutes
    forced = found.today & tasks.is_duty
    if not forced.any():
        assert value_share(found) >= 0.95 or (tasks.is_duty & ~found.today).any()
    if not tasks.is_duty.any():
        assert value_share(found) == pytest.approx(1.0)
    assert (found.displaced.height > 0) == (value_share(found) < 1 - 1e-9)


def test_the_frame_of_the_plan_keeps_every_customer():
    found = plan({}, {"consent_call": False}, {"grow": 1.0})
    assert found.calls["customer_id"].to_list() == ["c0", "c1", "c2"]
    assert isinstance(found.calls, pl.DataFrame)
