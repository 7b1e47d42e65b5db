"""Book and rules as programs read them: what the pages show, for the same roles."""

from __future__ import annotations

import json

import pytest

from serving.api.record_models import BookAnswer, CallListAnswer, RulesAnswer
from tests.page.page_bank import ATTACK, BOOK, DAY, MANAGER, PageBank, Tables, customer_ids
from tests.page.test_page_access import Browser
from vipreco.store import Role, Scope


@pytest.fixture
def as_tables(bank: PageBank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the API answer from the tables, as the pages of this bank do."""
    for module in ("book", "call_lists", "rules"):
        monkeypatch.setattr(f"serving.api.{module}.answers_of", lambda _: Tables(bank.state.store.books))


def test_the_book_holds_the_callers_customers_and_nobody_elses(bank: PageBank, as_tables: None) -> None:
    answer = Browser(bank, Role.MANAGER).ask("GET", "/v1/book").json()
    BookAnswer.model_validate(answer)
    assert {line["customer_id"] for line in answer["customers"]} == set(customer_ids()[:BOOK])
    day = Tables(bank.state.store.books).day(Scope("user:x", Role.MANAGER, MANAGER, DAY))
    assert len(answer["customers"]) == day.calls.height
    attack = next(line for line in answer["customers"] if line["customer_id"] == ATTACK)
    assert attack["promise_date"] == DAY.isoformat()
    assert bank.state.store.audit.read(1)[0]["action"] == "book.read"


def test_a_list_stands_in_the_decision_log_before_it_leaves_once_a_reader(
    bank: PageBank, as_tables: None
) -> None:
    browser = Browser(bank, Role.MANAGER)
    answers = [browser.ask("GET", "/v1/call-list").json() for _ in range(2)]
    CallListAnswer.model_validate(answers[0])
    assert answers[0] == answers[1]
    (kept,) = bank.state.store.decisions.newest(Scope("user:a", Role.AUDITOR), 50)
    assert kept.decision_id == answers[0]["decision_id"]
    record = json.loads(kept.record)
    assert (record["kind"], set(record["question"]["customers"])) == ("page_list", set(customer_ids()[:BOOK]))
    assert [row[0] for row in record["rows"] if not row[1]] == [
        row["customer_id"] for row in answers[0]["call_list"]["today"]
    ]


def test_the_rules_come_with_text_source_dates_and_owner(bank: PageBank, as_tables: None) -> None:
    answer = Browser(bank, Role.AUDITOR).ask("GET", "/v1/rules").json()
    RulesAnswer.model_validate(answer)
    policy = Tables(bank.state.store.books).policy
    assert answer["policy_version"] == policy.version
    assert [rule["rule"] for rule in answer["rules"]] == [one.entry.id for one in policy.compiled]
    assert all(rule["owner"] and rule["requires"] and rule["text"]["en"] for rule in answer["rules"])
