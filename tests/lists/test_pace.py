"""Overdue duties come a few a day: the list keeps its value, and each has a date."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.lists.test_call_plan import AGO, DAY, VIP, book
from tests.lists.test_duties import value_share
from vipreco.lists.call_plan import CallPlan, planned
from vipreco.lists.pace import DayValue
from vipreco.lists.workdays import first_not_overdue
from vipreco.settings import CallListSettings, WorkingDays

LATE = {"follow_up_date": AGO[10]}
RICH = [{"grow": value} for value in (90.0, 70.0, 50.0, 9.0, 8.0, 7.0)]  # fill a day of 60 minutes


def plan(*customers: dict[str, Any], **changed: Any) -> CallPlan:
    facts, values = book(*customers)
    return planned(facts, values, DAY, VIP, CallListSettings().model_copy(update=changed))


def test_as_many_come_today_as_leave_the_list_its_value():
    """Two talks of 5 minutes cost the call of 7, four that of 8 as well: 219 and 210 of 234."""
    found = plan(*[LATE] * 5, *RICH)
    assert found.calls["kind"].to_list()[:5] == ["follow_up"] * 5
    assert found.today.tolist() == [True, True, False, False, False, True, True, True, True, True, False]
    assert value_share(found) == pytest.approx(227 / 234)
    assert found.duties["deadline"].to_list()[:5] == [DAY, DAY, *found.days[1:2] * 2, found.days[2]]
    assert found.missed.is_empty()


def test_what_costs_more_than_a_list_can_spare_is_made_up_for_every_so_many_days():
    """A sixth of the list is lost by the first talk, the second costs no more: every fourth day."""
    equal = [{"grow": 50.0}] * 6
    found = plan(*[LATE] * 3, *equal)
    assert found.duties["deadline"].to_list()[:3] == [found.days[3], found.days[3], found.days[7]]
    assert value_share(found) == 1.0
    assert found.displaced.is_empty()


def test_a_talk_agreed_for_today_is_due_today_whatever_it_costs():
    found = plan(*[{"follow_up_date": DAY}] * 4, *RICH)
    assert found.today.tolist()[:4] == [True] * 4
    assert value_share(found) == pytest.approx(219 / 234)


def test_a_talk_of_today_stays_due_though_the_contact_with_the_customer_is_overdue():
    both = {"tier": "GOLD", "reached_date": None, "follow_up_date": DAY}
    found = plan(*[{"tier": "GOLD", "reached_date": None}] * 3, both, minutes=10)
    assert found.today.tolist() == [False, False, False, True]


def test_promises_come_before_our_own_schedule_and_then_who_has_waited_longest():
    waiting = {"tier": "GOLD", "reached_date": AGO[400]}
    earlier, valued = {"follow_up_date": AGO[100]}, {**LATE, "grow": 1.0}
    found = plan(waiting, LATE, valued, earlier, *[{"grow": 50.0}] * 6, plan_days=20)
    assert found.duties["deadline"].to_list()[:4] == [found.days[turn] for turn in (11, 7, 3, 3)]
    assert found.duties["overdue"].to_list() == [True] * 4 + [False] * 6


def test_who_comes_after_the_days_of_the_plan_has_a_date_too():
    found = plan(*[LATE] * 7, *[{"grow": 50.0}] * 6, plan_days=2)
    waiting = found.waiting.select("customer_id", "deadline").rows()
    days = [date(2026, 1, day) for day in (5, 5, 7, 7, 9)]
    assert waiting == [(f"c{number}", day) for number, day in enumerate(days, start=2)]
    assert found.missed.is_empty()


def test_what_fell_due_since_the_last_working_day_is_due_today():
    monday, weekdays = date(2026, 1, 5), WorkingDays()
    assert first_not_overdue(monday, weekdays) == date(2026, 1, 3)
    assert first_not_overdue(date(2026, 1, 6), weekdays) == date(2026, 1, 6)
    no_work = WorkingDays(weekdays=())
    assert first_not_overdue(monday, no_work) == monday + timedelta(days=1)


def test_the_value_of_a_day_that_holds_calls_is_theirs_and_that_of_the_best_others():
    day = DayValue(np.array([5.0, 4.0, 0.0]), np.array([10, 10, 10]), 20)
    assert day.best(np.array([False, False, False])) == 9.0
    assert day.best(np.array([False, False, True])) == 5.0
    assert day.best(np.array([True, True, True])) == -np.inf


OVERDUE = st.fixed_dictionaries(
    {"follow_up_date": st.sampled_from([AGO[3], AGO[10], AGO[100]]), "grow": st.integers(0, 9).map(float)}
)


@settings(max_examples=60, deadline=None)
@given(st.lists(OVERDUE, min_size=1, max_size=9), st.lists(st.integers(1, 99).map(float), max_size=12))
def test_every_overdue_duty_has_a_date_and_only_the_first_of_a_day_may_cost_more(
    late: list[dict[str, Any]], values: list[float]
):
    found = plan(*late, *({"grow": value} for value in values))
    assert found.duties["deadline"][: len(late)].null_count() == 0
    due = [row for row in range(len(late)) if found.duties["deadline"][row] == found.days[0]]
    day = DayValue(found.tasks.value, found.tasks.minutes, 60)
    first = [day.best(np.arange(found.calls.height) == row) for row in due]
    assert value_share(found) >= 0.95 - 1e-9 or found.tasks.value[found.today].sum() >= min(first) - 1e-9
    assert found.missed.is_empty()
