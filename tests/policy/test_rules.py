"""Policy: each rule on a case by hand, and all of them against the same rules in plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vipreco.policy import ALLOWED, RULES, Facts, judge


def facts(held: list[list[int]], **changed: object) -> Facts:
    products = len(held[0])
    usual: dict[str, object] = {
        "held": np.array(held, bool),
        "offered": np.ones(products, bool),
        "scored": np.ones(products, bool),
        "repeatable": np.zeros(products, bool),
        "prerequisites": np.zeros((products, products), bool),
        "exclusions": np.zeros((products, products), bool),
    }
    return Facts(**{**usual, **changed})  # type: ignore[arg-type]


def reasons(of: Facts) -> list[list[str]]:
    names = ["", *(rule.reason_code for rule in RULES)]
    return [[names[verdict] for verdict in row] for row in judge(of)]


def test_what_is_held_is_not_offered_again():
    assert reasons(facts([[1, 0]])) == [["HELD", ""]]


def test_a_repeatable_product_is_offered_to_its_holders():
    assert reasons(facts([[1, 1]], repeatable=np.array([True, False]))) == [["", "HELD"]]


def test_a_product_out_of_its_offer_window_is_not_offered():
    assert reasons(facts([[0, 0]], offered=np.array([False, True]))) == [["NOT_OFFERED", ""]]


def test_a_product_that_the_model_does_not_know_is_not_offered():
    assert reasons(facts([[0, 0]], scored=np.array([True, False]))) == [["", "NOT_SCORED"]]


def test_a_missing_prerequisite_stops_only_those_who_miss_it():
    needs = np.array([[0, 1], [0, 0]], bool)
    assert reasons(facts([[0, 0], [0, 1]], prerequisites=needs)) == [
        ["PREREQUISITE_MISSING", ""],
        ["", "HELD"],
    ]


def test_a_held_product_excludes_its_rival():
    rivals = np.array([[0, 1], [1, 0]], bool)
    assert reasons(facts([[0, 1], [0, 0]], exclusions=rivals)) == [["EXCLUDED_BY_HOLDING", "HELD"], ["", ""]]


def test_the_first_rule_in_order_gives_the_reason():
    assert reasons(facts([[1]], offered=np.array([False]))) == [["NOT_OFFERED"]]


def plain(of: Facts, customer: int, product: int) -> str:
    held = {p for p, has in enumerate(of.held[customer]) if has}
    if not of.offered[product]:
        return "NOT_OFFERED"
    if not of.scored[product]:
        return "NOT_SCORED"
    if product in held and not of.repeatable[product]:
        return "HELD"
    if not {p for p, needed in enumerate(of.prerequisites[product]) if needed} <= held:
        return "PREREQUISITE_MISSING"
    if {p for p, rival in enumerate(of.exclusions[product]) if rival} & held:
        return "EXCLUDED_BY_HOLDING"
    return ""


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    products, customers = draw(st.integers(1, 5)), draw(st.integers(0, 4))
    flags = {
        "held": (customers, products),
        "offered": (products,),
        "scored": (products,),
        "repeatable": (products,),
        "prerequisites": (products, products),
        "exclusions": (products, products),
    }
    return Facts(**{name: draw(arrays(bool, shape)) for name, shape in flags.items()})


@settings(max_examples=200, deadline=None)
@given(any_facts())
def test_it_agrees_with_the_rules_in_plain_python(of: Facts):
    rows, columns = of.held.shape
    assert reasons(of) == [[plain(of, i, j) for j in range(columns)] for i in range(rows)]


@settings(max_examples=50, deadline=None)
@given(any_facts())
def test_a_verdict_for_each_pair_and_no_pair_dropped(of: Facts):
    verdicts = judge(of)
    assert verdicts.shape == of.held.shape
    assert set(np.unique(verdicts)) <= {ALLOWED, *range(1, len(RULES) + 1)}


def test_reason_codes_are_unique_and_have_a_text():
    codes = [rule.reason_code for rule in RULES]
    assert len(set(codes)) == len(codes)
    assert all(rule.text.endswith(".") for rule in RULES)
