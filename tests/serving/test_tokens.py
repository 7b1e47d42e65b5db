"""The day of a token's last use is noted once, and a store that does not take it refuses nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.auth.identity import Identity
from tests.serving.small_bank import Bank
from vipreco.errors import BusyError
from vipreco.store import Role


def days(bank: Bank) -> dict[str, Any]:
    return {token.name: token.used_date for token in bank.state.store.tokens.all() if token.used_date}


def test_the_first_use_of_a_day_is_noted(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    today, text = datetime.now(UTC).date(), bank.tokens[Role.CHANNEL]
    assert days(bank) == {}
    assert bank.offers().status_code == 200
    assert days(bank) == {"channel": today}
    noted: list[str] = []
    monkeypatch.setattr(bank.state.store.tokens, "used", lambda token_id, _: noted.append(token_id))
    Identity(bank.state.store).of_token(text)
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
