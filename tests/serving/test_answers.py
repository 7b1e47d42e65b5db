"""Facts of an answer about itself: its customer, its sources and their age."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.api.offers import MAX_DECIDING
from serving.http.app_state import Slate, SlateLine
from tests.serving.small_bank import FOREIGN, NOBODY, OWN, Bank
from vipreco.store import Role

MakeBank = Callable[..., Bank]


def test_an_answer_names_model_snapshot_and_rules(bank: Bank) -> None:
    told = bank.offers(limit=2).json()
    found = bank.release
    assert [(offer["rank"], offer["product_id"], offer["propensity"]) for offer in told["offers"]] == [
        (1, "P1", 0.5),
        (2, "P2", 0.25),
    ]
    assert (told["model_version"], told["snapshot_id"], told["policy_version"], told["snapshot_date"]) == (
        found.model_version,
        found.snapshot_id,
        found.policy_version,
        "2025-12-31",
    )
    assert (told["personalised"], told["stale"], told["source"]) == (True, False, "snapshot")


def test_answers_of_a_model_that_does_not_pass_a_gate_say_so(bank: Bank) -> None:
    assert bank.offers().json()["warnings"] == []
    bank.release.warnings = ("calibration_ratio is 1.8, needed is at most 1.25",)
    assert bank.offers().json()["warnings"] == list(bank.release.warnings)


def test_who_opted_out_of_profiling_gets_no_personal_offers_and_is_told_so(bank: Bank) -> None:
    """B82, as far as the answer goes; `tests/online` has what stands behind it."""
    general = Slate((SlateLine("P1", "Product 1", None, None, ()),), personalised=False, source="snapshot")
    bank.release.offers = lambda *_: general  # type: ignore[assignment,method-assign]
    told = bank.offers().json()
    assert told["personalised"] is False
    assert [offer["propensity"] for offer in told["offers"]] == [None]


@pytest.mark.parametrize("body", [{"segment": "GOLD"}, {"segment": ""}])
def test_of_whom_nothing_is_known_gets_what_is_popular(bank: Bank, body: dict[str, Any]) -> None:
    """B83."""
    told = bank.offers(customer_id=NOBODY, **body).json()
    assert (told["source"], told["personalised"]) == ("cold_start", False)
    assert [offer["product_id"] for offer in told["offers"]] == ["P9"]


def test_an_unknown_customer_without_facts_or_segment_is_not_found(bank: Bank) -> None:
    """B73."""
    assert bank.offers(customer_id=NOBODY).status_code == 404


def test_a_manager_who_brings_facts_does_not_learn_whose_customer_somebody_is(bank: Bank) -> None:
    for customer in (FOREIGN, NOBODY):
        answer = bank.offers(Role.MANAGER, customer_id=customer, facts={"attributes": {"tier": "GOLD"}})
        assert answer.status_code == 404


def test_facts_reach_the_features_as_they_were_sent(bank: Bank) -> None:
    sent = {"attributes": {"tier": "GOLD", "aum_amount": 1.5, "birth_date": None}, "holdings": [{"a": "1"}]}
    told = bank.offers(facts=sent).json()
    assert told["source"] == "facts"
    bank.offers(facts={**sent, "reasons": True})
    expected = {"customer_id": OWN, **sent}
    assert bank.release.facts == [{**expected, "reasons": False}, {**expected, "reasons": True}]


@pytest.mark.parametrize(
    ("age", "status", "stale"), [(2, 200, False), (3, 200, True), (5, 200, True), (6, 503, None)]
)
def test_old_knowledge_is_marked_and_too_old_knowledge_is_kept_back(
    make_bank: MakeBank, age: int, status: int, stale: bool | None
) -> None:
    """B84."""
    bank = make_bank(business_date="clock", fresh_days=2, stale_days=3)
    bank.release.snapshot_date = datetime.now().date() - timedelta(days=age)  # noqa: DTZ005  the bank's day
    answer = bank.offers()
    assert answer.status_code == status
    assert answer.json().get("stale") is stale
    if status == 503:
        assert answer.headers["retry-after"] == "1"


def test_before_anything_was_prepared_there_are_no_answers_but_the_process_lives(bank: Bank) -> None:
    bank.state.release = None
    asked = [bank.offers().status_code] + [
        bank.ask("GET", path).status_code for path in ("/readyz", "/livez")
    ]
    assert asked == [503, 503, 200]


def test_the_numbers_count_by_route_and_tell_the_age_of_the_snapshot(make_bank: MakeBank) -> None:
    bank = make_bank(business_date="clock")
    bank.release.snapshot_date = datetime.now().date() - timedelta(days=7)  # noqa: DTZ005  the bank's day

    def told() -> dict[str, float]:
        lines = bank.ask("GET", "/metrics", Role.AUDITOR).text.splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines)
            if "#" not in name
        }

    name = 'vipreco_requests_total{route="/v1/offers",status="200"}'
    before = told().get(name, 0.0)
    bank.offers()
    after = told()
    assert after[name] - before == 1
    assert after["vipreco_snapshot_age_days"] == 7


def test_no_address_in_any_field_is_ever_fetched(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """B79: a trap that would be reached stands on this machine, and every way out is counted."""
    tried: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: tried.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **_: tried.append(given))
    with socket.create_server(("127.0.0.1", 0)) as trap:
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/x"
        bank.offers(customer_id=url[:64], segment=url)
        bank.offers(facts={"attributes": {"tier": url}, "holdings": [{"product_id": url}]})
        sent = {"customer_id": OWN, "channel": "call", "outcome": "declined", "note": url, "product_id": url}
        assert bank.ask("POST", "/v1/outcomes", Role.MANAGER, json=sent).status_code == 409
        sent["outcome"] = "do_not_contact"
        assert bank.ask("POST", "/v1/outcomes", Role.MANAGER, json=sent).status_code == 201
        bank.ask("GET", "/v1/decisions/x", Role.CHANNEL, headers={"Referer": url, "X-Forwarded-Host": url})
        trap.settimeout(0.05)
        with pytest.raises(TimeoutError):
            trap.accept()
    assert tried == []


def test_a_token_is_taken_within_its_days_alone(bank: Bank) -> None:
    """B80."""
    now = datetime.now(UTC).replace(tzinfo=None)
    _, ended = bank.state.store.tokens.create("old", Role.CHANNEL, now - timedelta(days=91))
    answer = bank.ask(
        "POST",
        "/v1/offers",
        json={"customer_id": OWN, "channel": "app"},
        headers={"Authorization": f"Bearer {ended}"},
    )
    assert answer.status_code == 401


def test_every_answer_carries_the_headers_that_protect_it(bank: Bank) -> None:
    for answer in (bank.offers(), bank.offers(role=None), bank.ask("GET", "/livez"), bank.ask("GET", "/no")):
        headers = answer.headers
        assert headers.get_list("cache-control") == ["no-store"]
        assert headers.get_list("x-content-type-options") == ["nosniff"]
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert len(headers["x-request-id"]) == 16
        assert "server" not in headers


def test_who_would_wait_for_too_many_decisions_is_told_to_come_again(bank: Bank) -> None:
    """Facts are decided one after the other: a queue without an end would help nobody."""
    go_on = threading.Event()
    at_once = bank.release.with_facts

    def slow(*given: Any) -> Slate:
        go_on.wait(60)
        return at_once(*given)

    bank.release.with_facts = slow  # type: ignore[method-assign]
    body = {"customer_id": OWN, "channel": "app", "facts": {"attributes": {"tier": "GOLD"}}}
    headers = {"Authorization": f"Bearer {bank.tokens[Role.CHANNEL]}"}

    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=bank.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            send = partial(client.post, "/v1/offers", json=body, headers=headers)
            asked = [asyncio.ensure_future(send()) for _ in range(20)]
            while sum(one.done() for one in asked) < 20 - MAX_DECIDING:
                await asyncio.sleep(0.01)
            go_on.set()
            return await asyncio.gather(*asked)

    answers = asyncio.run(all_at_once())
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(answers) - len(refused) == MAX_DECIDING
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert bank.state.deciding == 0


def test_a_log_that_cannot_be_written_costs_no_answer_and_no_record_of_the_audit(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F36: the disk of the log is full; who is refused is told so, and the audit has it."""
    with Path("/dev/full").open("w", buffering=1) as full:
        monkeypatch.setattr(sys, "stderr", full)
        before = len(bank.audit())
        assert bank.ask("POST", "/v1/offers", None, json={}).status_code == 401  # is logged
        assert bank.offers().status_code == 200
        with suppress(OSError):
            full.close()
    monkeypatch.undo()
    assert len(bank.audit()) > before
