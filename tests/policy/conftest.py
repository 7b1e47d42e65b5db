"""One customer and one product that every rule lets pass; a test spoils one fact of them."""

from __future__ import annotations

from datetime import date
from typing import Any, Protocol

import pytest

from tests.policy_records import facts_of_records
from vipreco.policy import Policy, PolicyFacts
from vipreco.settings import PolicySettings

TODAY = date(2026, 3, 31)
CUSTOMER: dict[str, Any] = {
    "customer_tier": "GOLD",
    "customer_aum_amount": 500_000.0,
    "customer_risk_level": "C3",
    "customer_risk_rank": 3.0,
    "customer_risk_assessed_days": 40.0,
    "customer_risk_assessed_months": 1.0,
    "customer_age_years": 45.0,
    "customer_in_snapshot": True,
    "customer_consent_in_channel": True,
    "customer_free_liquidity_amount": 200_000.0,
    "customer_qualified_investor": False,
    "customer_legal_capacity": "full",
    "customer_guardian_consent": False,
    "customer_investor_class": "ordinary",
    "customer_assessments_day": 0.0,
    "customer_assessments_year": 1.0,
    "customer_special_procedure_days": None,
    "customer_complaint_open": False,
    "customer_blocked": False,
    "customer_marketing_objection": False,
    "customer_demands_recorded": True,
    "customer_do_not_contact": False,
    "customer_do_not_contact_in_channel": False,
    "customer_complained": False,
    "customer_contacts_30d": 0.0,
    "customer_channel_contacts_30d": 0.0,
    "customer_contact_days": 36_500.0,
}
PRODUCT: dict[str, Any] = {
    "product_id": "W301",
    "product_name": "Balanced wealth",
    "product_family": "wealth",
    "product_risk_level": "R3",
    "product_risk_rank": 3.0,
    "product_min_amount": 10_000.0,
    "product_placement": "public",
    "product_offered": True,
    "product_in_channel": True,
    "product_repeatable": False,
    "product_scored": True,
}
PAIR: dict[str, Any] = {
    "pair_held": False,
    "pair_prerequisites_held": True,
    "pair_exclusive_held": False,
    "pair_contacts_90d": 0.0,
    "pair_decline_days": 36_500.0,
}


class FactsOf(Protocol):
    """Facts of the good pair with some of them changed; `channel` and `day` are the question's."""

    def __call__(
        self, policy: Policy, channel: str = ..., day: date = ..., **changed: Any
    ) -> PolicyFacts: ...


def one_pair(policy: Policy, channel: str = "call", day: date = TODAY, **changed: Any) -> PolicyFacts:
    facts = {**CUSTOMER, **PRODUCT, **PAIR, **changed}
    of = {grain: {n: v for n, v in facts.items() if n.startswith(grain)} for grain in ("customer", "product")}
    pairs = {name: [[value]] for name, value in facts.items() if name.startswith("pair")}
    return facts_of_records(day, channel, [of["customer"]], [of["product"]], pairs)


@pytest.fixture(scope="session")
def facts_of() -> FactsOf:
    return one_pair


@pytest.fixture(scope="session")
def house() -> Policy:
    return Policy.read(PolicySettings(packs=("house",)))


@pytest.fixture(scope="session")
def lending() -> Policy:
    return Policy.read(PolicySettings(packs=("lending",)))


@pytest.fixture(scope="session")
def china() -> Policy:
    return Policy.read(PolicySettings(packs=("china",)))
