"""A line of the call list, word for word, in both languages."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

from vipreco.lists import Day, Told, Wording, caution, last_contact, why_now
from vipreco.lists.lines import amount, offers_text
from vipreco.settings import CallKind, CallListSettings

EN, ZH = Wording("en"), Wording("zh")
TODAY = date(2025, 12, 31)
QUIET: dict[str, Any] = {
    "customer_id": "a",
    **{kind.value: False for kind in CallKind},
    "kind": "grow",
    "worth_amount": 100.0,
    "keep_amount": 0.0,
    "grow_amount": 100.0,
    "develop_amount": 0.0,
    "attrition_probability": None,
    "tier_upgrade_probability": None,
    "profiling_opt_out": False,
    "age": 40,
    "risk_level": "C3",
    "risk_assessed_date": date(2025, 6, 30),
    "last_contact_date": None,
    "last_channel": None,
    "last_outcome": None,
    "last_product_id": None,
    "stopped_by": 0,
}
OFFER = {"rank": 1, "product_id": "fund", "propensity": 0.034}


def day() -> Day:
    policy = SimpleNamespace(texts=lambda verdict, facts, place, language: (f"rule {verdict} at {place}", ""))
    decisions: Any = SimpleNamespace(
        policy=policy, facts=None, customer_ids=np.array(["a"]), verdict=np.array([[2, 7, 7]])
    )
    calls = pl.DataFrame({"customer_id": ["a"]})
    view: Any = SimpleNamespace(date=TODAY)
    nothing: Any = None
    names = {"fund": "Bond fund", "card": "Gold card"}
    settings = CallListSettings()
    return Day(view, calls, pl.DataFrame(), nothing, nothing, "call", (decisions,), names, settings)


def why(say: Wording = EN, **changed: Any) -> list[str]:
    return list(why_now(day(), {**QUIET, **changed}, say))


def test_a_promised_talk_names_day_and_product():
    promised = {
        "follow_up": True,
        "follow_up_product_id": "fund",
        "follow_up_from_date": date(2025, 12, 1),
        "follow_up_date": date(2025, 12, 20),
    }
    assert why(**promised)[0] == "On 2025-12-01 a talk was put off to 2025-12-20 (Bond fund)"
    assert why(ZH, **promised)[0] == "2025-12-01 约定 2025-12-20 再联系（Bond fund）"


def test_a_customer_whom_nobody_reached():
    assert (
        why(coverage=True, reached_date=date(2025, 3, 1))[0] == "Nobody reached the customer since 2025-03-01"
    )
    assert why(coverage=True, reached_date=None)[0] == "Nobody ever reached the customer"


def test_what_matures():
    found = why(maturity=True, maturing_amount=50_000.0, maturing_month_date=TODAY)
    assert found[0] == "50,000 matures soon (known of 2025-12-31)"


@pytest.mark.parametrize(
    ("assessed", "text"),
    [
        (
            date(2024, 12, 31),
            "The risk assessment of 2024-12-31 has expired: renew it, unlocks offers worth 8.5",
        ),
        (date(2025, 1, 1), "The risk assessment is valid until 2026-01-01 only: renew it"),
    ],
)
def test_an_assessment_that_ended_or_ends_soon(assessed: date, text: str):
    assert why(assessment=True, risk_assessed_date=assessed, unlocked_amount=8.5)[0] == text


def test_a_renewal_that_unlocks_nothing_names_no_amount():
    found = why(assessment=True, risk_assessed_date=date(2024, 12, 31), unlocked_amount=0.0)
    assert found[0] == "The risk assessment of 2024-12-31 has expired: renew it"


def test_parts_of_the_worth_are_told_where_they_matter():
    parts = {"keep_amount": 30.0, "grow_amount": 60.0, "develop_amount": 10.0, "attrition_probability": 0.125}
    assert why(**parts) == ["Attrition probability 12.5%: a call keeps about 30", "Offers worth 60"]
    assert why(ZH, **parts)[0] == "流失概率 12.5%：一次联系约可保住 30"
    assert why(**{**parts, "kind": "develop", "tier_upgrade_probability": 0.2})[1] == (
        "Chance to reach the next tier 20.0%: worth about 10"
    )


def test_offers_have_chance_and_the_strongest_reason():
    told = Told(("assets of 5 on 2025-12-31", "tier GOLD"))
    offers = [(OFFER, told), ({**OFFER, "rank": 2, "product_id": "card"}, Told())]
    assert offers_text(day(), QUIET, offers, EN) == (
        "1. Bond fund (3.4%): assets of 5 on 2025-12-31\n2. Gold card (3.4%)"
    )


def test_no_offer_has_its_cause():
    assert offers_text(day(), QUIET, [], EN) == "No offer today: nothing is worth a call"
    assert offers_text(day(), {**QUIET, "stopped_by": 7}, [], ZH) == "今日无可推荐产品：rule 7 at (0, 1)"


def test_there_is_one_caution_the_gravest():
    told = [(OFFER, Told(caution="few cases"))]
    declined = {
        "last_outcome": "declined",
        "last_contact_date": date(2025, 12, 1),
        "last_product_id": "card",
    }
    steps: list[tuple[dict[str, Any], str]] = [
        ({}, "Bond fund: few cases"),
        (declined, "Declined Gold card on 2025-12-01: do not press"),
        ({"age": 65}, "65 years old: explain slowly, high-risk products only by the special procedure"),
        ({"profiling_opt_out": True}, "Refused profiling: a general list, not a personal one"),
    ]
    call = dict(QUIET)
    for changed, text in steps:
        call.update(changed)
        assert caution(day(), call, told, EN) == text


def test_without_an_assessment_that_is_the_caution():
    expired = {**QUIET, "risk_assessed_date": date(2024, 12, 31)}
    text = "No valid risk assessment: no investment product before it is renewed"
    assert caution(day(), expired, [], EN) == text
    assert caution(day(), {**QUIET, "risk_level": None}, [], EN) == text
    assert caution(day(), QUIET, [], EN) == ""


def test_the_last_contact():
    contact = {"last_contact_date": date(2025, 12, 1), "last_channel": "call", "last_outcome": "postponed"}
    assert last_contact({**QUIET, **contact}, EN) == "2025-12-01 call: put off"
    assert last_contact({**QUIET, **contact}, ZH) == "2025-12-01 电话：推迟"
    assert last_contact(QUIET, EN) == "never"


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.44, "0.4"), (9.96, "10.0"), (1234.4, "1,234")])
def test_small_amounts_keep_a_decimal(value: float, text: str):
    assert amount(value) == text
