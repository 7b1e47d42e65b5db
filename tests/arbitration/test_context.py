"""Context: conditions over a tiny bank's columns, and the weights that follow from them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from vipreco.arbitration import context_of
from vipreco.arbitration.context import context_columns, weighted
from vipreco.history import History, View
from vipreco.settings import ContextRule

MONTHS = [date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30)]
FAMILIES = ("deposit", "card", "")


def view(*, day: date = date(2025, 11, 30), activity: bool = True) -> View:
    ids = ["a", "b", "c"]
    customers = {
        "customer_id": ids * 3,
        "snapshot_date": [month for month in MONTHS for _ in ids],
        "tier": ["GOLD", "BASIC", None] * 3,
        "aum_amount": pa.array([100.0, 100.0, None] * 3),
    }
    behaviour = {
        "customer_id": ["a", "a", "a", "b", "b"],
        "month_date": [*MONTHS, *MONTHS[:2]],
        "inflow_amount": pa.array([10.0, 30.0, 90.0, 5.0, 500.0]),
    }
    tables = {"customers": pa.table(customers)} | ({"activity": pa.table(behaviour)} if activity else {})
    return History.from_frames(tables).as_of(day)


def rule(name: str, when: str, weight: float, *families: str) -> ContextRule:
    return ContextRule(name=name, when=when, weight=weight, families=families)


def weights(*rules: ContextRule, at: View | None = None) -> list[list[float]]:
    context = context_of(at or view(), FAMILIES, rules)
    return context.products[context.group].tolist()


def test_a_situation_has_the_newest_month_the_usual_one_and_the_month_of_the_year():
    rows = context_columns(view(), {"tier", "inflow_amount", "usual_inflow_amount", "month"})
    assert rows.to_dict(as_series=False) == {
        "customer_id": ["a", "b", "c"],
        "tier": ["GOLD", "BASIC", None],
        "month": [11, 11, 11],
        "inflow_amount": [90.0, None, None],
        "usual_inflow_amount": [20.0, 252.5, None],
    }


def test_the_newest_month_is_that_of_the_bank_whoever_is_asked_for():
    """Customer b has no row of November: asked for alone, October does not become the newest month."""
    alone = view().of(pa.array(["b"]))
    rows = context_columns(alone, {"inflow_amount", "usual_inflow_amount"})
    assert rows.rows() == [("b", 11, None, 252.5)]
    assert alone.newest_month == view().newest_month == date(2025, 11, 30)
    fresh = rule("fresh", "inflow_amount > 0", 1.3)
    assert weights(fresh, at=alone) == [weights(fresh)[1]] == [[1.0] * 3]


def test_weights_are_multiplied_where_the_conditions_hold_and_unknown_is_no():
    more = rule("fresh", "inflow_amount > 3 * usual_inflow_amount", 2.0, "deposit")
    gold = rule("gold", "tier = 'GOLD'", 1.5)
    assert weights(more, gold) == [[3.0, 1.5, 1.5], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    assert weights(rule("small", "NOT (inflow_amount > 3)", 2.0)) == [[1.0] * 3] * 3


def test_a_season_is_a_condition_on_the_month():
    assert weights(rule("year-end", "month IN (10, 11)", 1.2, "card"))[0] == [1.0, 1.2, 1.0]
    assert weights(rule("spring", "month IN (3, 4)", 1.2, "card"))[0] == [1.0, 1.0, 1.0]


def test_behaviour_that_is_old_says_nothing_about_now():
    assert weights(rule("any", "inflow_amount > 0", 2.0), at=view(day=date(2026, 2, 27))) == [[1.0] * 3] * 3


def test_a_rule_whose_columns_the_bank_does_not_bring_is_named_and_weighs_nothing():
    rules = (rule("fresh", "inflow_amount > 0", 2.0), rule("gold", "tier = 'GOLD'", 3.0))
    context = context_of(view(activity=False), FAMILIES, rules)
    assert context.not_applicable == ("fresh",)
    assert context.products[context.group].tolist() == [[3.0] * 3, [1.0] * 3, [1.0] * 3]


def test_actions_are_weighed_where_the_rule_names_them():
    keep = ContextRule(name="keep", when="tier = 'GOLD'", weight=2.0, families=("card",), actions=("keep",))
    context = context_of(view(), FAMILIES, (keep,))
    assert context.actions[context.group].tolist() == [[2.0, 1.0], [1.0, 1.0], [1.0, 1.0]]


def test_a_rule_about_actions_alone_names_no_family():
    keep = ContextRule(name="keep", when="true", weight=2.0, actions=("keep",))
    context = weighted(np.ones((1, 1), bool), FAMILIES, (keep,))
    assert context.products.tolist() == [[1.0, 1.0, 1.0]]


def test_without_rules_everything_weighs_one():
    assert weights() == [[1.0] * 3] * 3


def test_a_condition_that_is_no_sql_is_refused_when_it_is_read():
    with pytest.raises(ValidationError, match="not a condition in SQL"):
        rule("broken", "inflow_amount >", 2.0)


def test_people_without_profiling_have_their_weights_taken_away():
    context = context_of(view(), FAMILIES, (rule("gold", "tier = 'GOLD'", 3.0),))
    masked = context.masked(np.array([False, True, True]))
    assert masked.products[masked.group].tolist() == [[1.0] * 3] * 3
