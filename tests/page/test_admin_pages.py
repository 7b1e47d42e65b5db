"""Pages of an administrator: a stolen token, and work for which there is no room."""

from __future__ import annotations

import pytest

from serving.http.app_state import clock
from serving.workspace.jobs import Jobs
from tests.page.page_bank import PageBank
from tests.page.test_page_access import Browser
from vipreco.errors import BusyError
from vipreco.store import Event, Role


def test_a_stolen_token_is_revoked_with_what_it_made(bank: PageBank) -> None:
    store, browser = bank.state.store, Browser(bank, Role.ADMIN)
    stolen, made, other = (
        store.tokens.create(name, role, clock())[0].token_id
        for name, role in (("stolen", Role.ADMIN), ("made", Role.CHANNEL), ("other", Role.CHANNEL))
    )
    store.audit.append([Event(f"token:{stolen}", "token.create", made)])
    page = browser.ask("GET", "/tokens").text
    assert page.count('name="and_made"') == 1  # tokens of administrators alone make others
    form = {"token": stolen, "and_made": "1"}
    assert browser.ask("POST", "/tokens/revoke", form).headers["location"] == "/tokens"
    revoked = store.tokens.revoked(clock())
    assert {stolen, made} <= revoked
    assert other not in revoked


def test_a_page_says_that_other_work_runs_and_when_to_come_again(
    bank: PageBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise BusyError("other work runs", code="jobs-running")

    monkeypatch.setattr(Jobs, "start", full)
    answer = Browser(bank, Role.ADMIN).ask("POST", "/store/prepare", {})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Other work runs at the moment" in answer.text
