"""Products that a renewed risk assessment would unlock: the rules are asked again, nothing is assumed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.policy_records import facts_of_records
from tests.shared import CALLS
from vipreco.arbitration import (
    AttritionKinds,
    CustomerEconomics,
    Customers,
    NoAction,
    SlateRules,
    priority_factors,
)
from vipreco.lists.call_offers import CallOffers, OfferRules
from vipreco.lists.call_value import call_values, leading_kinds, stopped_whole, with_renewed_assessments
from vipreco.policy import Policy, PolicyFacts
from vipreco.recommender import Decisions
from vipreco.settings import ArbitrationSettings, LeverSettings, PolicySettings, ValueSettings

RATES = ValueSettings(share_at_risk=0.5, contact_keeps=0.25, acquisition_keeps=0.0)
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


def decisions() -> Decisions:
    """Two customers with the same chances and values; the assessment of the first has expired."""
    valid = {**CUSTOMER, "customer_risk_assessed_days": 40.0, "customer_risk_assessed_months": 1.0}
    products = [product("card", 1.0, "card"), product("fund", 2.0), product("note", 4.0)]
    facts = facts_of_records(date(2026, 3, 31), "call", [CUSTOMER, valid], products, {})
    ids, families = ("card", "fund", "note"), ("card", "fund", "fund")
    nothing = np.full(2, np.nan)
    customers = Customers.unknown(2, 3)
    economics = replace(
        customers.economics, aum=np.array([1e6, np.nan]), attrition_probability=np.array([0.1, np.nan])
    )
    weighed = priority_factors(
        np.array([[0.5, 0.2, 0.1]] * 2),
        np.array([10.0, 40.0, 500.0]),
        ids,
        families,
        replace(customers, economics=economics),
        ArbitrationSettings(
            order="chance",
            values=RATES,
            levers=LeverSettings(families={"fund": 2.0}, actions={"keep": 3.0}),
        ),
        contact=CALLS,
    )
    return Decisions(
        as_of=facts.as_of,
        customer_ids=np.array(["a", "b"]),
        product_ids=ids,
        propensity=weighed.propensity,
        priority=weighed.priority,
        factors=weighed,
        slate_rules=SlateRules.of(families, np.zeros((3, 3), bool)),
        policy=POLICY,
        facts=facts,
        verdict=POLICY.judge(facts),
        thin_evidence=np.zeros(3, bool),
        personalised=np.ones(2, bool),
        attrition_probability=nothing,
        tier_upgrade_probability=nothing,
    )


def offers(decided: Decisions, most: int, counted: int | None = None) -> CallOffers:
    return CallOffers.of(decided, OfferRules(most, 0.0, {}, counted), {})


def test_a_call_counts_its_first_offers_alone_and_offers_the_others_beside():
    """The amounts are those of a call with so few offers; what is offered is not."""
    first, one = offers(decisions(), 2, counted=1), offers(decisions(), 1)
    assert first.ranks.tolist() == offers(decisions(), 2).ranks.tolist() != one.ranks.tolist()
    assert call_values(first, RATES).equals(call_values(one, RATES))
    assert call_values(first, RATES)["grow_priority"].to_list() == pytest.approx([5.0, 16.0])


def test_a_call_is_worth_what_it_keeps_sells_and_unlocks_once_weighted_and_once_in_money():
    found = call_values(offers(decisions(), 2), RATES).to_dict(as_series=False)
    # card 0.5 x 10 = 5, fund 0.2 x 40 = 8 (weighted 16), keep 0.1 x 0.25 x 5,000 = 125 (weighted 375)
    assert found["grow_amount"] == pytest.approx([5.0, 13.0])
    assert found["grow_priority"] == pytest.approx([5.0, 21.0])
    assert found["unlocked_amount"] == pytest.approx([8.0, 0.0])
    assert found["unlocked_priority"] == pytest.approx([16.0, 0.0])
    assert found["keep_amount"] == pytest.approx([125.0, 0.0])
    assert found["keep_priority"] == pytest.approx([375.0, 0.0])
    assert found["develop_amount"] == [0.0, 0.0]
    assert found["cause"] == [0, 0]
    assert found["at_risk_amount"] == [500_000.0, None]
    assert found["margin_at_risk_amount"] == [5_000.0, None]
    assert found["attrition_probability"] == [0.1, None]


def test_the_kind_against_which_a_call_is_worth_most_says_what_is_at_risk():
    chances = np.array([[0.01, 0.02, 0.6], [0.0, 0.1, 0.3], [np.nan] * 3])
    economics = replace(
        CustomerEconomics.unknown(3),
        aum=np.array([1e6, 2e5, 3e5]),
        kinds=AttritionKinds(chances, np.array([1.0, 0.6, 0.1])),
    )
    kind, chance, share = leading_kinds(economics, ValueSettings())
    assert kind.to_list() == ["closure", "outflow", None]
    assert chance[:2].tolist() == [0.01, 0.1]
    assert share[:2].tolist() == [1.0, 0.6]
    assert np.isnan(share[2])


def test_a_rule_of_contact_that_leaves_no_product_stops_the_customer_whole():
    facts = decisions().facts
    unasked = facts.customers.with_columns(pl.Series("customer_consent_in_channel", [True, None]))
    found = stopped_whole(replace(decisions(), facts=replace(facts, customers=unasked)))
    reasons = ["", *(rule.reason_code for rule in POLICY.rules)]
    assert [reasons[verdict] for verdict in found] == ["", "CONSENT_UNKNOWN_LAW"]
    unassessed = facts.customers.with_columns(pl.lit(None, pl.Float64).alias("customer_risk_rank"))
    investments = replace(
        facts, customers=unassessed, products=facts.products.with_columns(product_family=pl.lit("fund"))
    )
    assert stopped_whole(replace(decisions(), facts=investments)).tolist() == [0, 0]


def test_with_one_offer_only_the_better_one_is_unlocked():
    found = call_values(offers(decisions(), 1), RATES)
    assert found["grow_amount"].to_list() == pytest.approx([5.0, 8.0])
    assert found["unlocked_amount"].to_list() == pytest.approx([3.0, 0.0])


def test_the_rule_that_stops_most_is_known_where_nothing_is_offered():
    stopped = decisions()
    reasons = [rule.reason_code for rule in POLICY.rules]
    verdict = np.full((2, 3), 1 + reasons.index("RISK_TOO_HIGH"), np.int16)
    found = call_values(offers(replace(stopped, verdict=verdict), 2), RATES)
    assert found["cause"].to_list() == [NoAction.ALL_STOPPED] * 2
    assert [reasons[place - 1] for place in found["stopped_by"]] == ["RISK_TOO_HIGH"] * 2
