"""Arbitration: priority as a product of its factors, and ranks against Python's own sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vipreco.arbitration import ArbitrationSettings, priority, ranks


def test_ranks_of_a_case_by_hand():
    values = np.array([[0.1, 0.5, 0.3], [0.2, 0.2, 0.9]])
    allowed = np.array([[1, 1, 0], [1, 1, 1]], bool)
    assert ranks(values, allowed).tolist() == [[2, 1, 0], [2, 3, 1]]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_ranks_agree_with_a_stable_sort(data: st.DataObject):
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(1, 6)))
    values = data.draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.1, 0.1, 0.7, 1.0])))
    allowed = data.draw(arrays(bool, shape))
    expected = np.zeros(shape, int)
    for row in range(shape[0]):
        listed = sorted((p for p in range(shape[1]) if allowed[row, p]), key=lambda p: -values[row, p])
        for place, product in enumerate(listed, start=1):
            expected[row, product] = place
    assert ranks(values, allowed).tolist() == expected.tolist()


def test_without_a_value_the_priority_is_the_propensity():
    propensity = np.array([[0.2, 0.4]])
    assert priority(propensity, np.array([100.0, 1.0]), ArbitrationSettings()).tolist() == [[0.2, 0.4]]


def test_with_unit_values_the_priority_is_expected_money_and_an_unknown_value_counts_nothing():
    found = priority(
        np.array([[0.2, 0.4, 0.5]]), np.array([100.0, 10.0, np.nan]), ArbitrationSettings(value="unit_value")
    )
    assert found[0] == pytest.approx([20.0, 4.0, 0.0])
