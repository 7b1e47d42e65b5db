"""The day of a token's last use is noted once, and a store that does not take it refuses nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.auth.identity import Identity
from serving.http.problems import Problem
from tests.serving.small_bank import FOREIGN, Bank
from vipreco.errors import BusyError, DependencyDownError
from vipreco.store import Role, User


def days(bank: Bank) -> dict[str, Any]:
    return {token.name: token.used_date for token in bank.state.store.tokens.all() if token.used_date}


def test_the_first_use_of_a_day_is_noted(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    today, text = datetime.now(UTC).date(), bank.tokens[Role.CHANNEL]
    assert days(bank) == {}
    assert bank.offers().status_code == 200
    assert days(bank) == {"channel": today}
    noted: list[str] = []
    monkeypatch.setattr(bank.state.store.tokens, "used", lambda token_id, _: noted.append(token_id))
    Identity(bank.state).of_token(text)
    assert noted == []
    yesterday = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    monkeypatch.undo()
    bank.state.store.tokens.used(text.split("_")[2], yesterday)
    assert days(bank) == {"channel": today}


def test_a_store_that_is_busy_refuses_nobody(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise BusyError("held", code="store-busy")

    monkeypatch.setattr(bank.state.store.tokens, "used", busy)
    assert bank.offers().status_code == 200
    assert days(bank) == {}


def away(*_: object) -> None:
    raise DependencyDownError("is away", code="store-down")


def test_a_token_that_was_valid_goes_on_without_the_store_for_as_long_as_the_settings_say(
    make_bank: Callable[..., Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = make_bank(store_away_minutes=10)
    callers, text = Identity(bank.state), bank.tokens[Role.CHANNEL]
    known = callers.of_token(text)
    monkeypatch.setattr(bank.state.store.tokens, "authenticate", away)
    assert callers.of_token(text) == replace(known, store_away=True)
    with pytest.raises(DependencyDownError):
        callers.of_token(bank.tokens[Role.MANAGER])  # it was not seen before
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 601)
    with pytest.raises(DependencyDownError):
        callers.of_token(text)


def test_a_token_that_was_revoked_before_the_store_went_away_does_not_come_back(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    callers, text = Identity(bank.state), bank.tokens[Role.CHANNEL]
    callers.of_token(text)
    bank.state.store.tokens.revoke(text.split("_")[2], datetime.now(UTC).replace(tzinfo=None))
    bank.state.refresh()
    monkeypatch.setattr(bank.state.store.tokens, "authenticate", away)
    with pytest.raises(Problem, match="unknown-token"):
        callers.of_token(text)


def test_a_managers_customer_stays_theirs_without_the_store_and_no_other_one_becomes_theirs(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bank.offers(Role.MANAGER).status_code == 200
    assert bank.offers(Role.MANAGER, customer_id=FOREIGN).status_code == 404
    monkeypatch.setattr(bank.state.store.books, "find", away)
    answer = bank.offers(Role.MANAGER)
    assert answer.status_code == 200
    assert bank.offers(Role.MANAGER, customer_id=FOREIGN).status_code == 503


def test_a_session_ends_without_requests_and_lasts_ten_hours_at_most_with_them(
    make_bank: Callable[..., Bank],
) -> None:
    store = make_bank().state.store
    began = datetime.fromisoformat("2026-01-05T09:00:00")
    idle, user = timedelta(minutes=60), User("ann", Role.MANAGER, "M1")
    secret = store.sessions.begin(user, began, idle)
    assert store.sessions.read(secret, began + timedelta(minutes=59)) is not None
    assert store.sessions.read(secret, began + timedelta(minutes=61)) is None
    now, ended = began, None
    while ended is None:
        session = store.sessions.read(secret, now)
        if session is None:
            ended = now
        else:
            store.sessions.extend(secret, session, now, idle)
            now += timedelta(minutes=30)
    assert ended == began + timedelta(hours=10)
