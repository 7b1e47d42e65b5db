"""The way to a product: a step granted through the facts opens it, or the next rule was named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from vipreco.assurance import unlock_check
from vipreco.assurance.random_facts import OTHERWISE, USUAL, draw_facts
from vipreco.assurance.unlock_check import check_unlocks
from vipreco.explanations import all_not_offered
from vipreco.policy import Policy, PolicyFacts
from vipreco.policy.columns import Grain, PolicyColumn
from vipreco.settings import PolicySettings

DAY = date(2026, 3, 31)
POLICY = Policy.read(PolicySettings(packs=("house", "china")))
NAMES: dict[str, str] = {}
UNKNOWN = {"cn-product-risk-known", "cn-risk-known"}  # nobody knows which rule an unknown class will meet


def granted(facts: PolicyFacts, place: tuple[int, int], rule_id: str) -> PolicyFacts:
    """Return the facts of one pair with those of a rule as the rule asks for them."""
    (rule,) = [one for one in POLICY.compiled if one.entry.id == rule_id]
    customers, products = facts.customers[place[0] : place[0] + 1], facts.products[place[1] : place[1] + 1]
    pairs = {
        name: values[place[0] : place[0] + 1, place[1] : place[1] + 1] for name, values in facts.pairs.items()
    }
    for name in sorted(rule.condition_columns):
        column = POLICY.known[name]
        if column.grain is Grain.CUSTOMER:
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
def test_each_step_granted_opens_the_product_or_meets_the_next_rule_that_was_named(seed: int):
    walked = opened = 0
    for facts in draw_facts(POLICY, DAY, 400, seed, products=10):
        if facts.channel != "branch":
            continue
        for row in range(facts.shape[0]):
            for column, verdicts in enumerate(POLICY.stops(facts, row)):
                steps = [POLICY.rules[verdict - 1].id for verdict in verdicts]
                if UNKNOWN & set(steps):
                    continue
                now, place = facts, (row, column)
                for number, rule in enumerate(steps):
                    now, place = granted(now, place, rule), (0, 0)
                    verdict = int(POLICY.judge(now)[0, 0])
                    assert verdict == 0 or POLICY.rules[verdict - 1].id in steps[number + 1 :], steps
                walked += len(steps)
                opened += bool(steps)
                assert not steps or int(POLICY.judge(now)[0, 0]) == 0
    assert walked > opened > 20


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
