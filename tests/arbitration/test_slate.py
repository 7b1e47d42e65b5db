"""The slate against a plain statement of its rules, customer by customer."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from vipreco.arbitration import (
    LeftOut,
    NoAction,
    SlateRules,
    left_out,
    most_frequent_verdict,
    no_action,
    slate,
)

FAMILIES = ("card", "card", "card", "fund", "fund", "")
NONE = np.zeros((6, 6), bool)
Floats = np.ndarray[Any, np.dtype[np.float64]]


def exclusive(*pairs: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    found = NONE.copy()
    for first, second in pairs:
        found[first, second] = True
    return found


def expected(row: Floats, allowed: list[bool], rules: SlateRules, most: int) -> list[int]:
    """The slate of one customer, said in plain Python."""
    chosen: list[int] = []
    for product in sorted(range(len(row)), key=lambda p: (-row[p], p)):
        family = [p for p in chosen if rules.families[p] == rules.families[product]]
        if (
            len(chosen) < most
            and allowed[product]
            and row[product] >= rules.min_priority
            and not any(rules.exclusive[product, p] for p in chosen)
            and not (rules.per_family and len(family) >= rules.per_family)
        ):
            chosen.append(product)
    return [chosen.index(p) + 1 if p in chosen else 0 for p in range(len(row))]


def test_without_rules_the_slate_is_the_order_of_priority():
    values = np.array([[0.1, 0.5, 0.3, 0.2, 0.2, 0.9]])
    allowed = np.array([[1, 1, 1, 1, 1, 0]], bool)
    rules = SlateRules.of(FAMILIES, NONE)
    assert slate(values, allowed, rules, 6).tolist() == [[5, 1, 2, 3, 4, 0]]
    assert slate(values, allowed, rules, 2).tolist() == [[0, 1, 2, 0, 0, 0]]


def test_a_family_gets_no_more_than_its_share_and_products_without_one_are_their_own():
    values = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4]])
    allowed = np.ones((1, 6), bool)
    assert slate(values, allowed, SlateRules.of(FAMILIES, NONE, 1), 6).tolist() == [[1, 0, 0, 2, 0, 3]]
    assert slate(values, allowed, SlateRules.of(FAMILIES, NONE, 2), 6).tolist() == [[1, 2, 0, 3, 4, 5]]


def test_exclusive_products_never_stand_together_whichever_names_the_other():
    values = np.array([[0.9, 0.8, 0.1, 0.1, 0.1, 0.1], [0.8, 0.9, 0.1, 0.1, 0.1, 0.1]])
    rules = SlateRules.of(FAMILIES, exclusive((1, 0)))
    found = slate(values, np.ones((2, 6), bool), rules, 2)
    assert found.tolist() == [[1, 0, 2, 0, 0, 0], [0, 1, 2, 0, 0, 0]]


def test_each_product_that_is_left_out_has_its_cause():
    values = np.array([[0.9, 0.8, 0.7, 0.6, 0.01, 0.5]])
    allowed = np.array([[1, 1, 1, 1, 1, 0]], bool)
    rules = SlateRules.of(FAMILIES, exclusive((0, 3)), 1, 0.1)
    places = slate(values, allowed, rules, 6)
    assert places.tolist() == [[1, 0, 0, 0, 0, 0]]
    causes = [LeftOut(code).name for code in left_out(values, allowed, rules, places)[0]]
    assert causes == [
        "IN_SLATE",
        "FAMILY_FULL",
        "FAMILY_FULL",
        "EXCLUDED_BY_OFFER",
        "BELOW_MIN_PRIORITY",
        "IN_SLATE",
    ]
    assert left_out(values, allowed, SlateRules.of(FAMILIES, NONE), slate(values, allowed, rules, 1))[
        0, 2
    ] == (LeftOut.SLATE_FULL)


def test_no_action_says_whether_everything_was_stopped_or_nothing_was_worth_it():
    values = np.array([[0.5] * 6, [0.01] * 6, [0.5] * 6])
    allowed = np.array([[1] * 6, [1] * 6, [0] * 6], bool)
    places = slate(values, allowed, SlateRules.of(FAMILIES, NONE, 0, 0.1), 3)
    assert no_action(allowed, places).tolist() == [
        NoAction.HAS_OFFERS,
        NoAction.BELOW_MIN_PRIORITY,
        NoAction.ALL_STOPPED,
    ]


def test_the_rule_that_stops_most_is_named_and_of_equals_the_first_of_the_policy():
    verdict = np.array([[3, 3, 2, 0], [2, 3, 0, 0], [0, 0, 0, 0]])
    assert most_frequent_verdict(verdict).tolist() == [3, 2, 0]


LEVELS = st.sampled_from([0.0, 0.1, 0.1, 0.4, 0.7, 1.0])


@st.composite
def cases(draw: st.DrawFn) -> tuple[Floats, Any, SlateRules, int]:
    shape = (draw(st.integers(0, 4)), draw(st.integers(1, 6)))
    pairs = draw(arrays(bool, (shape[1], shape[1]), elements=st.sampled_from([False, False, False, True])))
    np.fill_diagonal(pairs, False)
    families = tuple(draw(st.sampled_from(["a", "b", ""])) for _ in range(shape[1]))
    rules = SlateRules.of(families, pairs, draw(st.integers(0, 2)), draw(st.sampled_from([0.0, 0.2])))
    priority = draw(arrays(np.float64, shape, elements=LEVELS))
    return priority, draw(arrays(bool, shape)), rules, draw(st.integers(1, 6))


@settings(max_examples=300, deadline=None)
@given(cases())
def test_every_slate_is_the_one_that_plain_rules_give(case: tuple[Floats, Any, SlateRules, int]):
    priority, allowed, rules, most = case
    wanted = [expected(row, ok.tolist(), rules, most) for row, ok in zip(priority, allowed, strict=True)]
    assert slate(priority, allowed, rules, most).tolist() == wanted


@settings(max_examples=200, deadline=None)
@given(cases())
def test_no_slate_breaks_a_rule_and_a_longer_one_begins_like_a_shorter(
    case: tuple[Floats, Any, SlateRules, int],
):
    priority, allowed, rules, most = case
    places, longer = slate(priority, allowed, rules, most), slate(priority, allowed, rules, most + 1)
    assert not (places[~allowed] > 0).any()
    assert np.where(longer <= most, longer, 0).tolist() == places.tolist()
    for row in places:
        offered = np.flatnonzero(row)
        assert sorted(row[offered]) == list(range(1, len(offered) + 1))
        assert not any(rules.exclusive[pair] for pair in combinations(offered.tolist(), 2))
        if rules.per_family and len(offered):
            assert np.bincount(rules.families[offered]).max() <= rules.per_family


@pytest.mark.parametrize("most", [1, 3])
def test_the_first_offer_is_the_best_allowed_one(most: int):
    random = np.random.default_rng(4)
    priority, allowed = random.random((500, 6)), random.random((500, 6)) < 0.5
    places = slate(priority, allowed, SlateRules.of(FAMILIES, exclusive((0, 4)), 1), most)
    best = np.where(allowed, priority, -1).max(axis=1)
    first = np.where(places == 1, priority, -1).max(axis=1)
    assert first.tolist() == best.tolist()
