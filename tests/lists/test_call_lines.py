"""A line of the call list, word for word, in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from vipreco.arbitration import NoAction
from vipreco.lists import Day, OfferLine, Wording
from vipreco.lists.call_lines import call_line, caution, last_contact, reasons_to_call
from vipreco.lists.list_documents import offers_text
from vipreco.settings import CallKind, CallListSettings

EN, ZH = Wording("en", currency="CNY"), Wording("zh", currency="CNY")
TODAY = date(2025, 12, 31)
QUIET: dict[str, Any] = {
    "customer_id": "a",
    **{kind.value: False for kind in CallKind},
    "kind": "grow",
    "expected_amount": 100.0,
    "keep_amount": 0.0,
    "grow_amount": 100.0,
    "develop_amount": 0.0,
    "attrition_probability": None,
    "attrition_kind": None,
    "kind_probability": None,
    "tier_upgrade_probability": None,
    "at_risk_amount": 6_000_000.0,
    "margin_at_risk_amount": 60_000.0,
    "profiling_opt_out": False,
    "age": 40,
    "risk_level": "C3",
    "risk_assessed_date": date(2025, 6, 30),
    "last_contact_date": None,
    "last_channel": None,
    "last_outcome": None,
    "last_product_id": None,
    "stopped_by": 0,
    "cause": 0,
    "aum_amount": 500_000.0,
    "opened_products": None,
    "closed_products": None,
    "agreed_aum_amount": None,
}
OFFERS = pl.DataFrame({"customer_id": ["a"], "product_id": ["fund"]})
OFFER = OfferLine(1, "fund", "Bond fund", 0.034, 8.0)


def day(relationship: Any = None) -> Day:
    elsewhere = SimpleNamespace(stage=None)
    policy = SimpleNamespace(
        rules=[elsewhere] * 7,
        texts=lambda verdict, facts, place, language: (f"rule {verdict} at {place}", ""),
    )
    decisions: Any = SimpleNamespace(
        policy=policy, facts=None, customer_ids=np.array(["a"]), verdict=np.array([[2, 7, 7, 0]])
    )
    decisions.product_ids = ("account", "card", "note", "fund")
    calls = pl.DataFrame({"customer_id": ["a"]})
    view: Any = SimpleNamespace(date=TODAY)
    nothing: Any = None
    names = {"fund": "Bond fund", "card": "Gold card"}
    recommender: Any = SimpleNamespace(relationship=relationship)
    settings = CallListSettings()
    return Day(view, calls, OFFERS, recommender, nothing, "call", (decisions,), (), names, settings)


def why(say: Wording = EN, **changed: Any) -> list[str]:
    return list(reasons_to_call(day(), {**QUIET, **changed}, say))


def test_a_follow_up_opens_with_what_was_agreed():
    agreed = {
        "follow_up": True,
        "follow_up_product_id": "fund",
        "follow_up_from_date": date(2025, 12, 1),
        "follow_up_date": date(2025, 12, 20),
    }
    assert why(**agreed)[0] == "On 1 December 2025 we agreed to talk about Bond fund on 20 December 2025"
    assert why(ZH, **agreed)[0] == "2025年12月1日与客户约定于2025年12月20日再谈Bond fund"
    assert why(**{**agreed, "follow_up_product_id": None})[0] == (
        "On 1 December 2025 we agreed to talk again on 20 December 2025"
    )


def test_a_follow_up_tells_what_changed_since():
    agreed = {
        "follow_up": True,
        "follow_up_product_id": None,
        "follow_up_from_date": date(2025, 12, 1),
        "follow_up_date": date(2025, 12, 20),
        "opened_products": ["card"],
        "closed_products": ["old"],
        "agreed_aum_amount": 400_000.0,
    }
    assert why(**agreed)[1] == "Since then: Gold card opened, old given up, assets up 25% to CNY 500,000"
    assert why(ZH, **agreed)[1] == "此后变化：新开Gold card，不再持有old，资产增长 25%，达 500,000 元"
    little = {**agreed, "opened_products": [], "closed_products": None, "agreed_aum_amount": 520_000.0}
    assert [text for text in why(**little) if text.startswith("Since")] == []


def test_signs_of_attrition_stand_behind_the_reasons():
    told = list(reasons_to_call(day(), QUIET, EN, "assets fell 35 %"))
    assert told[-1] == "Signs of attrition: assets fell 35 %"


def test_an_agreed_product_that_a_rule_stops_names_the_rule_and_the_alternative():
    agreed = {
        "follow_up": True,
        "follow_up_from_date": date(2025, 12, 1),
        "follow_up_date": date(2025, 12, 20),
        "follow_up_product_id": "card",
    }
    assert why(**agreed)[1] == "Gold card is no longer possible: rule 7 at (0, 1) Instead: Bond fund"
    gone = why(**{**agreed, "follow_up_product_id": "old"})
    assert gone[1] == "old is no longer possible: it is no longer in the catalogue. Instead: Bond fund"


def test_a_customer_without_contact():
    reached = why(coverage=True, reached_date=date(2025, 3, 1))
    assert reached[0] == "No contact with the customer since 1 March 2025"
    assert why(coverage=True, reached_date=None)[0] == "No contact with the customer so far"


def test_a_maturity_has_its_amount_with_the_currency():
    matures = {"maturity": True, "maturing_amount": 50_000.0, "maturing_month_date": TODAY}
    assert why(**matures)[0] == "CNY 50,000 matures soon (as of 31 December 2025)"
    assert why(ZH, **matures)[0] == "50,000 元 即将到期（数据截至2025年12月31日）"


@pytest.mark.parametrize(
    ("assessed", "text"),
    [
        (
            date(2024, 12, 31),
            (
                "The risk assessment of 31 December 2024 has expired; "
                "renewing it opens offers with an expected value of CNY 8.5"
            ),
        ),
        (date(2025, 1, 1), "The risk assessment expires on 1 January 2026; renew it before then"),
    ],
)
def test_an_assessment_that_ended_or_ends_soon(assessed: date, text: str):
    assert why(assessment=True, risk_assessed_date=assessed, unlocked_amount=8.5)[0] == text


def test_a_renewal_that_opens_nothing_names_no_amount():
    found = why(assessment=True, risk_assessed_date=date(2024, 12, 31), unlocked_amount=0.0)
    assert found[0] == "The risk assessment of 31 December 2024 has expired; renew it"


def test_parts_of_the_expected_value_are_told_where_they_matter():
    parts = {"keep_amount": 30.0, "grow_amount": 60.0, "develop_amount": 10.0, "kind_probability": 0.125}
    assert why(**parts) == [
        (
            "Attrition probability 12.5%: assets at risk CNY 6,000,000, yearly margin CNY 60,000; "
            "expected value of a call CNY 30"
        ),
        "Offers with an expected value of CNY 60",
    ]
    assert why(ZH, **parts)[0] == (
        "流失预警：流失概率 12.5%，涉及资产 6,000,000 元，年收益 60,000 元；致电预期价值 30 元"
    )
    assert why(**{**parts, "kind": "develop", "tier_upgrade_probability": 0.2})[1] == (
        "Tier upgrade probability 20.0%: expected value of a call CNY 10"
    )


@pytest.mark.parametrize(
    ("kind", "why_called", "what_to_do"),
    [
        ("closure", "Probability of closing or emptying 1.5%", "Ask how content they are"),
        ("outflow", "Probability of moving money out 1.5%", "Ask where the money"),
        ("dip", "Probability of falling below the line of the tier 1.5%", "Say what keeps the tier"),
    ],
)
def test_each_kind_of_attrition_has_its_chance_and_its_action(kind: str, why_called: str, what_to_do: str):
    keep = {"kind": "keep", "keep_amount": 90.0, "grow_amount": 0.0}
    chance, action = why(**keep, attrition_kind=kind, kind_probability=0.015)
    margin = "assets at risk CNY 6,000,000, yearly margin CNY 60,000; expected value of a call CNY 90"
    assert chance == f"{why_called}: {margin}"
    assert action.startswith(what_to_do)


def test_the_usual_rate_of_attrition_is_said_to_be_that_and_is_no_reason_beside_others():
    usual = SimpleNamespace(rule=lambda kind: "usual" if kind == "closure" else "")
    chance = {"attrition_kind": "closure", "kind_probability": 0.009}
    keep = {**QUIET, **chance, "kind": "keep", "keep_amount": 90.0, "grow_amount": 0.0}
    told, action = reasons_to_call(day(usual), keep, EN)
    margin = "Assets of CNY 6,000,000, yearly margin CNY 60,000"
    assert told == f"{margin}; closing or emptying at the usual rate of 0.9%; expected value of a call CNY 90"
    assert action.startswith("Ask how content they are")
    grow = {**QUIET, **chance, "kind": "grow", "keep_amount": 90.0, "grow_amount": 60.0}
    assert list(reasons_to_call(day(usual), grow, EN)) == ["Offers with an expected value of CNY 60"]


def test_without_an_offer_what_to_do_is_the_topic_of_the_call_alone():
    keep = {"kind": "keep", "keep_amount": 90.0, "grow_amount": 0.0, "attrition_kind": "dip"}
    row = {**QUIET, **keep, "kind_probability": 0.6, "cause": "", "stopped_by": 0}
    row |= {"tier": None, "aum_amount": None, "minutes": 10, "place": 1}
    alone = call_line(day(), row, (), EN)
    assert [text for text in alone.reasons if text.startswith("Say what keeps")] == []
    assert alone.no_offer == "No offer today: talk about what keeps the tier and its benefits"


def test_without_a_currency_amounts_are_units():
    assert why(Wording("en"), grow_amount=60.0) == ["Offers with an expected value of 60 units"]
    assert why(Wording("zh"), grow_amount=60.0) == ["推荐产品的预期价值 60 单位"]


def line(*offers: OfferLine, say: Wording = EN, **changed: Any) -> str:
    row = {**QUIET, "tier": None, "aum_amount": None, "minutes": 10, "place": 1, **changed}
    return offers_text(call_line(day(), row, offers, say), say)


def test_offers_have_chance_and_the_strongest_reason():
    first = replace(OFFER, reasons=("assets of 5 on 2025-12-31", "tier GOLD"))
    second = OfferLine(2, "card", "Gold card", 0.034, 1.0)
    assert line(first, second) == "1. Bond fund (3.4%): assets of 5 on 2025-12-31\n2. Gold card (3.4%)"


def test_no_offer_has_its_cause():
    assert line() == "No offer today: talk about their plans for the coming months"
    assert line(kind="maturity", stopped_by=7) == (
        "No offer today: talk about what to do with the maturing amount"
    )
    assert line(say=ZH, stopped_by=7, cause=NoAction.ALL_STOPPED) == "今日无可推荐产品：rule 7 at (0, 1)"


def test_there_is_one_caution_the_gravest():
    offers = [replace(OFFER, caution="few cases")]
    declined = {
        "last_outcome": "declined",
        "last_contact_date": date(2025, 12, 1),
        "last_product_id": "card",
    }
    steps: list[tuple[dict[str, Any], str]] = [
        ({}, "Bond fund: few cases"),
        (declined, "Declined Gold card on 1 December 2025: do not press"),
        (
            {"age": 65},
            "65 years old: take time to explain; high-risk products only under the special procedure",
        ),
        ({"profiling_opt_out": True}, "Opted out of profiling: general offers only, no personal ones"),
    ]
    row = dict(QUIET)
    for changed, text in steps:
        row.update(changed)
        assert caution(day(), row, offers, EN) == text


def test_without_an_assessment_that_is_the_caution():
    expired = {**QUIET, "risk_assessed_date": date(2024, 12, 31)}
    text = "No valid risk assessment: no investment product before it is renewed"
    assert caution(day(), expired, [], EN) == text
    assert caution(day(), {**QUIET, "risk_level": None}, [], EN) == text
    assert caution(day(), QUIET, [], EN) == ""


def test_the_last_contact():
    contact = {"last_contact_date": date(2025, 12, 1), "last_channel": "call", "last_outcome": "postponed"}
    assert last_contact({**QUIET, **contact}, EN) == "1 December 2025 call: postponed"
    assert last_contact({**QUIET, **contact}, ZH) == "2025年12月1日 电话：延后"
    assert last_contact(QUIET, EN) == "never"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.44, "0.4"), (9.96, "10.0"), (1234.4, "1,234")])
def test_small_amounts_keep_a_decimal(value: float, text: str):
    assert EN.amount(value) == f"CNY {text}"
    assert ZH.amount(value) == f"{text} 元"
