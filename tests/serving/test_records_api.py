"""Campaigns and audit as programs read them: what the pages show, for the same roles."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from tests.serving.small_bank import FOREIGN, OWN, Bank
from vipreco.store import Decision, Role
from vipreco.store.campaigns import MEMBER_COLUMNS

DAY = datetime(2025, 12, 31)  # noqa: DTZ001  local time of the bank
MANIFEST: dict[str, Any] = {
    "campaign_id": "spring",
    "campaign": {"name": "Spring", "start_date": "2026-01-01", "end_date": "2026-01-31"},
    "customers": 3,
    "arms": {"offered": 2, "explored": 0, "control": 1, "unallocated": 0},
    "value_amount": 12.5,
    "gap_rate": 0.0,
    "limits": [],
    "files": {},
}


@pytest.fixture
def run(bank: Bank) -> Bank:
    """A bank with a run."""
    store = bank.state.store
    store.campaigns.begin("user:ann", "spring", {}, "0")
    store.campaigns.finish("spring", MANIFEST, pl.DataFrame(schema=dict.fromkeys(MEMBER_COLUMNS, pl.String)))
    store.campaigns.begin("user:ann", "summer", {}, "0")
    return bank


def test_campaigns_are_listed_and_each_is_opened(run: Bank) -> None:
    listed = run.ask("GET", "/v1/campaigns", Role.MARKETING).json()["campaigns"]
    assert listed[0]["value_amount"] == 12.5
    assert listed[0]["arms"] == MANIFEST["arms"]
    assert listed[1] == {"campaign_id": "summer", "state": "unfinished", "finished": False}
    assert run.ask("GET", "/v1/campaigns/spring", Role.MARKETING).json()["manifest"] == MANIFEST
    assert run.ask("GET", "/v1/campaigns/winter", Role.MARKETING).status_code == 404


def test_the_audit_is_searched_page_by_page_and_the_search_is_recorded(bank: Bank) -> None:
    from vipreco.store import Event

    events = [Event("user:ann", "login", f"no {number}") for number in range(203)]
    bank.state.store.audit.append(events)
    answer = bank.ask("GET", "/v1/audit?actor=user:ann&action=login", Role.AUDITOR).json()
    assert [row["object"] for row in answer["records"][:2]] == ["no 202", "no 201"]
    older = bank.ask("GET", f"/v1/audit?actor=user:ann&before={answer['older']}", Role.AUDITOR).json()
    assert [row["object"] for row in older["records"]] == ["no 2", "no 1", "no 0"]
    assert older["older"] is None
    assert bank.ask("GET", "/v1/audit?since=yesterday", Role.AUDITOR).status_code == 422
    searches = bank.ask("GET", "/v1/audit?action=audit.read", Role.AUDITOR).json()["records"]
    assert [row["object"] for row in searches] == [
        "action=audit.read",
        "actor=user:ann",
        "actor=user:ann action=login",
    ]


def test_a_product_is_switched_off_and_on_with_its_reason(bank: Bank) -> None:
    body = {"kind": "product", "name": "P1", "reason": "recalled"}
    first, again = (
        bank.ask("POST", "/v1/switches/off", Role.APPROVER, json=body, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )
    assert (first.status_code, first.content) == (201, again.content)
    (off,) = bank.ask("GET", "/v1/switches", Role.SCIENTIST).json()["switches"]
    assert (off["kind"], off["name"], off["reason"]) == ("product", "P1", "recalled")
    on = {"kind": "product", "name": "P1"}
    answers = [bank.ask("POST", "/v1/switches/on", Role.SCIENTIST, json=on) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 409]
    assert answers[1].json()["type"] == "urn:vipreco:problem:not-off"
    found = [(row["action"], row["object"]) for row in bank.audit()]
    assert found[-2:] == [("switch.off", "product:P1"), ("switch.on", "product:P1")]
    wrong = bank.ask("POST", "/v1/switches/off", Role.APPROVER, json={**body, "name": "P77"})
    assert (wrong.status_code, wrong.json()["type"]) == (409, "urn:vipreco:problem:unknown-switch")


def test_the_audit_is_verified_and_a_changed_record_is_told(bank: Bank) -> None:
    from sqlalchemy import text

    told = bank.ask("POST", "/v1/audit/verify", Role.AUDITOR).json()
    assert (told["intact"], told["against_heads"], told["broken"]) == (True, False, "")
    with bank.state.store.database.writing() as connection:
        connection.execute(text("DROP TRIGGER audit_keeps_UPDATE"))
        connection.execute(text("UPDATE audit SET object = 'other' WHERE sequence = 1"))
    told = bank.ask("POST", "/v1/audit/verify", Role.AUDITOR).json()
    assert (told["intact"], told["sequence"]) == (False, 0)
    assert "1" in told["broken"]


def test_an_auditor_finds_the_decisions_about_a_customer_by_pseudonym(bank: Bank) -> None:
    told = bank.offers().json()
    bank.offers(customer_id=FOREIGN)
    bank.audit()
    answers = [
        bank.ask("POST", "/v1/decisions:search", Role.AUDITOR, json=body).json()["decisions"]
        for body in ({}, {"customer_id": OWN}, {"customer_id": "nobody"})
    ]
    assert [len(found) for found in answers] == [2, 1, 0]
    (found,) = answers[1]
    of = bank.state.keys.pseudonym_of
    assert (found["decision_id"], found["customer_id"]) == (told["decision_id"], of(OWN))
    assert (found["kind"], found["channel"], found["rows"]) == ("", "app", len(told["offers"]))
    read = [row["object"] for row in bank.audit() if row["action"] == "decisions.read"]
    assert read == ["", of(OWN), of("nobody")]


def test_a_kept_sheet_is_about_its_customer_and_a_list_about_nobody_alone() -> None:
    record = {"question": {"customers": ["a", "b"]}, "rows": [], "total": 7}
    kinds = {
        kind: Decision("d", "", DAY, "user:ann", json.dumps({**record, "kind": kind})).brief()
        for kind in ("page_sheet", "page_list")
    }
    assert [(one.customer_id, one.rows) for one in kinds.values()] == [("a", 7), ("", 7)]
