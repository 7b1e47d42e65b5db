"""Promised chances against acquisitions: exact limits, groups that tell about nobody, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.stats import compare_forecast


def test_the_limits_of_garwood() -> None:
    """Published: 10 events have the exact limits 4.795 and 18.39."""
    found = compare_forecast(np.full(100, 0.1), np.arange(100) < 10)
    assert (found.ratio.value, found.expected, found.acquired) == (pytest.approx(1.0), pytest.approx(10), 10)
    assert (found.ratio.low, found.ratio.high) == pytest.approx((0.4795, 1.839), abs=5e-4)


def test_groups_follow_the_height_of_the_chance() -> None:
    promised = np.repeat([0.4, 0.1], 50)
    acquired = np.concatenate([np.arange(50) < 20, np.arange(50) < 5])
    found = compare_forecast(promised, acquired, groups=2).table
    assert found.select("customers", "acquired").rows() == [(50, 5), (50, 20)]
    assert found["expected_rate"].to_list() == pytest.approx([0.1, 0.4])
    assert found["rate"].to_list() == pytest.approx([0.1, 0.4])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_group_tells_about_a_few_and_nobody_is_lost(rows: list[tuple[float, bool]]) -> None:
    promised = np.array([row[0] for row in rows])
    acquired = np.array([row[1] for row in rows], np.bool_)
    table = compare_forecast(promised, acquired).table
    if acquired.sum() < 5:
        assert table.is_empty()
    else:
        assert table["acquired"].min() >= 5
        assert table["customers"].sum() == len(rows)
        assert table["acquired"].sum() == acquired.sum()
        assert table["expected"].sum() == pytest.approx(promised.sum())
        assert table["expected_rate"].is_sorted()


def test_hardly_any_promise_carries_no_interval() -> None:
    assert compare_forecast(np.full(10, 0.01), np.arange(10) < 1).ratio.lacks == "acquisitions"
    assert compare_forecast(np.array([]), np.array([], np.bool_)).table.is_empty()


def test_the_interval_covers_when_promises_are_kept() -> None:
    random = np.random.default_rng(4)
    promised = random.beta(1, 30, 2000)
    draws = random.random((400, 2000)) < promised
    found = [compare_forecast(promised, draw).ratio for draw in draws]
    assert 0.93 <= np.mean([one.low <= 1 <= one.high for one in found]) <= 0.99
