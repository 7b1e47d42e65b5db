"""The answers of a moment are those of the recommender over all that is known at that moment."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from tests.online.small_bank import (
    CHANNELS,
    DAY,
    IDS,
    NOON,
    OPTED_OUT,
    VIP,
    Served,
    expected,
    history_with,
    plain,
)
from vipreco.documents import write_document
from vipreco.errors import DependencyDownError
from vipreco.explanations import Explainer
from vipreco.lists import Wording, customer_day, customer_sheet, sheet_document
from vipreco.settings import CallListSettings
from vipreco.store import Consent, Contact, Role, Scope

ACTOR = Scope("user:ann", Role.MANAGER, "M1")
CUSTOMER = "00007"


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_quick_answer_is_the_decision_of_the_night_for_everybody(served: Served, channel: str) -> None:
    wanted = expected(served.recommender, served.history, channel)
    assert {customer: served.offers(customer, channel) for customer in IDS} == wanted
    assert all(served.answering.is_cached(customer, DAY) for customer in IDS)
    assert sum(map(len, wanted.values())) > len(IDS)


def test_the_slate_of_a_few_is_the_beginning_of_the_slate_of_many(served: Served) -> None:
    for customer in IDS:
        many = served.offers(customer, "branch")
        assert [served.offers(customer, "branch", limit) for limit in range(1, 7)] == [
            many[:limit] for limit in range(1, 7)
        ]


def test_whoever_refused_profiling_is_answered_without_it(served: Served) -> None:
    slates = {customer: served.answering.offers(customer, "branch", 3, NOON) for customer in IDS}
    assert {customer for customer, slate in slates.items() if not slate.personalised} == OPTED_OUT
    first, other = (plain(slates[customer]) for customer in sorted(OPTED_OUT))
    assert first[0][1] == other[0][1]  # the chance is the bank's, not theirs


def test_codes_of_vip_customers_are_those_that_are_told(served: Served) -> None:
    customer = "00009"
    found = served.answering.offers(customer, "branch", 3, NOON)
    pairs = [(customer, line.product_id) for line in found.lines]
    told = Explainer(served.recommender).offer_reasons(served.view, pairs)
    assert [line.codes for line in found.lines] == [
        tuple(reason.id for reason in reasons) for reasons in told.reasons
    ]
    remembered = served.answering.explainer.offer_reasons(served.view, pairs, language="zh")
    again = Explainer(served.recommender).offer_reasons(served.view, pairs, language="zh")
    assert [[one.text for one in reasons] for reasons in remembered.reasons] == [
        [one.text for one in reasons] for reasons in again.reasons
    ]


def test_somebody_whom_nobody_knows_is_told_what_is_popular(served: Served) -> None:
    found = served.answering.popular("MASS", "branch", 2)
    assert (found.source, found.personalised) == ("cold_start", False)
    assert [line.product_id for line in found.lines] == ["account", "card"]
    assert served.answering.popular("nowhere", "branch", 9) == served.answering.popular("", "branch", 9)
    assert not served.answering.knows("stranger")


OUTCOMES = [
    ("unreachable", "fund", []),
    ("declined", "fund", []),
    ("do_not_contact", "card", []),
    ("complaint", "card", []),
    ("accepted", "fund", [{"customer_id": CUSTOMER, "product_id": "fund", "opened_date": DAY}]),
]


@pytest.mark.parametrize(("outcome", "product", "holdings"), OUTCOMES)
def test_a_recorded_outcome_is_decided_upon_as_if_the_tables_held_it(
    serve: Callable[..., Served], outcome: str, product: str, holdings: list[dict[str, Any]]
) -> None:
    served = serve()
    contact = Contact(CUSTOMER, "call", NOON, outcome, product, contact_id="c1")
    served.store.contacts.record(ACTOR, contact, NOON)
    before = {channel: served.offers(CUSTOMER, channel) for channel in CHANNELS}
    served.answering.refresh()
    row = {
        "contact_id": "c1",
        "customer_id": CUSTOMER,
        "product_id": product,
        "channel": "call",
        "contacted_at": NOON,
        "outcome": outcome,
    }
    history = history_with({"contacts": [row], "holdings": holdings}, CUSTOMER)
    assert not served.answering.is_cached(CUSTOMER, DAY)
    for channel in CHANNELS:
        wanted = expected(served.recommender, history, channel)[CUSTOMER]
        assert served.answering.cached_offers(CUSTOMER, channel, 6, NOON) is None
        assert served.offers(CUSTOMER, channel) == wanted
        found = served.answering.cached_offers(CUSTOMER, channel, 6, NOON)
        assert found is not None
        told = Explainer(served.recommender).offer_reasons(
            history.as_of(DAY), [(CUSTOMER, line[0]) for line in wanted[:3]]
        )
        codes = [tuple(reason.id for reason in reasons) for reasons in told.reasons]
        assert [line.codes for line in found.lines] == [*codes, *[()] * (len(wanted) - len(codes))]
    nothing = history_with({}, CUSTOMER)
    assert before["call"] == expected(served.recommender, nothing, "call")[CUSTOMER]


@pytest.mark.parametrize("product", ["card", "deposit", "fund"])
def test_what_was_accepted_a_second_ago_is_not_offered_again(
    serve: Callable[..., Served], product: str
) -> None:
    served = serve()
    customer = next(
        one for one in IDS[:20] if product in [offer[0] for offer in served.offers(one, "branch")]
    )
    contact = Contact(customer, "branch", NOON, "accepted", product)
    served.store.contacts.record(ACTOR, contact, NOON)
    served.answering.refresh()
    assert product not in [offer[0] for offer in served.offers(customer, "branch")]
    later = Contact(customer, "branch", NOON + timedelta(minutes=1), "postponed", product)
    served.store.contacts.record(ACTOR, later, NOON + timedelta(minutes=1))
    served.answering.refresh()
    assert product in [offer[0] for offer in served.offers(customer, "branch")]


def test_what_was_accepted_stays_away_until_the_tables_hold_it_or_a_month_is_over(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    products = {"00007": "deposit", "00009": "deposit"}
    for customer, moment in (("00007", NOON - timedelta(days=2)), ("00009", NOON - timedelta(days=31))):
        contact = Contact(customer, "branch", moment, "accepted", products[customer])
        served.store.contacts.record(ACTOR, contact, NOON)
    manifest = json.loads((served.releases.current() / "manifest.json").read_bytes())
    assert manifest["store_sequence"] == 0
    served.prepare(store_sequence=2)  # the tables took the contacts over, the bank has booked nothing yet
    served.answering = served.opened()
    assert not served.answering.is_cached("00007", DAY)
    assert "deposit" not in [offer[0] for offer in served.offers("00007", "branch")]
    assert served.answering.is_cached("00009", DAY)
    assert "deposit" in [offer[0] for offer in served.offers("00009", "branch")]


def test_a_consent_taken_back_holds_from_the_next_answer_on(serve: Callable[..., Served]) -> None:
    served = serve()
    assert served.offers(CUSTOMER, "branch")
    assert served.offers("00006", "call")
    served.store.consents.record(ACTOR, Consent("00006", "consent_call", False), NOON)
    served.store.consents.record(ACTOR, Consent(CUSTOMER, "profiling_opt_out", True), NOON)
    served.answering.refresh()
    assert served.offers("00006", "call") == []
    assert served.offers("00006", "branch")
    found = served.answering.offers(CUSTOMER, "branch", 3, NOON)
    assert not found.personalised
    assert all(line.codes == ("neutral",) for line in found.lines)
    assert found.lines[0].propensity == pytest.approx(
        served.recommender.base_rates[served.recommender.product_ids.index(found.lines[0].product_id)]
    )


@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_on_later_days_the_rules_are_those_of_the_day(serve: Callable[..., Served], ahead: int) -> None:
    served, day = serve(days=3), DAY + timedelta(days=ahead)
    wanted = expected(served.recommender, served.history, "branch", day=day)
    asked = IDS if ahead < 4 else IDS[:30]
    assert {one: served.offers(one, "branch", day=day) for one in asked} == {
        one: wanted[one] for one in asked
    }
    quick = sum(served.answering.release.holds(customer, "branch", day) for customer in IDS)
    assert quick == {0: 120, 1: 114, 4: 0}[ahead]  # on the first day more the rest of six is over
    assert sum(served.answering.is_cached(customer, day) for customer in IDS) == quick


def test_a_product_that_is_switched_off_is_in_no_answer(serve: Callable[..., Served]) -> None:
    served = serve()
    everywhere = {customer: served.offers(customer, "branch") for customer in IDS}
    holders = [customer for customer, found in everywhere.items() if "card" in [one[0] for one in found]]
    served.store.switches.off(ACTOR, "product", "card", "a test", NOON)
    served.answering.refresh()
    assert holders
    for customer in holders:
        without = [offer for offer in everywhere[customer] if offer[0] != "card"]
        assert [one for one in served.offers(customer, "branch") if one in without] == without
        assert "card" not in [one[0] for one in served.offers(customer, "branch")]
    assert "card" not in [line.product_id for line in served.answering.popular("", "branch", 9).lines]
    day = served.answering.book(IDS[:20], None, NOON)
    assert "card" not in day.offers["product_id"].to_list()
    served.store.switches.on("product", "card")
    served.answering.refresh()
    assert {customer: served.offers(customer, "branch") for customer in IDS} == everywhere


def test_a_model_that_is_switched_off_says_nothing_about_anybody(serve: Callable[..., Served]) -> None:
    served = serve()
    allowed = {one: {offer[0] for offer in served.offers(one, "branch")} for one in IDS}
    served.store.switches.off(ACTOR, "model", served.answering.model_version, "a test", NOON)
    served.answering.refresh()
    rates = dict(zip(served.recommender.product_ids, served.recommender.base_rates, strict=True))
    for customer in IDS:
        found = served.answering.offers(customer, "branch", 6, NOON)
        assert not found.personalised
        assert {line.product_id for line in found.lines} == allowed[customer]
        assert all(line.propensity == rates[line.product_id] for line in found.lines)
    opted = served.answering.offers(sorted(OPTED_OUT)[0], "branch", 6, NOON)
    with pytest.raises(DependencyDownError) as refused:
        served.answering.book(IDS[:20], None, NOON)
    assert refused.value.code == "model-off"
    served.store.switches.on("model", served.answering.model_version)
    served.answering.refresh()
    assert served.answering.offers(sorted(OPTED_OUT)[0], "branch", 6, NOON) == opted


def test_an_outcome_changes_the_day_of_the_book(serve: Callable[..., Served]) -> None:
    served = serve()
    book = [member.customer_id for member in served.store.books.of(ACTOR)]
    assert book == IDS[:20]
    day = served.answering.book(book, None, NOON)
    customer = day.today["customer_id"][0]
    stamp = served.answering.stamp(book, NOON)
    served.store.contacts.record(ACTOR, Contact(customer, "call", NOON, "declined", "fund"), NOON)
    served.answering.refresh()
    after = served.answering.book(book, None, NOON)
    assert served.answering.stamp(book, NOON) != stamp
    assert customer not in after.today["customer_id"].to_list()
    row = after.calls.row(by_predicate=pl.col("customer_id") == customer, named=True)
    assert row["declined_date"] == DAY


def test_the_sheet_is_that_of_the_command(served: Served) -> None:
    day = customer_day(Explainer(served.recommender), served.view, "00009", VIP, CallListSettings())
    for language in ("en", "zh"):
        target = io.BytesIO()
        document = sheet_document(
            customer_sheet(day, served.answering.model_version, Wording(language)), Wording(language)
        )
        write_document(document, target, "json")
        assert served.answering.sheet("00009", language, NOON).document == json.loads(target.getvalue())
