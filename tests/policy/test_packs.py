"""Each rule of the packs on a case by hand: one fact of a good pair is changed, and the reason is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from vipreco.errors import UsageError
from vipreco.policy import Policy
from vipreco.settings import PolicySettings

HOUSE: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"product_offered": False}, "NOT_OFFERED"),
    ({"product_scored": False}, "NOT_SCORED"),
    ({"product_in_channel": False}, "CHANNEL"),
    ({"product_in_channel": None}, "CHANNEL_UNKNOWN"),
    ({"customer_in_snapshot": False}, "INACTIVE"),
    ({"customer_blocked": True}, "BLOCKED"),
    ({"customer_blocked": None}, "BLOCK_UNKNOWN"),
    ({"pair_held": True}, "HELD"),
    ({"pair_held": True, "product_repeatable": True}, ""),
    ({"pair_prerequisites_held": False}, "PREREQUISITE_MISSING"),
    ({"pair_exclusive_held": True}, "EXCLUDED_BY_HOLDING"),
    ({"product_family": "payment", "customer_aum_amount": 999_999.0, "channel": "call"}, ""),
    ({"product_family": "payment", "customer_aum_amount": 9_500_000.0, "channel": "call"}, "BELOW_STANDING"),
    ({"product_family": "payment", "customer_aum_amount": 9_500_000.0, "channel": "branch"}, ""),
    ({"product_family": "payment", "customer_aum_amount": None, "channel": "call"}, "STANDING_UNKNOWN"),
    ({"product_family": "insurance", "customer_age_years": 74.0}, ""),
    ({"product_family": "insurance", "customer_age_years": 75.0}, "INSURANCE_AGE"),
    ({"product_family": "insurance", "customer_age_years": None}, "INSURANCE_AGE_UNKNOWN"),
    ({"customer_free_liquidity_amount": 9_999.99}, "MIN_AMOUNT"),
    ({"customer_free_liquidity_amount": 10_000.0}, ""),
    ({"customer_free_liquidity_amount": None}, "LIQUIDITY_UNKNOWN"),
    ({"customer_free_liquidity_amount": None, "product_min_amount": 0.0}, ""),
    ({"customer_complaint_open": True}, "COMPLAINT_OPEN"),
    ({"customer_complaint_open": None}, "COMPLAINT_UNKNOWN"),
    ({"customer_complained": True}, "COMPLAINT_RECORDED"),
    ({"customer_complained": True, "channel": "branch"}, "COMPLAINT_RECORDED"),
    ({"customer_consent_in_channel": False}, "NO_CONSENT"),
    ({"customer_consent_in_channel": None}, "CONSENT_UNKNOWN"),
    ({"customer_do_not_contact_in_channel": True}, "DO_NOT_CONTACT"),
    ({"customer_do_not_contact_in_channel": True, "channel": "branch"}, ""),
    ({"customer_contacts_30d": 3.0}, ""),
    ({"customer_contacts_30d": 4.0}, "FREQ_CAP"),
    ({"customer_contacts_30d": 4.0, "channel": "branch"}, ""),
    ({"customer_channel_contacts_30d": 3.0}, "FREQ_CAP_CHANNEL"),
    ({"pair_contacts_90d": 2.0}, "FREQ_CAP_PRODUCT"),
    ({"pair_decline_days": 59.0}, "COOLING_OFF"),
    ({"pair_decline_days": 60.0}, ""),
    ({"product_offered": False, "pair_held": True}, "NOT_OFFERED"),
]
LENDING: list[tuple[dict[str, Any], str]] = [
    ({"product_family": "loan", "customer_age_years": 65.0}, ""),
    ({"product_family": "loan", "customer_age_years": 66.0}, "LOAN_AGE"),
    ({"product_family": "loan", "customer_age_years": None}, "LOAN_AGE_UNKNOWN"),
    ({"product_family": "card", "customer_age_years": 90.0}, ""),
]
CHINA: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"product_risk_rank": None}, "PRODUCT_RISK_UNKNOWN"),
    ({"product_risk_rank": None, "product_family": "deposit"}, ""),
    ({"customer_risk_rank": None}, "RISK_UNKNOWN"),
    ({"customer_risk_rank": None, "product_family": "deposit"}, ""),
    ({"customer_risk_rank": None, "product_family": None}, "RISK_UNKNOWN"),
    ({"customer_risk_rank": None, "product_family": "a family nobody declared"}, "RISK_UNKNOWN"),
    ({"customer_risk_assessed_days": -1.0, "customer_risk_assessed_months": 0.0}, "RISK_UNKNOWN"),
    ({"customer_risk_assessed_days": None}, "RISK_UNKNOWN"),
    ({"customer_risk_assessed_months": 11.0}, ""),
    ({"customer_risk_assessed_months": 12.0}, "RISK_EXPIRED"),
    ({"customer_risk_rank": 2.0}, "RISK_TOO_HIGH"),
    ({"customer_free_liquidity_amount": 9_999.0}, "MEANS"),
    ({"customer_free_liquidity_amount": None}, "MEANS_UNKNOWN"),
    ({"product_placement": "private"}, "NOT_QUALIFIED"),
    ({"product_placement": None}, "NOT_QUALIFIED"),
    ({"product_placement": "private", "customer_qualified_investor": None}, "QUALIFICATION_UNKNOWN"),
    ({"product_placement": "private", "customer_qualified_investor": True}, ""),
    (
        {"product_placement": "private", "customer_qualified_investor": True, "channel": "sms"},
        "PRIVATE_PLACEMENT_CHANNEL",
    ),
    ({"customer_risk_rank": 4.0, "product_risk_rank": 4.0, "customer_age_years": None}, "AGE_UNKNOWN"),
    ({"customer_age_years": None}, ""),
    ({"customer_risk_rank": 4.0, "product_risk_rank": 4.0, "customer_age_years": 64.0}, ""),
    ({"customer_risk_rank": 4.0, "product_risk_rank": 4.0, "customer_age_years": 65.0}, "SENIOR_PROCEDURE"),
    (
        {
            "customer_risk_rank": 4.0,
            "product_risk_rank": 4.0,
            "customer_age_years": 65.0,
            "customer_special_procedure_days": 365.0,
        },
        "",
    ),
    (
        {
            "customer_risk_rank": 4.0,
            "product_risk_rank": 4.0,
            "customer_age_years": 65.0,
            "customer_special_procedure_days": 366.0,
        },
        "SENIOR_PROCEDURE",
    ),
    ({"customer_legal_capacity": "limited"}, "LEGAL_CAPACITY"),
    (
        {"customer_legal_capacity": "limited", "product_risk_rank": 1.0, "customer_guardian_consent": True},
        "",
    ),
    (
        {"customer_legal_capacity": "limited", "product_risk_rank": 1.0, "customer_guardian_consent": False},
        "GUARDIAN_CONSENT",
    ),
    (
        {"customer_legal_capacity": "limited", "product_risk_rank": 1.0, "customer_guardian_consent": None},
        "GUARDIAN_CONSENT_UNKNOWN",
    ),
    ({"customer_risk_rank": 2.0, "customer_investor_class": "professional"}, ""),
    ({"customer_risk_rank": 2.0, "customer_investor_class": None}, "RISK_TOO_HIGH"),
    ({"customer_risk_assessed_months": 12.0, "customer_investor_class": "professional"}, ""),
    ({"customer_risk_rank": None, "customer_investor_class": "professional"}, ""),
    ({"customer_risk_assessed_months": 12.0, "customer_assessments_day": 2.0}, "ASSESSMENT_LIMIT"),
    ({"customer_risk_assessed_months": 12.0, "customer_assessments_year": 8.0}, "ASSESSMENT_LIMIT"),
    ({"customer_risk_assessed_months": 12.0, "customer_assessments_year": None}, "ASSESSMENTS_UNKNOWN"),
    ({"customer_assessments_day": 2.0, "customer_assessments_year": 8.0}, ""),
    ({"customer_legal_capacity": "none", "product_risk_rank": 1.0}, "LEGAL_CAPACITY"),
    ({"customer_legal_capacity": None}, "CAPACITY_UNKNOWN"),
    ({"customer_consent_in_channel": False}, "NO_CONSENT_LAW"),
    ({"customer_consent_in_channel": None}, "CONSENT_UNKNOWN_LAW"),
    ({"customer_consent_in_channel": None, "channel": "branch"}, ""),
]


def reason(policy: Policy, facts_of: Any, changed: dict[str, Any]) -> str:
    verdict = int(policy.judge(facts_of(policy, **changed))[0, 0])
    return policy.rules[verdict - 1].reason_code if verdict else ""


@pytest.mark.parametrize(("changed", "expected"), HOUSE)
def test_house(house: Policy, facts_of: Any, changed: dict[str, Any], expected: str) -> None:
    assert reason(house, facts_of, changed) == expected


@pytest.mark.parametrize(("changed", "expected"), CHINA)
def test_china(china: Policy, facts_of: Any, changed: dict[str, Any], expected: str) -> None:
    assert reason(china, facts_of, changed) == expected


@pytest.mark.parametrize(("changed", "expected"), LENDING)
def test_lending(lending: Policy, facts_of: Any, changed: dict[str, Any], expected: str) -> None:
    assert reason(lending, facts_of, changed) == expected


def test_beside_a_law_that_forbids_to_look_at_the_age_of_who_borrows_the_pack_is_refused() -> None:
    with pytest.raises(UsageError, match="1 finding"):
        Policy.read(PolicySettings(packs=("house", "us", "lending")))


def test_every_reason_of_a_pack_has_a_case(house: Policy, china: Policy, lending: Policy) -> None:
    for policy, cases in ((house, HOUSE), (china, CHINA), (lending, LENDING)):
        assert {rule.reason_code for rule in policy.rules} == {code for _, code in cases} - {""}


def test_every_rule_of_china_is_dated_and_has_source_and_owner(china: Policy) -> None:
    entries = [one.entry for one in china.compiled]
    undated = [one.id for one in entries if not (one.valid_from and one.legal_reference and one.owner)]
    assert undated == []


def test_the_number_of_assessments_is_limited_from_its_first_date_on(china: Policy, facts_of: Any) -> None:
    spent = {"customer_risk_assessed_months": 12.0, "customer_assessments_year": 8.0}
    facts = facts_of(china, **spent)
    before = replace(facts, as_of=date(2026, 1, 31))
    codes = [china.rules[int(china.judge(one)[0, 0]) - 1].reason_code for one in (before, facts)]
    assert codes == ["RISK_EXPIRED", "ASSESSMENT_LIMIT"]
