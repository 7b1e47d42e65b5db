"""The way to a product: a step granted through the facts opens it, or the next rule was named."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.policy.conftest import one_pair
from vipreco.assurance import unlock_check
from vipreco.assurance.random_facts import OTHERWISE, USUAL, draw_facts
from vipreco.assurance.unlock_check import check_unlocks
from vipreco.explanations import all_not_offered, unlock_groups
from vipreco.policy import Policy, PolicyFacts
from vipreco.policy.columns import Grain, PolicyColumn
from vipreco.settings import PolicySettings

DAY = date(2026, 3, 31)
POLICY = Policy.read(PolicySettings(packs=("house", "china")))
NAMES: dict[str, str] = {}


def granted(facts: PolicyFacts, place: tuple[int, int], rule_id: str) -> PolicyFacts:
    """Return the facts of one pair with those of a rule as the rule asks for them."""
    (rule,) = [one for one in POLICY.compiled if one.entry.id == rule_id]
    customers, products = facts.customers[place[0] : place[0] + 1], facts.products[place[1] : place[1] + 1]
    pairs = {
        name: values[place[0] : place[0] + 1, place[1] : place[1] + 1] for name, values in facts.pairs.items()
    }
    reaches = rule.entry.reaches if rule.entry.reaches in rule.required_columns else ""
    if reaches and products[reaches][0] is None:  # what it has to reach is recorded first
        products = products.with_columns(literal(POLICY.known[reaches]))
    for name in sorted(rule.condition_columns):
        column = POLICY.known[name]
        if reaches and name in rule.required_columns:  # as much as the product asks for, and no more
            if column.grain is Grain.CUSTOMER:
                customers = customers.with_columns(pl.lit(products[reaches][0], column.dtype).alias(name))
        elif column.grain is Grain.CUSTOMER:
            customers = customers.with_columns(literal(column))
        elif column.grain is Grain.PRODUCT:
            products = products.with_columns(literal(column))
        elif column.grain is Grain.PAIR:
            pairs[name] = np.array([[float(usual(column))]])
    return PolicyFacts(facts.as_of, facts.channel, customers, products, pairs)


def usual(column: PolicyColumn) -> Any:
    return USUAL.get(column.name, OTHERWISE[column.kind])


def literal(column: PolicyColumn) -> Any:
    return pl.lit(usual(column), dtype=column.dtype).alias(column.name)


@pytest.mark.parametrize("seed", range(5))
def test_each_step_granted_opens_the_product_or_meets_the_rule_of_a_later_step(seed: int):
    walked = opened = 0
    for facts in draw_facts(POLICY, DAY, 400, seed, products=10):
        if facts.channel != "branch":
            continue
        for row in range(facts.shape[0]):
            for column, verdicts in enumerate(POLICY.stops(facts, row)):
                way = unlock_groups(POLICY, verdicts)
                if not all(POLICY.rules[group[0] - 1].unlock.en for group in way):
                    continue
                now, place = facts, (row, column)
                for number, group in enumerate(way):
                    for verdict in group:
                        now, place = granted(now, place, POLICY.rules[verdict - 1].id), (0, 0)
                    verdict = int(POLICY.judge(now)[0, 0])
                    later = {POLICY.rules[one - 1].id for step in way[number + 1 :] for one in step}
                    assert verdict == 0 or POLICY.rules[verdict - 1].id in later, (way, number)
                walked += len(way)
                opened += bool(way)
                assert not way or int(POLICY.judge(now)[0, 0]) == 0
    assert walked >= opened > 20


def steps_of(facts: PolicyFacts, product: str) -> list[str]:
    found = all_not_offered(POLICY, facts, 0, NAMES)
    return next([step.text for step in item.steps] for item in found if item.product_id == product)


def with_customer(facts: PolicyFacts, **values: Any) -> PolicyFacts:
    columns = (pl.lit(value, dtype=POLICY.known[name].dtype).alias(name) for name, value in values.items())
    return replace(facts, customers=facts.customers.with_columns(columns))


ASSESSMENT = "a risk assessment with the customer that covers the product's class (R3)"
RENEWAL = "renewing the risk assessment, with a result that covers the product's class (R3)"
NO_RECORD = {
    "customer_risk_level": None,
    "customer_risk_rank": None,
    "customer_risk_assessed_days": None,
    "customer_risk_assessed_months": None,
}


def test_a_first_risk_assessment_is_one_step_and_is_not_renewed_after_it():
    assert steps_of(with_customer(one_pair(POLICY), **NO_RECORD), "W301") == [ASSESSMENT]


def test_an_expired_assessment_is_renewed_even_where_its_class_was_too_low():
    expired = {"customer_risk_assessed_days": 400.0, "customer_risk_assessed_months": 13.0}
    assert steps_of(with_customer(one_pair(POLICY), **expired), "W301") == [RENEWAL]
    low = {"customer_risk_level": "C1", "customer_risk_rank": 1.0}
    assert steps_of(with_customer(one_pair(POLICY), **expired, **low), "W301") == [RENEWAL]


def test_a_renewed_assessment_opens_the_products_of_the_class_that_it_covers_and_of_lower_ones():
    expired = {"customer_risk_assessed_days": 400.0, "customer_risk_assessed_months": 13.0}
    facts = with_customer(one_pair(POLICY), **expired)
    two = pl.concat([facts.products] * 2).with_columns(
        product_id=pl.Series(["W201", "W301"]), product_risk_rank=pl.Series([2.0, 3.0])
    )
    pairs = {name: np.repeat(values, 2, axis=1) for name, values in facts.pairs.items()}
    found = all_not_offered(POLICY, replace(facts, products=two, pairs=pairs), 0, NAMES)
    assert {item.product_id: item.steps[0].opens for item in found} == {
        "W201": ("W201",),
        "W301": ("W201", "W301"),
    }


def test_nobody_is_assessed_for_a_product_while_the_assessment_is_valid():
    too_low = with_customer(one_pair(POLICY), customer_risk_level="C1", customer_risk_rank=1.0)
    (found,) = all_not_offered(POLICY, too_low, 0, NAMES)
    assert (found.reason_code, found.unlock) == ("RISK_TOO_HIGH", "")


def test_money_for_one_product_is_one_step_and_opens_those_that_need_no_more():
    facts = with_customer(one_pair(POLICY), customer_free_liquidity_amount=5_000.0)
    three = pl.concat([facts.products] * 3).with_columns(
        product_id=pl.Series(["W301", "W302", "W303"]),
        product_min_amount=pl.Series([50_000.0, 10_000.0, 1e6]),
    )
    pairs = {name: np.repeat(values, 3, axis=1) for name, values in facts.pairs.items()}
    found = all_not_offered(POLICY, replace(facts, products=three, pairs=pairs), 0, NAMES)
    opens = {item.product_id: [step.opens for step in item.steps] for item in found}
    assert opens == {"W301": [("W301", "W302")], "W302": [("W302",)], "W303": [("W301", "W302", "W303")]}


def test_the_steps_that_are_done_with_others_are_rules_of_a_pack():
    packs = rules_of_all_packs()
    named = {(rule["id"], other) for rule in packs.values() for other in rule.get("done_with", [])}
    assert named
    assert {other for _, other in named} <= set(packs)


def rules_of_all_packs() -> dict[str, dict[str, Any]]:
    folder = files("vipreco.policy") / "packs"
    read = (
        tomllib.loads(file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    )
    return {rule["id"]: rule for pack in read for rule in pack["rule"]}


def test_pairs_stopped_for_another_reason_are_those_that_another_rule_stops():
    facts = next(draw_facts(POLICY, DAY, 400, 1, products=10))
    reasons = [
        [{POLICY.rules[verdict - 1].reason_code for verdict in own} for own in POLICY.stops(facts, row)]
        for row in range(facts.shape[0])
    ]
    alone = {code for row in reasons for own in row if len(own) == 1 for code in own}
    assert alone
    for code in alone:
        found = POLICY.stopped_otherwise(facts, code)
        assert found.tolist() == [[bool(own - {code}) for own in row] for row in reasons]


def test_the_steps_are_the_rules_that_stop_in_their_order_and_say_what_else_they_open():
    facts = next(draw_facts(POLICY, DAY, 400, 1, products=10))
    for row in range(facts.shape[0]):
        verdicts = POLICY.judge(facts.rows(slice(row, row + 1)))[0]
        stops = POLICY.stops(facts, row)
        assert [own[0] if own else 0 for own in stops] == verdicts.tolist()
        for item in all_not_offered(POLICY, facts, row, NAMES):
            assert item.steps[-1].opens
            assert item.product_id in item.steps[-1].opens
            assert all(set(a.opens) <= set(b.opens) for a, b in zip(item.steps, item.steps[1:], strict=False))
            assert bool(item.unlock) is all(step.text for step in item.steps)


def plausible(seed: int) -> PolicyFacts:
    """Return random facts with classes and amounts as a catalogue has them, unknown ones among them."""
    facts = next(one for one in draw_facts(POLICY, DAY, 800, seed, products=10) if one.channel == "branch")
    products = facts.products.with_columns(
        pl.col("product_risk_rank").clip(1, 5), pl.col("product_min_amount").fill_null(0).clip(0, 1e7)
    )
    return replace(facts, products=products)


@pytest.mark.parametrize("seed", range(3))
def test_the_ways_of_many_customers_are_walked_at_once(seed: int):
    facts = plausible(seed)
    found = check_unlocks(POLICY, facts)
    assert found.pairs > 20
    assert (found.kept, found.opened) == (found.steps, found.pairs)


def test_a_way_that_leaves_out_a_rule_is_noticed(monkeypatch: pytest.MonkeyPatch):
    facts = plausible(3)
    monkeypatch.setattr(unlock_check, "granted", lambda policy, now, rule: now)
    found = check_unlocks(POLICY, facts)
    assert found.opened == 0
    assert found.kept < found.steps
