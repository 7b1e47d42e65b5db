"""The outcome of an approach is recorded once, and the next answer knows it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from serving.http.app_state import clock
from tests.serving.small_bank import FOREIGN, OWN, Bank
from vipreco.errors import DependencyDownError
from vipreco.store import Contact, Role, Scope

KEY = "Idempotency-Key"
SCOPE = Scope("test", Role.CHANNEL)


def record(bank: Bank, key: str | None = None, **body: Any) -> httpx.Response:
    sent = {"customer_id": OWN, "channel": "call", "outcome": "accepted", "product_id": "P1", **body}
    headers = {} if key is None else {KEY: key}
    return bank.ask("POST", "/v1/outcomes", Role.MANAGER, json=sent, headers=headers)


def contacts(bank: Bank) -> list[Contact]:
    return bank.state.store.contacts.of(SCOPE, [OWN, FOREIGN])


def test_an_outcome_is_recorded_on_the_business_date(bank: Bank) -> None:
    answer = record(bank)
    assert answer.status_code == 201
    (contact,) = contacts(bank)
    assert (contact.contact_id, contact.outcome, contact.product_id) == (
        answer.json()["contact_id"],
        "accepted",
        "P1",
    )
    assert contact.contacted_at.date().isoformat() == "2025-12-31"


def test_the_publication_takes_it_over_before_the_answer_leaves(bank: Bank) -> None:
    before = bank.release.refreshed
    record(bank)
    assert bank.release.refreshed == before + 1


def test_the_same_key_and_body_give_the_same_bytes_and_one_record(bank: Bank) -> None:
    """B81."""
    first, again = record(bank, "key-1"), record(bank, "key-1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert len(contacts(bank)) == 1


def test_the_same_key_with_another_body_is_refused(bank: Bank) -> None:
    """B81."""
    record(bank, "key-1")
    answer = record(bank, "key-1", outcome="declined")
    assert answer.status_code == 422
    assert len(contacts(bank)) == 1


def test_the_same_key_of_somebody_else_is_another_key(bank: Bank) -> None:
    record(bank, "key-1")
    sent = {"customer_id": OWN, "channel": "app", "outcome": "declined"}
    answer = bank.ask("POST", "/v1/outcomes", Role.CHANNEL, json=sent, headers={KEY: "key-1"})
    assert answer.status_code == 201


def test_a_key_whose_request_is_still_running_is_told_to_wait(bank: Bank) -> None:
    """B81."""
    actor = "token:" + bank.tokens[Role.MANAGER].split("_")[2]
    import hashlib

    from serving.api.models import OutcomeRequest

    sent = OutcomeRequest(customer_id=OWN, channel="call", outcome="accepted", product_id="P1")
    digest = hashlib.sha256(sent.model_dump_json().encode()).hexdigest()
    bank.state.store.idempotency.begin(actor, "key-1", digest, clock())
    answer = record(bank, "key-1")
    assert (answer.status_code, answer.headers["retry-after"]) == (409, "1")


@pytest.mark.parametrize("key", ["x" * 256, "", "a b"])
def test_a_key_that_is_none_is_refused(bank: Bank, key: str) -> None:
    """B81."""
    assert record(bank, key).status_code == 400


def test_a_refusal_is_replayed_like_an_answer(bank: Bank) -> None:
    first, again = record(bank, "k", customer_id="9999"), record(bank, "k", customer_id="9999")
    assert (first.status_code, again.status_code) == (404, 404)
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"contacted_at": "2026-01-02T10:00:00"}, "contacted_at"),
        ({"contacted_at": "2025-12-30T10:00:00", "next_date": "2025-12-29"}, "next_date"),
        ({"decision_id": "none"}, "decision_id"),
        ({"product_id": "NOPE"}, "product_id"),
        ({"campaign_id": "NOPE"}, "campaign_id"),
        ({"contacted_at": "1900-01-01T10:00:00"}, "contacted_at"),
        ({"contacted_at": "9999-01-01T10:00:00"}, "contacted_at"),
        ({"next_date": "9999-01-01"}, "next_date"),
    ],
)
def test_what_cannot_be_is_named_by_its_field(bank: Bank, change: dict[str, Any], field: str) -> None:
    answer = record(bank, **change)
    assert answer.status_code == 409
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("refusal", ["do_not_contact", "complaint"])
def test_a_refusal_is_recorded_whatever_else_is_wrong_in_it(bank: Bank, refusal: str) -> None:
    wrong = {"product_id": "NOPE", "campaign_id": "NOPE", "decision_id": "none", "next_date": "9999-01-01"}
    answer = record(bank, outcome=refusal, contacted_at="1900-01-01T10:00:00", **wrong)
    assert answer.status_code == 201
    assert sorted(answer.json()["ignored"]) == sorted([*wrong, "contacted_at"])
    (contact,) = contacts(bank)
    assert (contact.outcome, contact.product_id, contact.next_date) == (refusal, None, None)


def test_when_the_audit_takes_no_record_nothing_is_recorded_and_the_key_is_free(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begin, contact, audit and answer are one transaction: after a failure between them nothing is there."""

    def fails(*_: object) -> None:
        raise DependencyDownError("the audit is away", code="store-down")

    with monkeypatch.context() as patch:
        patch.setattr(bank.state.store.audit, "append", fails)
        assert record(bank, "key-1").status_code == 503
    assert contacts(bank) == []
    assert record(bank, "key-1").status_code == 201
    assert record(bank, "key-1").headers["idempotent-replayed"] == "true"
    assert len(contacts(bank)) == 1


def test_a_moment_with_a_zone_is_refused(bank: Bank) -> None:
    assert record(bank, contacted_at="2025-12-30T10:00:00+08:00").status_code == 422


def test_an_outcome_names_the_decision_that_it_came_from(bank: Bank) -> None:
    told = bank.offers().json()
    bank.audit()
    assert record(bank, decision_id=told["decision_id"]).status_code == 201


def test_numbers_in_a_note_are_masked(bank: Bank) -> None:
    record(bank, note="asked to ring 138 0013 8000 tomorrow")
    assert contacts(bank)[0].note == "asked to ring [number] tomorrow"


def test_while_the_store_is_gone_an_outcome_is_told_to_come_again_and_offers_go_on(bank: Bank) -> None:
    assert bank.offers().status_code == 200
    path = bank.state.store.database.path
    assert path is not None
    aside = path.with_suffix(".aside")
    path.rename(aside)
    answer = record(bank, "key-1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert bank.offers().status_code == 200
    aside.rename(path)
    assert record(bank, "key-1").status_code == 201
