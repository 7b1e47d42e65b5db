"""Conditions: a closed grammar with three truth values, in which the unknown never becomes an advantage."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from vipreco.errors import UsageError
from vipreco.policy import Grain, parse_condition
from vipreco.policy.columns import KNOWN

HELD, RANK, AGE, FAMILY = "pair_held", "customer_risk_rank", "customer_age_years", "product_family"


def truth(sql: str, **facts: object) -> str:
    """Return what a condition says of one row of facts."""
    row = pl.DataFrame(
        {name: [value] for name, value in facts.items()},
        schema={name: KNOWN[name].dtype for name in facts},
    )
    codes = [int(row.select(atom.truth).item()) for atom in parse_condition(sql, KNOWN, "here")]
    return "false" if 0 in codes else "unknown" if 2 in codes else "true"


@pytest.mark.parametrize(
    ("sql", "facts", "expected"),
    [
        ("customer_age_years >= 65", {AGE: 65.0}, "true"),
        ("customer_age_years >= 65", {AGE: 64.0}, "false"),
        ("customer_age_years >= 65", {AGE: None}, "unknown"),
        ("NOT customer_age_years >= 65", {AGE: None}, "unknown"),
        ("customer_age_years BETWEEN 18 AND 65", {AGE: 18.0}, "true"),
        ("customer_age_years NOT BETWEEN 18 AND 65", {AGE: None}, "unknown"),
        ("product_family IN ('fund', 'wealth')", {FAMILY: "fund"}, "true"),
        ("product_family NOT IN ('fund', 'wealth')", {FAMILY: None}, "unknown"),
        ("product_family <> 'it''s'", {FAMILY: "it's"}, "false"),
        ("pair_held AND customer_age_years > 1", {HELD: False, AGE: None}, "false"),
        ("pair_held AND customer_age_years > 1", {HELD: True, AGE: None}, "unknown"),
        ("pair_held OR customer_age_years > 1", {HELD: True, AGE: None}, "true"),
        ("pair_held OR customer_age_years > 1", {HELD: False, AGE: None}, "unknown"),
        ("NOT pair_held", {HELD: None}, "unknown"),
        ("pair_held = TRUE", {HELD: None}, "unknown"),
        ("customer_risk_rank + 1 >= customer_age_years * 2 - 3.5", {RANK: 5.0, AGE: 4.0}, "true"),
        ("context_as_of_date >= DATE '2026-02-01'", {"context_as_of_date": None}, "unknown"),
    ],
)
def test_three_truth_values(sql: str, facts: dict[str, object], expected: str) -> None:
    assert truth(sql, **facts) == expected


@pytest.mark.parametrize(
    "sql",
    [
        "customer_age_years IS NULL",
        "customer_age_years IS NOT NULL",
        "coalesce(customer_age_years, 99) > 65",
        "customer_age_years IS NOT DISTINCT FROM 65",
        "CASE WHEN pair_held THEN FALSE ELSE TRUE END",
        "customer_risk_rank / customer_age_years > 1",
        "product_family LIKE 'f%'",
        "lower(product_family) = 'fund'",
        "count(*) > 1",
        "sum(customer_age_years) > 1",
        "(SELECT TRUE)",
        "product_family IN (SELECT 'fund')",
        "product_family = NULL",
        "CAST(customer_age_years AS INT) > 3",
        "pair_held XOR product_offered",
        "least(customer_age_years, 3) > 1",
        "NOT customer_age_years",
        "customer_age_years",
        "customer_age_years = 'old'",
        "product_family > 3",
        "customer_age_years >",
        "pair_held; DROP TABLE x",
    ],
)
def test_what_is_outside_the_grammar_is_refused(sql: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_condition(sql, KNOWN, "rules.toml: rule x, requires")
    assert raised.value.code in {"policy-condition", "policy-column"}
    assert raised.value.where == "rules.toml: rule x, requires"


def test_an_unknown_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="customer_age_year, did you mean customer_age_years"):
        parse_condition("customer_age_year > 3", KNOWN, "here")


def test_parts_joined_by_and_are_evaluated_each_at_its_own_grain() -> None:
    sql = "product_risk_rank >= 4 AND customer_age_years >= 65 AND (pair_held OR product_offered)"
    assert [atom.grain for atom in parse_condition(sql, KNOWN, "")] == [
        Grain.PRODUCT,
        Grain.CUSTOMER,
        Grain.PAIR,
    ]


def test_not_a_number_counts_as_unknown(house, facts_of) -> None:
    facts = facts_of(house, customer_free_liquidity_amount=float("nan"))
    verdict = int(house.judge(facts)[0, 0])
    assert house.rules[verdict - 1].reason_code == "LIQUIDITY_UNKNOWN"
    assert np.isnan(facts_of(house, pair_decline_days=None).pairs["pair_decline_days"][0, 0])
