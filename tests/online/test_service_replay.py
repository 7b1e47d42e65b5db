"""Answers and lists of the service are decided again as they were, whatever the store learnt since."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.online.small_bank import DAY, IDS, NOON, Served
from vipreco.assurance import (
    DecisionBasis,
    ListRecord,
    OverlayRecord,
    ServiceInputs,
    answer_again,
    differences,
    differing_rows,
    made_of_day,
    rows_of_answer,
    rows_of_calls,
    service_list_again,
)
from vipreco.assurance.service_replay import ANSWER_NUMBERS
from vipreco.lists import Wording, call_list
from vipreco.store import Contact, Role, Scope

SCOPE = Scope("t", Role.CHANNEL)
CUSTOMER, OTHER = IDS[12], IDS[14]
MOMENT = datetime.combine(DAY, NOON.time())


def inputs_of(bank: Served) -> ServiceInputs:
    service = bank.answering
    weights = service.release.manifest.get("reason_weights", {})
    basis = DecisionBasis.of(service.recommender, weights, service.day_settings)
    return ServiceInputs(bank.recommender, bank.artifact, bank.history, basis, bank.store)


def answered(bank: Served, facts: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an answer as the service keeps it."""
    service, asked = bank.answering, (CUSTOMER, "branch", 3)
    slate = service.offers(*asked, MOMENT)
    if facts is not None:
        slate = service.with_facts(CUSTOMER, facts, "branch", 3, MOMENT)
    offers = [
        {"product_id": one.product_id, "rank": rank, **{name: getattr(one, name) for name in ANSWER_NUMBERS}}
        for rank, one in enumerate(slate.lines, start=1)
    ]
    told = {"limit": 3, "facts": facts, **service.decided_on((CUSTOMER,))}
    about = {"customer_id": CUSTOMER, "channel": "branch", "source": slate.source}
    return {**about, "offers": offers, "decided_on": told}


def declined(bank: Served, customer: str) -> None:
    """Record that a customer declined the first offer, and let the service take it over."""
    first = bank.answering.offers(customer, "branch", 3, MOMENT).lines[0].product_id
    contact = Contact(customer, "call", MOMENT, "declined", first)
    bank.store.contacts.record(SCOPE, contact, MOMENT)
    bank.answering.refresh()


@pytest.mark.long
def test_answers_are_decided_again_by_what_was_known_then(serve: Callable[..., Served]) -> None:
    bank = serve()
    before = answered(bank)
    declined(bank, CUSTOMER)
    after, with_facts = answered(bank), answered(bank, {"attributes": {}, "holdings": [], "reasons": False})
    declined(bank, CUSTOMER)  # and later something else
    kept = [before, after, with_facts]
    assert len({str(one["offers"]) for one in kept}) == 3
    for one in kept:
        assert not differing_rows(rows_of_answer(one), answer_again(inputs_of(bank), one, MOMENT).rows)
    wrong = {**after, "offers": before["offers"]}
    assert differing_rows(rows_of_answer(wrong), answer_again(inputs_of(bank), wrong, MOMENT).rows)


@pytest.mark.long
def test_a_list_of_the_page_is_made_again(serve: Callable[..., Served]) -> None:
    bank, say, book = serve(), Wording("en"), list(IDS[:20])
    declined(bank, CUSTOMER)
    day = bank.answering.book(book, None, MOMENT)
    made = made_of_day(day, rows_of_calls(call_list(day, "", "", say, with_reasons=False)))
    told = bank.answering.decided_on(book)
    record: ListRecord = made.record(
        kind="page_list",
        question={"customers": book, "channel": day.channel, "absences": [], "cover_ends": []},
        artifact_hash=bank.answering.model_hash,
        snapshot_id="",
        policy_version="",
        basis="",
        day=DAY.isoformat(),
        overlay=OverlayRecord(**told["overlay"]),
    )
    declined(bank, OTHER)
    assert made.rows
    assert record.features
    assert differences(record, service_list_again(inputs_of(bank), record)) == []
