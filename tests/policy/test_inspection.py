"""The effect of each rule on a bank's columns, told before anybody is surprised."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from vipreco.policy import NEVER_KNOWN, STOPS_ALL, Policy, blind_rules, inspect
from vipreco.policy.inspection import IN_FORCE, INACTIVE, OUT_OF_DATE
from vipreco.settings import PolicySettings

BOTH = Policy.read(PolicySettings(packs=("house", "china")))
DAY = date(2026, 3, 31)


def states(facts: Any, policy: Policy = BOTH) -> dict[str, tuple[str, list[str]]]:
    rows = inspect(policy, DAY, facts)
    return {rule: (state, missing) for rule, state, missing in rows.select("rule", "state", "missing").rows()}


def test_a_bank_that_brings_everything_has_all_rules_in_force(facts_of: Any) -> None:
    facts = facts_of(BOTH, customer_special_procedure_days=3.0)
    assert {state for state, _ in states(facts).values()} == {IN_FORCE}
    assert blind_rules(BOTH, facts) == {}


def test_without_tables_only_the_dates_are_told() -> None:
    rows = inspect(BOTH, DAY, None)
    assert set(rows["state"]) == {IN_FORCE}
    assert rows["unknown_rate"].null_count() == rows.height


def test_a_house_rests_a_law_stops_where_a_fact_is_not_brought(facts_of: Any) -> None:
    facts = facts_of(BOTH)
    few = replace(facts, customers=facts.customers.drop("customer_free_liquidity_amount"))
    found = states(few)
    assert found["minimum-amount"] == (INACTIVE, ["customer_free_liquidity_amount"])
    assert found["cn-means"] == (STOPS_ALL, ["customer_free_liquidity_amount"])
    assert found["held"] == (IN_FORCE, [])


def test_a_fact_that_is_known_of_nobody_is_told(facts_of: Any) -> None:
    facts = facts_of(BOTH, customer_consent_in_channel=None, customer_special_procedure_days=1.0)
    assert states(facts)["consent"] == (NEVER_KNOWN, ["customer_consent_in_channel"])
    assert blind_rules(BOTH, facts) == {
        "consent": ["customer_consent_in_channel"],
        "cn-consent": ["customer_consent_in_channel"],
    }


def test_products_that_the_catalog_does_not_have_are_named(facts_of: Any, tmp_path: Any) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\n[[rule]]\nid = "own"\nstage = "eligibility"\nreason_code = "OWN"\nowner = "me"\n'
        "requires = \"product_id NOT IN ('W301', 'W999') AND product_family <> 'yacht'\"\n"
        'text = { en = "x.", zh = "x。" }\nvalid_until = 2026-06-30\n'
    )
    policy = Policy.read(PolicySettings(packs=(), files=("own.toml",)), tmp_path)
    row = inspect(policy, DAY, facts_of(policy)).row(0, named=True)
    assert row["names_none"] == ["W999", "yacht"]
    assert inspect(policy, date(2026, 7, 1), None)["state"].to_list() == [OUT_OF_DATE]


def test_the_largest_share_of_unknown_is_told(facts_of: Any) -> None:
    facts = facts_of(BOTH)
    two = replace(facts, customers=pl.concat([facts.customers, facts.customers.clear(1)]))
    rates = dict(inspect(BOTH, DAY, two).select("rule", "unknown_rate").rows())
    assert (rates["cn-risk-known"], rates["offer-window"]) == (0.5, 0.0)
