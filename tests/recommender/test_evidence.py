"""Reasons beside offers, and why not."""

from __future__ import annotations

from datetime import date

import numpy as np

from tests.policy_records import facts_of_records
from vipreco.collaborative import SOURCES, HoldingState
from vipreco.explanations import WhyNot, offer_evidence, why_not
from vipreco.policy import Policy
from vipreco.settings import PolicySettings

PRODUCTS = ("account", "card", "fund")


def state(held: list[list[int]], before: list[list[int]]) -> HoldingState:
    flags = np.array(held, bool)
    return HoldingState(flags, np.array(before, bool), np.zeros(len(flags), np.int32), PRODUCTS)


def test_a_product_held_before_says_so_and_others_name_the_holding_that_speaks_for_them():
    known = state([[1, 1, 0]] * 8 + [[1, 1, 1]] * 8 + [[0, 0, 0]] * 8, [[0, 0, 0]] * 24)
    source = SOURCES["item-item-cosine"]().fit(known)
    asked = state([[1, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 0, 1], [0, 0, 0], [0, 0, 0]])
    found = offer_evidence(source, asked, np.array([0, 1, 2]), np.array([2, 2, 2]))
    assert found.texts(("Account", "Card", "Fund")).to_list() == [
        "held it before",
        "because of Card",
        "common among customers",
    ]
    nobody = found.of(np.zeros(3, bool))
    assert nobody.texts(("Account", "Card", "Fund")).to_list() == ["common among customers"] * 3


def test_why_not_answers_with_the_rule_and_its_facts_and_says_nothing_of_an_offer():
    policy = Policy.read(PolicySettings())
    facts = facts_of_records(
        date(2026, 1, 31),
        "call",
        [{"customer_free_liquidity_amount": 5_000.0}],
        [{"product_id": "fund", "product_min_amount": 10_000.0}],
        {"pair_held": [[False]]},
    )
    codes = [rule.reason_code for rule in policy.rules]
    assert why_not(policy, facts, (0, 0), 0) is None
    found = why_not(policy, facts, (0, 0), codes.index("MIN_AMOUNT") + 1)
    assert found == WhyNot(
        "fund",
        "MIN_AMOUNT",
        "The customer's free liquidity of 5,000 is below the minimum of 10,000.",
        "free liquidity of at least 10,000",
        "minimum-amount",
        "",
    )
    in_chinese = why_not(policy, facts, (0, 0), codes.index("MIN_AMOUNT") + 1, "zh")
    assert in_chinese is not None
    assert in_chinese.text == "客户可用资金 5,000 低于起购金额 10,000。"
