"""Log-in by password: how often, from where, and what an attack on it costs everybody else."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from serving.auth import refusals, sessions
from serving.auth.cookies import COOKIE, DEVICE, PREFIX
from serving.http.app_state import clock
from serving.http.shared_limits import Rate
from serving.processes.audit_shipper import ship
from tests.page.page_bank import USERS, PageBank, accounts, made
from tests.serving.small_bank import PASSWORD
from tests.shared import BuiltOnce
from vipreco.settings import OidcSettings, ServingSettings
from vipreco.store import Role, User

ANN = USERS[Role.AUDITOR]
WRONG = "not the right one"


class Browser:
    """Posts the log-in from an address, with the cookies that it was given."""

    def __init__(self, bank: PageBank, address: str = "10.0.0.1", host: str = "localhost") -> None:
        self.bank, self.address, self.host = bank, address, host
        self.cookies: dict[str, str] = {}

    def log_in(self, password: str = PASSWORD, user: str = ANN, **headers: str) -> httpx.Response:
        return self.ask("POST", "/login", {"user": user, "password": password}, **headers)

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> httpx.Response:
        given = {"Host": self.host, **headers}
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = asyncio.run(asked(self.bank.app, self.address, method, path, data=form, headers=given))
        for name, value in answer.cookies.items():
            self.cookies[name] = value
        return answer


async def asked(app: Any, address: str, method: str, path: str, **given: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, **given)


@pytest.fixture
def bank(built_once: BuiltOnce, tmp_path: Path) -> PageBank:
    return made(accounts(built_once), tmp_path)


@pytest.fixture
def quick(bank: PageBank, monkeypatch: pytest.MonkeyPatch) -> PageBank:
    """The bank without the time of a password check."""

    def authenticate(user_id: str, password: str) -> User | None:
        return User(user_id, Role.AUDITOR) if password == PASSWORD and user_id in USERS.values() else None

    monkeypatch.setattr(bank.state.store.users, "authenticate", authenticate)
    monkeypatch.setattr(sessions, "KNOWN_DEVICE_SECONDS", 0.1)
    return bank


def test_at_most_two_passwords_are_checked_at_once_and_a_full_queue_is_refused(
    bank: PageBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """60 log-ins at once took a worker from 386 MB to 1,401 MB: each check takes 64 MiB."""
    at_once, most, lock = 0, 0, threading.Lock()

    def authenticate(user_id: str, password: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once, most = at_once + 1, max(most, at_once + 1)
        time.sleep(0.1)
        with lock:
            at_once -= 1

    monkeypatch.setattr(bank.state.store.users, "authenticate", authenticate)

    async def attack() -> list[httpx.Response]:
        def log_in(number: int) -> Any:
            form = {"user": f"user-{number}", "password": WRONG}
            return asked(bank.app, f"10.0.0.{number}", "POST", "/login", data=form)

        return await asyncio.gather(*(log_in(number) for number in range(60)))

    answers = asyncio.run(attack())
    assert most == 2
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(401) == 60 - statuses.count(429)
    assert 10 <= statuses.count(401) <= 30
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 429} == {"2"}


def test_attempts_from_elsewhere_lock_nobody_out_of_a_known_device(quick: PageBank) -> None:
    own, attacker = Browser(quick), Browser(quick, "10.6.6.6")
    assert own.log_in().status_code == 303
    assert [attacker.log_in(WRONG).status_code for _ in range(6)] == [401] * 5 + [429]
    stranger = Browser(quick, "10.0.0.3").log_in()
    assert (stranger.status_code, stranger.headers["retry-after"]) == (429, "60")
    began = time.monotonic()
    assert own.log_in().status_code == 303
    assert time.monotonic() - began >= 0.1
    assert [own.log_in(WRONG).status_code for _ in range(6)] == [401] * 5 + [429]


def test_a_known_device_is_that_of_one_account_and_cannot_be_forged(quick: PageBank) -> None:
    own, attacker = Browser(quick), Browser(quick, "10.6.6.6")
    assert own.log_in().status_code == 303
    for _ in range(6):
        attacker.log_in(WRONG, USERS[Role.MANAGER])
    own.cookies.pop(COOKIE)
    assert own.log_in(user=USERS[Role.MANAGER]).status_code == 429
    number, ends, seal = own.cookies[DEVICE].split(".")
    for forged in (f"{number}.{int(ends) + 1}.{seal}", f"{number}.1.{seal}", f"{number}..{seal}", "..", ""):
        attacker.cookies = {DEVICE: forged}
        assert attacker.log_in(user=USERS[Role.MANAGER]).status_code == 429


def test_one_address_that_tries_many_accounts_is_stopped(quick: PageBank) -> None:
    """Spraying: one common password against every name."""
    attacker = Browser(quick, "10.6.6.6")
    statuses = [attacker.log_in(WRONG, f"user-{number}").status_code for number in range(25)]
    assert statuses == [401] * 20 + [429] * 5
    assert int(attacker.log_in(WRONG, "user-99").headers["retry-after"]) in range(10, 16)
    assert Browser(quick, "10.0.0.2").log_in().status_code == 303


def test_many_addresses_that_try_many_accounts_are_stopped_together(quick: PageBank) -> None:
    own = Browser(quick)
    assert own.log_in().status_code == 303
    statuses = [
        Browser(quick, f"10.6.{number // 250}.{number % 250}").log_in(WRONG, f"user-{number}").status_code
        for number in range(260)
    ]
    assert statuses.count(401) in range(200, 231)  # 200, and one more each second
    assert statuses[-1] == 429
    assert own.log_in().status_code == 303


def test_right_passwords_count_for_nothing(quick: PageBank) -> None:
    assert [Browser(quick, "10.0.0.9").log_in().status_code for _ in range(40)] == [303] * 40


def test_limits_are_one_for_all_workers(quick: PageBank) -> None:
    other = made_again(quick)
    for _ in range(3):
        Browser(quick).log_in(WRONG)
    assert [Browser(other).log_in(WRONG).status_code for _ in range(3)] == [401, 401, 429]


def made_again(bank: PageBank) -> PageBank:
    """Return a second worker of the same service."""
    from dataclasses import replace

    from serving.api.application import create_app
    from serving.page.pages import make_pages

    state = replace(bank.state)
    return PageBank(state, create_app(state, make_pages(state, lambda _: None)))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(("trusted", "status"), [((), 429), (("10.0.0.254",), 303)])
def test_an_address_is_believed_of_the_trusted_proxy_alone(
    quick: PageBank, trusted: tuple[str, ...], status: int
) -> None:
    """A sender of the header without that proxy stays one address, whatever it says."""
    quick.state.settings = quick.state.settings.model_copy(update={"trusted_proxies": trusted})
    for number in range(20):
        proxied = Browser(quick, "10.0.0.254")
        proxied.log_in(WRONG, f"user-{number}", **{"X-Forwarded-For": f"1.1.1.1, 2.2.2.{number}"})
    answer = Browser(quick, "10.0.0.254").log_in(**{"X-Forwarded-For": "2.2.2.99"})
    assert answer.status_code == status


def test_a_failed_log_in_is_in_the_audit_with_account_address_and_reason(quick: PageBank) -> None:
    Browser(quick, "10.1.2.3").log_in(WRONG)
    Browser(quick, "10.1.2.3").log_in("x" * 300)
    row, long = quick.state.store.audit.read(2)[::-1]
    pseudonym = quick.state.keys.pseudonym_of
    assert (row["actor"], row["action"], row["result"]) == ("nobody", "login", "denied")
    assert row["object"] == pseudonym(ANN)
    assert row["purpose"] == f"wrong-password {pseudonym('address:10.1.2.3')[:16]}"
    assert long["purpose"].startswith("too-long ")


def test_a_log_in_ends_the_session_that_the_browser_had(quick: PageBank) -> None:
    quick.state.store.users.authenticate = lambda *_: User(ANN, Role.AUDITOR)  # type: ignore[method-assign]
    browser = Browser(quick)
    browser.log_in()
    before = browser.cookies[COOKIE]
    browser.log_in()
    assert browser.cookies[COOKIE] != before
    assert quick.state.store.sessions.read(before, clock()) is None
    assert quick.state.store.sessions.read(browser.cookies[COOKIE], clock()) is not None


def test_behind_tls_cookies_are_bound_to_the_host(quick: PageBank) -> None:
    quick.app.hosts |= {"vip.bank.example"}
    browser = Browser(quick, host="vip.bank.example")
    answer = browser.log_in()
    given = {line.split("=")[0]: line for line in answer.headers.get_list("set-cookie")}
    assert set(given) == {PREFIX + COOKIE, PREFIX + DEVICE}
    for line in given.values():
        assert {"Secure", "HttpOnly", "Path=/"} <= set(line.split("; "))
        assert "Domain" not in line
    browser.cookies = {COOKIE: browser.cookies[PREFIX + COOKIE]}  # as another host of the domain could set it
    assert browser.ask("GET", "/").headers["location"] == "/login"


def test_a_flood_of_attempts_that_are_not_checked_leaves_few_records(
    quick: PageBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "BY_ADDRESS", Rate(3.0, 0.0001))
    attacker = Browser(quick, "10.6.6.6")
    for _ in range(30):
        attacker.log_in(WRONG)
    state = quick.state
    state.spool.flush()
    ship(state.root / "spool", state.store)
    reasons = [row["purpose"].split()[0] for row in state.store.audit.read(100)[::-1]]
    assert reasons == ["wrong-password"] * 5 + ["too-many-attempts"] * 3 + ["further-refusals"]


def test_a_bank_may_forbid_passwords_that_are_kept_here(quick: PageBank) -> None:
    oidc = OidcSettings(issuer="https://login.bank.example", client_id="vipreco")
    quick.state.settings = ServingSettings(business_date="snapshot", local_accounts=False, oidc=oidc)
    assert Browser(quick).log_in().status_code == 403
    assert 'name="password"' not in Browser(quick).ask("GET", "/login").text
    with pytest.raises(ValidationError, match="nobody can log in"):
        ServingSettings(local_accounts=False)
