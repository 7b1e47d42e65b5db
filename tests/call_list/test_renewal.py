"""What a renewed risk assessment would unlock: the rules are asked again, nothing is assumed of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from vipreco.call_list.worth import with_renewed_assessments
from vipreco.policy import Policy, PolicyFacts, PolicySettings, facts_of_records

POLICY = Policy.read(PolicySettings(packs=("china",)))
CUSTOMER: dict[str, Any] = {
    "customer_risk_level": "C3",
    "customer_risk_rank": 3.0,
    "customer_risk_assessed_days": 430.0,
    "customer_risk_assessed_months": 14.0,
    "customer_age_years": 45.0,
    "customer_consent_in_channel": True,
    "customer_free_liquidity_amount": 200_000.0,
    "customer_qualified_investor": False,
    "customer_legal_capacity": "full",
    "customer_special_procedure_days": None,
}
UNKNOWN = {**CUSTOMER, "customer_risk_level": None, "customer_risk_rank": None}


def product(name: str, rank: float, family: str = "fund") -> dict[str, Any]:
    return {
        "product_id": name,
        "product_family": family,
        "product_risk_level": f"R{rank:.0f}",
        "product_risk_rank": rank,
        "product_min_amount": 0.0,
        "product_placement": "public",
    }


def reasons(facts: PolicyFacts) -> list[list[str]]:
    names = ["", *(rule.reason_code for rule in POLICY.rules)]
    return [[names[verdict] for verdict in row] for row in POLICY.judge(facts).tolist()]


def test_only_what_the_validity_stops_is_unlocked():
    products = [product("low", 2.0), product("high", 4.0), product("card", 1.0, "card")]
    facts = facts_of_records(date(2026, 3, 31), "call", [CUSTOMER, UNKNOWN], products, {})
    assert reasons(facts) == [["RISK_EXPIRED", "RISK_EXPIRED", ""], ["RISK_UNKNOWN", "RISK_UNKNOWN", ""]]
    assert reasons(with_renewed_assessments(facts)) == [
        ["", "RISK_TOO_HIGH", ""],
        ["RISK_UNKNOWN", "RISK_UNKNOWN", ""],
    ]


def test_facts_without_any_assessment_stay_as_they_are():
    facts = facts_of_records(
        date(2026, 3, 31), "call", [{"customer_age_years": 45.0}], [product("a", 2.0)], {}
    )
    assert with_renewed_assessments(facts) is facts
