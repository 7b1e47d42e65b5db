"""The minutes of a day: the chosen calls against every possible choice."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings, strategies as st

from vipreco.lists.knapsack import packed


def best_total(worth: list[float], minutes: list[int], available: int) -> float:
    """The greatest worth of any set of calls that fits."""
    calls = range(len(worth))
    sets = (chosen for size in range(len(worth) + 1) for chosen in combinations(calls, size))
    fitting = (chosen for chosen in sets if sum(minutes[call] for call in chosen) <= available)
    return max(sum(worth[call] for call in chosen) for chosen in fitting)


def test_two_short_calls_beat_the_single_best_one():
    worth, minutes = np.array([100.0, 60.0, 60.0]), np.array([15, 10, 10])
    assert packed(worth, minutes, 20).tolist() == [False, True, True]
    assert packed(worth, minutes, 25).tolist() == [True, True, False]
    assert packed(worth, minutes, 9).tolist() == [False, False, False]


def test_a_call_that_is_worth_nothing_takes_no_minutes():
    assert packed(np.array([0.0, 1.0]), np.array([5, 5]), 60).tolist() == [False, True]


def test_no_minutes_no_calls():
    assert packed(np.array([1.0]), np.array([5]), 0).tolist() == [False]
    assert packed(np.array([1.0]), np.array([5]), -3).tolist() == [False]
    assert packed(np.zeros(0), np.zeros(0, int), 60).tolist() == []


CALLS = st.lists(st.tuples(st.integers(0, 50), st.sampled_from([3, 5, 10, 15])), max_size=9)


@settings(max_examples=300, deadline=None)
@given(CALLS, st.integers(0, 60))
def test_no_other_set_that_fits_is_worth_more(calls: list[tuple[int, int]], available: int):
    worth, minutes = [float(call[0]) for call in calls], [call[1] for call in calls]
    taken = packed(np.array(worth, float), np.array(minutes, int), available)
    assert sum(np.array(minutes, int)[taken]) <= available
    assert sum(np.array(worth)[taken]) == best_total(worth, minutes, available)
    assert taken.tolist() == packed(np.array(worth, float), np.array(minutes, int), available).tolist()
