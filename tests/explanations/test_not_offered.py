"""The rule behind a product that is not offered."""

from __future__ import annotations

from datetime import date

from tests.policy_records import facts_of_records
from vipreco.explanations import UnlockStep, why_not
from vipreco.policy import Policy
from vipreco.settings import PolicySettings


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
    assert found is not None
    assert (found.product_id, found.reason_code, found.rule_id) == ("fund", "MIN_AMOUNT", "minimum-amount")
    assert found.text == "The customer's free liquidity of 5,000 is below the minimum of 10,000."
    assert found.steps[0] == UnlockStep("minimum-amount", "free liquidity of at least 10,000")
    assert found.legal_reference == ""
    in_chinese = why_not(policy, facts, (0, 0), codes.index("MIN_AMOUNT") + 1, "zh")
    assert in_chinese is not None
    assert in_chinese.text == "客户可用资金 5,000 低于起购金额 10,000。"
