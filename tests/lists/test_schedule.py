"""The schedule of calls: against every possible plan on tiny cases, and its promises on any."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from hypothesis import given, settings, strategies as st

from vipreco.lists.knapsack import packed
from vipreco.lists.schedule import NEVER, NO_DAY, CallTasks, Integers, schedule

Days = tuple[int, ...]
Call = tuple[int, int, int, int, int | None, int]


def tasks(calls: list[Call]) -> CallTasks:
    """Make calls of (value, minutes, first day, last day, deadline or None, weight)."""
    columns = list(zip(*calls, strict=True)) or [()] * 6
    whole = [np.array(column, np.int64) for column in (*columns[1:4], columns[5])]
    deadline = np.array([NEVER if each is None else each for each in columns[4]], np.int64)
    value = np.array(columns[0], float)
    return CallTasks(value, whole[0], whole[1], whole[2], deadline, whole[3])


def plan(calls: list[Call], capacity: list[int], days: int | None = None) -> list[int]:
    return schedule(tasks(calls), np.array(capacity, np.int64), days).tolist()


def missed(calls: list[Call], days: Days) -> int:
    """Return the weight of the duties that a plan misses."""
    pairs = zip(calls, days, strict=True)
    return sum(call[5] for call, day in pairs if call[4] is not None and not NO_DAY < day <= call[4])


def value(calls: list[Call], days: Days, day: int) -> int:
    return sum(call[0] for call, own in zip(calls, days, strict=True) if own == day)


def possible(calls: list[Call], capacity: list[int]) -> Iterator[Days]:
    """Give every plan that keeps to the minutes and the days of the calls, one by one."""
    numbers = range(len(capacity))
    for days in product((NO_DAY, *numbers), repeat=len(calls)):
        able = all(day == NO_DAY or call[2] <= day <= call[3] for call, day in zip(calls, days, strict=True))
        used = [sum(call[1] for call, own in zip(calls, days, strict=True) if own == day) for day in numbers]
        if able and all(each <= room for each, room in zip(used, capacity, strict=True)):
            yield days


def settled(days: Days, day: int) -> Days:
    """Return a plan before a day."""
    return tuple(own if own < day else NO_DAY for own in days)


def test_a_duty_waits_for_its_last_day_while_other_calls_are_amounts_more():
    duty, rich = (0, 10, 0, 9, 1, 1), (50, 10, 0, 9, None, 1)
    assert plan([duty, rich, rich], [20, 20]) == [1, 0, 0]
    assert plan([duty, rich, rich], [20, 10]) == [1, 0, 0]


def test_a_duty_is_done_today_when_no_later_day_has_room():
    duties = [(0, 10, 0, 9, 1, 1)] * 2
    assert plan([*duties, (50, 10, 0, 9, None, 1)], [10, 10]) in ([0, 1, NO_DAY], [1, 0, NO_DAY])


def test_a_duty_of_a_later_day_keeps_that_day_free():
    assert plan([(0, 10, 1, 9, 1, 4), (0, 10, 0, 9, 1, 1)], [10, 10]) == [1, 0]


def test_of_two_duties_that_cannot_both_be_done_the_weightier_is():
    assert plan([(90, 10, 0, 0, 0, 1), (0, 10, 0, 0, 0, 4)], [10]) == [NO_DAY, 0]


def test_minutes_that_are_left_go_to_duties_of_later_days():
    assert plan([(0, 10, 0, 9, 5, 1), (8, 10, 0, 9, None, 1)], [20, 20, 20, 20, 20, 20]) == [0, 0]


def test_a_call_that_is_amounts_nothing_is_not_made_and_no_calls_make_no_plan():
    assert plan([(0, 5, 0, 9, None, 1)], [60]) == [NO_DAY]
    assert plan([], [60, 60]) == []
    assert plan([(5, 5, 0, 9, None, 1)], [0, 60]) == [1]


CALLS = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.sampled_from([5, 10, 15]),
        st.integers(0, 2),
        st.integers(1, 2),
        st.one_of(st.none(), st.integers(0, 2)),
        st.integers(1, 4),
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None)
@given(CALLS, st.lists(st.sampled_from([0, 10, 20, 25]), min_size=1, max_size=3))
def test_no_plan_is_better(calls: list[Call], capacity: list[int]):
    found = tuple(plan(calls, capacity))
    plans = list(possible(calls, capacity))
    assert found in plans
    fewest = min(missed(calls, days) for days in plans)
    assert missed(calls, found) == fewest
    plans = [days for days in plans if missed(calls, days) == fewest]
    for day in range(len(capacity)):
        plans = [days for days in plans if settled(days, day) == settled(found, day)]
        assert value(calls, found, day) == max(value(calls, days, day) for days in plans)


def values_of(calls: list[Call]) -> tuple[np.ndarray, Integers]:
    return np.array([call[0] for call in calls], float), np.array([call[1] for call in calls], np.int64)


@settings(max_examples=150, deadline=None)
@given(CALLS.filter(bool), st.integers(5, 60))
def test_the_first_day_has_the_best_list_of_its_minutes_unless_a_duty_forces_it(
    calls: list[Call], minutes: int
):
    amounts, length = values_of(calls)
    able = np.array([call[2] == 0 for call in calls])
    found = np.array(plan(calls, [minutes] * 4, 1))
    top = amounts[packed(np.where(able, amounts, 0.0), length, minutes)].sum()
    forced = any(call[4] is not None for call in calls)
    assert amounts[found == 0].sum() <= top
    assert forced or amounts[found == 0].sum() == top
    assert plan(calls, [minutes] * 4)[: len(calls)] == plan(calls, [minutes] * 4)
    assert [day if day == 0 else NO_DAY for day in plan(calls, [minutes] * 4)] == found.tolist()
