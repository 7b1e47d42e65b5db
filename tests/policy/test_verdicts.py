"""Verdicts: order, dates, what is not present, batch against one, and the unknown that never passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.assurance import draw_facts
from vipreco.policy import ALLOWED, PASSES, Policy, PolicyFacts
from vipreco.settings import PolicySettings

DAY = date(2026, 3, 31)
ALL = Policy.read(PolicySettings(packs=("house", "china", "eu", "us")))
DRAWN = list(draw_facts(ALL, DAY, 2_400, 5, products=12))


def rule_ids(policy: Policy, facts: PolicyFacts) -> list[list[str]]:
    names = ["", *(rule.id for rule in policy.rules)]
    return [[names[verdict] for verdict in row] for row in policy.judge(facts)]


def test_rules_are_asked_by_stage_then_by_file_then_as_written() -> None:
    stages = [rule.stage for rule in ALL.rules]
    assert stages == sorted(stages, key=list(type(stages[0])).index)
    suitability = [one.pack for one in ALL.compiled if one.entry.stage == "suitability"]
    assert suitability == sorted(suitability, key=["house.toml", "china.toml", "eu.toml", "us.toml"].index)


def test_a_customer_alone_gets_the_verdicts_that_they_get_among_all() -> None:
    for facts in DRAWN:
        alone = [ALL.judge(facts.rows(slice(row, row + 1))) for row in range(facts.shape[0])]
        assert np.array_equal(np.concatenate(alone), ALL.judge(facts))


def test_a_verdict_is_the_first_of_what_the_rules_say_alone() -> None:
    for facts in DRAWN:
        alone = [np.broadcast_to(codes, facts.shape) for _, codes in ALL.each(facts)]
        first = np.min(alone, axis=0)
        assert np.array_equal(ALL.judge(facts), np.where(first == PASSES, ALLOWED, first))
        assert 0 < (first == PASSES).mean() < 1


def test_nobody_and_nothing_have_no_verdicts() -> None:
    facts = DRAWN[0]
    assert ALL.judge(facts.rows(slice(0, 0))).shape == (0, 12)
    none = replace(
        facts, products=facts.products[:0], pairs={name: v[:, :0] for name, v in facts.pairs.items()}
    )
    assert ALL.judge(none).shape == (facts.shape[0], 0)


def forget(facts: PolicyFacts, name: str, row: int, column: int) -> PolicyFacts:
    """Return the facts with one of them unknown."""
    if name in facts.pairs:
        values = facts.pairs[name].astype(float)
        values[row, column] = np.nan
        return replace(facts, pairs={**facts.pairs, name: values})
    where, table = (row, "customers") if name.startswith("customer") else (column, "products")
    frame = getattr(facts, table)
    spoilt = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == where).then(None).otherwise(name).alias(name)
    )
    return replace(facts, **{table: spoilt.cast(dict(frame.schema))})


NAMES = sorted({*DRAWN[0].customers.columns, *DRAWN[0].products.columns, *DRAWN[0].pairs})


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DRAWN), st.data())
def test_forgetting_a_fact_never_lets_a_stopped_product_pass(facts: PolicyFacts, data: st.DataObject) -> None:
    row, column = data.draw(st.integers(0, facts.shape[0] - 1)), data.draw(st.integers(0, 11))
    names = data.draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    known = facts.rows(slice(row, row + 1))
    before = ALL.judge(known)
    for name in names:
        known = forget(known, name, 0, column)
    assert not ((before != ALLOWED) & (ALL.judge(known) == ALLOWED)).any()


def test_forgetting_every_fact_of_a_kind_stops_somebody_somewhere() -> None:
    """The property above would hold of rules that ask for nothing as well."""
    moved = {name for facts in DRAWN for name in NAMES if changes(facts, name)}
    assert moved == set(NAMES)


def changes(facts: PolicyFacts, name: str) -> bool:
    left = {key: value for key, value in facts.pairs.items() if key != name}
    without = replace(
        facts,
        customers=facts.customers.with_columns(pl.lit(None).cast(facts.customers.schema[name]).alias(name))
        if name in facts.customers.columns
        else facts.customers,
        products=facts.products.with_columns(pl.lit(None).cast(facts.products.schema[name]).alias(name))
        if name in facts.products.columns
        else facts.products,
        pairs={**left, name: np.full(facts.shape, np.nan)} if name in facts.pairs else facts.pairs,
    )
    said = [
        [np.broadcast_to(codes != PASSES, facts.shape) for _, codes in ALL.each(one)]
        for one in (facts, without)
    ]
    return any((after & ~before).any() for before, after in zip(*said, strict=True))


@pytest.mark.parametrize(
    ("day", "expected"), [(date(2025, 12, 31), ""), (date(2026, 1, 1), "dated"), (date(2026, 6, 30), "dated")]
)
def test_a_rule_applies_from_its_first_to_its_last_day(
    tmp_path: Any, facts_of: Any, day: date, expected: str
) -> None:
    (tmp_path / "dated.toml").write_text(
        'name = "dated"\n[[rule]]\nid = "dated"\nstage = "eligibility"\nreason_code = "DATED"\n'
        'requires = "customer_age_years >= 99"\ntext = { en = "x.", zh = "x。" }\nowner = "me"\n'
        "valid_from = 2026-01-01\nvalid_until = 2026-06-30\n"
    )
    policy = Policy.read(PolicySettings(packs=(), files=("dated.toml",)), tmp_path)
    assert rule_ids(policy, facts_of(policy, day=day)) == [[expected]]
    assert rule_ids(policy, facts_of(policy, day=date(2026, 7, 1))) == [[""]]


def without_column(facts: PolicyFacts, name: str) -> PolicyFacts:
    return replace(facts, customers=facts.customers.drop(name))


def test_a_rule_of_the_house_may_rest_where_no_such_fact_is_brought(house: Policy, facts_of: Any) -> None:
    assert rule_ids(house, without_column(facts_of(house), "customer_blocked")) == [[""]]
    assert rule_ids(house, facts_of(house, customer_blocked=None)) == [["blocked"]]


def test_a_law_stops_everything_where_no_such_fact_is_brought(china: Policy, facts_of: Any) -> None:
    facts = facts_of(china, product_placement="private", customer_qualified_investor=True)
    assert rule_ids(china, facts) == [[""]]
    found = china.judge(without_column(facts, "customer_qualified_investor"))
    assert china.rules[int(found[0, 0]) - 1].reason_code == "QUALIFICATION_UNKNOWN"


def test_a_rule_concerns_the_pairs_whose_columns_it_asks_for(china: Policy, facts_of: Any) -> None:
    for family, asked in (("wealth", True), (None, True), ("deposit", False)):
        facts = facts_of(china, product_family=family)
        assert china.concerned(facts, {"customer_risk_assessed_months"}).tolist() == [[asked]]
    assert not china.concerned(facts_of(china), {"customer_aum_amount"}).any()
