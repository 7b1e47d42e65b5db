"""The talk track of a sheet: tied to facts that the sheet cites, with the risk of what is offered."""

from __future__ import annotations

import re
from functools import cache

import pyarrow as pa
import pytest

from tests.page.page_bank import LADDER, customer_ids, trained
from vipreco.documents import Language
from vipreco.explanations import Explainer, TalkCatalog
from vipreco.lists import CustomerSheet, Day, Wording, customer_sheet, plan_day, sheet_document
from vipreco.lists.call_columns import BLOCKED
from vipreco.settings import CallKind, CallListSettings

RISK_WORDS = {
    "en": re.compile(r"lose value|less than you|lost|interest|Fees|needs|rate|contract|fall|costs|protect"),
    "zh": re.compile("损失|亏|利息|计息|费|余额|单位|合约|赔付|波动|下跌|价目"),
}


@cache
def day() -> Day:
    recommender, view = trained()
    yuan = recommender.with_policy(recommender.policy.in_currency("CNY"))
    ids = pa.array(customer_ids()[:40], pa.string())
    return plan_day(Explainer(yuan), view.of(ids), LADDER.vip, CallListSettings(minutes=400))


def sheets(language: Language) -> list[CustomerSheet]:
    say = Wording(language, currency="CNY")
    return [customer_sheet(day().of(customer), "model", say) for customer in customer_ids()[:24]]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_sheet_has_a_whole_track_with_nothing_left_open(language: Language) -> None:
    for sheet in sheets(language):
        talk = sheet.talk
        assert talk is not None
        parts = [talk.opening, talk.question, talk.offer, talk.next_step]
        parts += [text for one in talk.objections for text in (one.said, one.answer)]
        assert all(parts)
        assert len(talk.objections) == 2
        assert not any(re.search(r"[{}]|None|\bnan\b", text) for text in parts), parts


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_offer_is_the_first_of_the_sheet_with_its_risk(language: Language) -> None:
    offering = [sheet for sheet in sheets(language) if sheet.offers]
    assert len(offering) > 3
    for sheet in offering:
        assert sheet.talk is not None
        assert sheet.offers[0].product in sheet.talk.offer
        assert RISK_WORDS[language].search(sheet.talk.offer), sheet.talk.offer


def test_the_opening_says_a_fact_that_the_sheet_cites() -> None:
    """Each number of an opening, the date of the last talk aside, stands in a reason of the sheet."""
    tied = 0
    for sheet in sheets("en"):
        assert sheet.talk is not None
        opening = sheet.talk.opening
        told = " ".join([*sheet.reasons, *(reason for offer in sheet.offers for reason in offer.reasons)])
        if opening.startswith("We last spoke"):
            continue
        numbers = re.findall(r"\d[\d,.]*", opening)
        assert all(number.rstrip(",.") in told for number in numbers), (opening, told)
        tied += bool(numbers)
    assert tied


def test_who_may_not_be_called_gets_no_step_of_a_call() -> None:
    blocked = set(day().calls.filter(day().calls[BLOCKED].is_not_null())["customer_id"])
    of_blocked = [sheet for sheet in sheets("en") if sheet.customer_id in blocked]
    assert of_blocked
    for sheet in of_blocked:
        assert not sheet.suitability.may_call
        assert sheet.talk is not None
        assert sheet.talk.next_step.startswith("For a talk that the customer comes to: nobody calls today.")


def test_who_opted_out_of_profiling_hears_nothing_of_a_profile() -> None:
    (sheet,) = [
        customer_sheet(day().of(customer), "model", Wording("en", currency="CNY"))
        for customer in customer_ids()[39:40]
    ]
    assert not sheet.suitability.personalised
    assert sheet.talk is not None
    if sheet.offers:
        assert sheet.talk.offer.startswith("Only in general, not chosen for this customer: ")
    assert "usual" not in sheet.talk.opening


def test_document_and_api_carry_the_track_part_by_part() -> None:
    sheet = next(sheet for sheet in sheets("zh") if sheet.offers)
    part = sheet_document(sheet, Wording("zh", currency="CNY")).part("talk")
    assert sheet.talk is not None
    assert part.rows["part"].to_list() == [
        "开场", "提问", "推荐与风险", "如客户说", "可以回答", "如客户说", "可以回答", "下一步",
    ]  # fmt: skip
    assert part.rows["words"][0] == sheet.talk.opening


def test_the_catalogue_has_words_for_each_purpose_and_each_reason() -> None:
    catalogue = TalkCatalog.shipped()
    assert set(catalogue.call) == set(CallKind)
    assert catalogue.of_family("stamps").risk == catalogue.family["other"].risk
    assert catalogue.reason["assets-rose"].en.startswith("Your assets with us rose to {assets}")
