"""Corrections, refusals that are never lost, and one record for one request key, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from vipreco.errors import InputRejectedError
from vipreco.store import (
    Contact,
    Decision,
    Event,
    KeyedRequest,
    KeyLookup,
    KeyState,
    Role,
    Scope,
    Store,
)

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001  the business's local time
HOUR = timedelta(hours=1)
ANN = Scope("user:ann", Role.MANAGER, "M1", DAY)
PRODUCTS = frozenset({"P1"})


def call(**changed: Any) -> Contact:
    given = {"customer_id": "0001", "channel": "call", "contacted_at": NOW, "outcome": "declined"}
    return Contact(**given | changed)


def outcomes(store: Store, after: int = 0) -> list[str]:
    return [contact.outcome for contact in store.contacts.of(ANN, ["0001"], after)]


def test_a_correction_is_a_further_version_and_the_latest_by_event_time_is_valid(store: Store) -> None:
    steps = [("declined", NOW), ("accepted", NOW + HOUR), ("postponed", NOW - HOUR)]
    for outcome, moment in steps:
        found = store.contacts.record(
            ANN, call(contact_id="c1", outcome=outcome, contacted_at=moment), NOW + HOUR
        )
        assert found is not None
        assert not found.again
    assert outcomes(store) == ["accepted"]
    assert [one.outcome for one in store.contacts.versions(ANN, "c1")] == [
        "declined",
        "accepted",
        "postponed",
    ]
    assert store.contacts.between(0, 9)["outcome"].to_list() == ["accepted"]
    assert store.contacts.between(0, 1)["outcome"].to_list() == ["declined"]  # what was known then


def test_a_refusal_is_valid_whatever_is_recorded_after_it(store: Store) -> None:
    for number, outcome in enumerate(["declined", "do_not_contact", "accepted"]):
        moment = NOW + number * HOUR
        store.contacts.record(ANN, call(contact_id="c1", outcome=outcome, contacted_at=moment), moment)
    assert outcomes(store) == ["do_not_contact"]
    assert outcomes(store, after=2) == ["do_not_contact"]  # the tables hold the first two versions
    assert [one.outcome for one in store.contacts.outcomes(0)] == ["do_not_contact"]


def test_a_correction_of_an_exported_contact_is_exported_with_its_newest_date(store: Store) -> None:
    store.contacts.record(ANN, call(contact_id="c1"), NOW)
    tomorrow = NOW + timedelta(days=1)
    store.contacts.record(ANN, call(contact_id="c1", outcome="accepted"), tomorrow)
    (row,) = store.contacts.between(1, 9).to_dicts()
    assert (row["outcome"], row["recorded_date"]) == ("accepted", tomorrow.date())


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"product_id": "NOPE"}, "product_id", "unknown-product"),
        ({"campaign_id": "NOPE"}, "campaign_id", "unknown-campaign"),
        ({"decision_id": "NOPE"}, "decision_id", "unknown-decision"),
        ({"contacted_at": datetime(1900, 1, 1)}, "contacted_at", "too-old"),  # noqa: DTZ001
        ({"contacted_at": datetime(9999, 12, 31)}, "contacted_at", "in-the-future"),  # noqa: DTZ001
        ({"contacted_at": NOW + timedelta(days=1)}, "contacted_at", "in-the-future"),
        ({"next_date": date(9999, 12, 31)}, "next_date", "too-far-ahead"),
        ({"next_date": DAY - timedelta(days=1)}, "next_date", "ends-before-start"),
        ({"channel": ""}, "channel", "missing"),
        ({"note": "a\0b"}, "note", "unstorable"),
        ({"contact_id": "x" * 201}, "contact_id", "unstorable"),
    ],
)
@pytest.mark.parametrize("refusal", ["do_not_contact", "complaint"])
def test_a_wrong_field_refuses_a_contact_but_never_a_refusal(
    store: Store, changed: dict[str, Any], field: str, code: str, refusal: str
) -> None:
    with pytest.raises(InputRejectedError) as refused:
        store.contacts.record(ANN, call(**changed), NOW, products=PRODUCTS)
    assert (refused.value.where, refused.value.code) == (field, code)
    assert outcomes(store) == []
    found = store.contacts.record(ANN, call(outcome=refusal, **changed), NOW, products=PRODUCTS)
    assert found is not None
    assert found.ignored == (field,)
    assert outcomes(store) == [refusal]
    (row,) = store.contacts.between(0, 9).to_dicts()
    assert row["product_id"] is None
    assert row["contacted_at"] == NOW


def test_a_refusal_is_valid_over_a_complaint_and_a_complaint_over_the_rest(store: Store) -> None:
    valid = []
    for outcome in ("declined", "complaint", "accepted", "do_not_contact", "complaint"):
        store.contacts.record(ANN, call(contact_id="c1", outcome=outcome), NOW)
        valid += outcomes(store)
    assert valid == ["declined", "complaint", "complaint", "do_not_contact", "do_not_contact"]


def test_a_refusal_under_anothers_id_is_recorded_under_one_of_its_own(store: Store) -> None:
    store.contacts.record(ANN, call(contact_id="c1"), NOW)
    bob = Scope("user:bob", Role.MANAGER, "M1", DAY)
    found = store.contacts.record(bob, call(contact_id="c1", outcome="do_not_contact"), NOW)
    assert found is not None
    assert found.contact_id != "c1"
    assert sorted(outcomes(store)) == ["declined", "do_not_contact"]


def test_an_actors_request_key_stands_for_one_contact_even_when_its_answer_is_gone(store: Store) -> None:
    first = store.contacts.record(ANN, call(), NOW, request_key="k")
    again = store.contacts.record(ANN, call(), NOW, request_key="k")
    assert first is not None
    assert again is not None
    assert (again.contact_id, again.again) == (first.contact_id, True)
    bob = Scope("user:bob", Role.MANAGER, "M1", DAY)
    assert store.contacts.record(bob, call(), NOW, request_key="k") != again
    assert len(outcomes(store)) == 2


# One transaction for a request


def request(key: str = "k", body: str = "h") -> KeyedRequest:
    return KeyedRequest("user:ann", key, body)


def work(store: Store) -> tuple[int, bytes]:
    found = store.contacts.record(ANN, call(), NOW, request_key="k")
    store.audit.append([Event("user:ann", "outcome.record")])
    assert found is not None
    return 201, found.contact_id.encode()


def test_a_request_is_done_once_and_its_answer_repeated(store: Store) -> None:
    first = store.idempotency.run_once(request(), NOW, lambda: work(store))
    again = store.idempotency.run_once(request(), NOW, lambda: work(store))
    assert (first.state, again.state) == (KeyState.FRESH, KeyState.REPLAY)
    assert (again.status, again.response) == (first.status, first.response)
    assert store.idempotency.run_once(request(body="x"), NOW, lambda: work(store)).state is KeyState.OTHER
    assert len(outcomes(store)) == 1
    assert store.audit.head().sequence == 1


def test_a_request_that_fails_leaves_nothing_and_may_be_sent_again(store: Store) -> None:
    def dies() -> tuple[int, bytes]:
        work(store)
        raise RuntimeError("killed before the answer was stored")

    with pytest.raises(RuntimeError, match="killed"):
        store.idempotency.run_once(request(), NOW, dies)
    assert outcomes(store) == []
    assert store.audit.head().sequence == 0
    assert store.changes.newest() == 0
    assert store.idempotency.run_once(request(), NOW, lambda: work(store)).state is KeyState.FRESH
    assert len(outcomes(store)) == 1


def test_the_same_request_many_times_at_once_is_one_contact(store: Store, again: Callable[[], Store]) -> None:
    stores, found = [again() for _ in range(6)], []
    start = Barrier(len(stores))

    def send(one: Store) -> None:
        start.wait()
        found.append(one.idempotency.run_once(request(), NOW, lambda: work(one)))

    threads = [Thread(target=send, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    states = [one.state for one in found]
    assert len(states) == len(stores)
    assert states.count(KeyState.FRESH) == 1
    assert set(states) <= {KeyState.FRESH, KeyState.REPLAY, KeyState.RUNNING}
    assert len(outcomes(store)) == 1
    assert store.idempotency.run_once(request(), NOW, lambda: work(store)) == KeyLookup(
        KeyState.REPLAY, 201, next(one.response for one in found if one.state is KeyState.FRESH)
    )


def test_a_decision_of_another_customer_is_no_decision_of_this_one(store: Store) -> None:
    store.decisions.add([Decision("d1", "0002", NOW, "user:ann", "{}")])
    with pytest.raises(InputRejectedError) as refused:
        store.contacts.record(ANN, call(decision_id="d1"), NOW)
    assert refused.value.code == "unknown-decision"
