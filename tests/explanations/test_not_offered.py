"""The rule behind a product that is not offered."""

from __future__ import annotations

from tests.policy.conftest import one_pair
from vipreco.explanations import UnlockStep
from vipreco.explanations.not_offered import all_not_offered
from vipreco.policy import Policy
from vipreco.settings import PolicySettings


def test_a_product_has_the_rule_that_stops_it_with_its_facts_and_an_offer_has_none():
    policy = Policy.read(PolicySettings())
    assert all_not_offered(policy, one_pair(policy), 0, {}) == []
    facts = one_pair(policy, customer_free_liquidity_amount=5_000.0)
    (found,) = all_not_offered(policy, facts, 0, {})
    assert (found.product_id, found.reason_code, found.rule_id) == ("W301", "MIN_AMOUNT", "minimum-amount")
    assert found.text == "The customer's free liquidity of 5,000 is below the minimum of 10,000."
    assert found.steps == (
        UnlockStep("minimum-amount", "free liquidity of at least 10,000", opens=("W301",)),
    )
    assert found.legal_reference == ""
    (in_chinese,) = all_not_offered(policy, facts, 0, {}, "zh")
    assert in_chinese.text == "客户可用资金 5,000 低于起购金额 10,000。"
