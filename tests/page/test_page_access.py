"""Access to pages: every role on every address, with the own customer, another's, and nobody's."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from serving.auth.cookies import COOKIE, PREFIX
from serving.http.app_state import clock
from serving.http.operation import Operation
from serving.page.languages import wording
from serving.page.navigation import home_of
from serving.page.pages import make_pages
from serving.workspace.book_service import BookService
from serving.workspace.jobs import Jobs
from tests.page.page_bank import (
    ATTACK,
    BOOK,
    DAY,
    MANAGER,
    OF_BRANCH,
    USERS,
    PageBank,
    Tables,
    customer_ids,
    user_of,
)
from tests.serving.small_bank import PASSWORD
from vipreco.errors import BusyError
from vipreco.store import Decision, Event, Role, Scope
from vipreco.store.schema import users

IDS = customer_ids()
OWN, FOREIGN, NOBODY = IDS[4], IDS[BOOK], "nobody"
OPERATIONS: tuple[Operation, ...] = tuple(make_pages(None, None).operations)  # type: ignore[arg-type]
ROLES = [None, *(role for role in Role if role is not Role.CHANNEL)]
FORMS: Mapping[str, Mapping[str, str]] = {
    "/login": {"user": USERS[Role.ADMIN], "password": PASSWORD},
    "/language": {"language": "zh", "back": "/"},
    "/search": {"text": "0"},
    "/customers/{handle}/outcome": {"outcome": "unreachable", "product_id": "", "note": ""},
    "/customers/{handle}/feedback": {"product_id": "fund", "reason_id": "", "cause": "unsuitable"},
    "/switches/off": {"kind": "product", "name": "loan", "reason": "recalled"},
    "/switches/on": {"kind": "product", "name": "card"},
    "/users": {"user": USERS[Role.ADMIN], "role": "auditor", "password": PASSWORD},
    "/users/disable": {"user": USERS[Role.ADMIN]},
    "/users/password": {"user": "nobody-1", "password": PASSWORD},
    "/tokens": {"name": "app", "role": "channel", "days": "30"},
    "/tokens/revoke": {"token": "00000000"},
    "/covers": {"manager": MANAGER, "deputy": "M2", "from_date": "2020-01-01", "until_date": "2020-01-02"},
    "/covers/end": {"cover": "99"},
    "/campaigns/{key}/work": {"work": "plan"},
    "/branch-covers": {
        "manager": MANAGER,
        "deputy": "M2",
        "from_date": "2020-01-01",
        "until_date": "2020-01-02",
    },
    "/branch-covers/end": {"cover": "99"},
    "/covers/hand-over": {"manager": MANAGER, "to": "M2", "customers": NOBODY},
    "/branch-covers/hand-over": {"manager": MANAGER, "to": "M2", "customers": IDS[OF_BRANCH]},
}
CELLS = [
    pytest.param(operation, role, customer, id=f"{operation.method} {operation.path}-{role}-{customer}")
    for operation in OPERATIONS
    for role in ROLES
    for customer in ((OWN, FOREIGN, NOBODY) if "{handle}" in operation.path else (OWN,))
]


class Browser:
    """Asks as a browser does, with the cookie of a log-in."""

    def __init__(self, bank: PageBank, role: Role | None, csrf: bool = True) -> None:
        self.bank, self.cookies, self.csrf = bank, {}, ""
        if role is not None:
            user = user_of(role)
            secret = bank.state.store.sessions.begin(user, clock())
            session = bank.state.store.sessions.read(secret, clock())
            assert session is not None
            self.cookies, self.csrf = {COOKIE: secret}, session.csrf if csrf else ""

    def ask(self, method: str, path: str, form: Mapping[str, str] | None = None, **headers: str) -> Any:
        data = None if method == "GET" else {**(form or {}), "csrf": self.csrf}
        return asyncio.run(self._ask(method, path, data, headers))

    def saved(self, answer: httpx.Response) -> str:
        """Return the outcome that the next page confirms."""
        return answer.cookies["vipreco_saved"]

    async def _ask(self, method: str, path: str, data: Any, headers: Mapping[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.bank.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", cookies=self.cookies
        ) as client:
            return await client.request(method, path, data=data, headers=dict(headers))


def path_of(bank: PageBank, operation: Operation, customer: str) -> str:
    foreign = IDS[OF_BRANCH] if operation.path.startswith("/branch/") else FOREIGN
    known = foreign if customer == FOREIGN else customer
    handle = "nobodys-handle-00" if customer == NOBODY else bank.handle(known)
    names = {"decision_id": "0" * 32, "version": "1", "key": "none", "figure": "vip_customers", "kind": "csv"}
    return operation.path.format(handle=handle, **names)


def expected(operation: Operation, role: Role | None, customer: str) -> tuple[int, str]:
    """Return the status, and where it leads to."""
    if operation.path == "/login":
        return (200, "") if operation.method == "GET" else (303, "/")
    if operation.access.public or role is None:
        return 303, "/" if operation.access.public else "/login"
    if role not in operation.access.roles:
        return 403, ""
    if "{handle}" in operation.path and customer != OWN:
        return 404, ""
    leads = LEADS if operation.method == "POST" else {"/": home_of(role) if home_of(role) != "/" else ""}
    leads_to = leads.get(operation.path, "")
    return (303, leads_to) if leads_to else (OTHERS.get((operation.method, operation.path), 200), "")


LEADS: Mapping[str, str] = {
    "/logout": "/login",
    "/customers/{handle}/outcome": "/customers/",
    "/customers/{handle}/feedback": "/customers/",
    "/rules/price": "/rules",
    "/models/refresh": "/models",
    "/models/monitor": "/models",
    "/models/rollback": "/models",
    "/models/{version}/promote": "/models/1",
    "/switches/off": "/switches",
    "/store/backup": "/store",
    "/store/prepare": "/store",
    "/covers": "/covers",
    "/audit": "/audit",
    "/branch-covers": "/branch-covers",
}
OTHERS: Mapping[tuple[str, str], int] = {
    ("GET", "/decisions/{decision_id}"): 404,  # nothing was answered yet
    ("POST", "/decisions/{decision_id}/replay"): 404,
    ("POST", "/campaigns"): 422,  # nothing was filled in
    ("GET", "/campaigns/plans/compare"): 404,
    ("GET", "/campaigns/{key}"): 404,
    ("POST", "/campaigns/{key}/file"): 404,
    ("POST", "/campaigns/{key}/work"): 404,
    ("GET", "/campaigns/{key}/list"): 404,
    ("GET", "/models/compare"): 404,  # no version is named
    ("POST", "/switches/on"): 422,  # it is not off
    ("POST", "/users"): 422,  # the name is taken
    ("POST", "/users/disable"): 422,  # oneself
    ("POST", "/users/password"): 422,
    ("POST", "/tokens/revoke"): 422,
    ("POST", "/covers/end"): 422,
    ("POST", "/covers/hand-over"): 422,  # there is no such customer
    ("POST", "/branch-covers/hand-over"): 422,  # the customer is of another branch
    ("POST", "/branch-covers/end"): 404,  # there is none
}


@pytest.mark.parametrize(("operation", "role", "customer"), CELLS)
def test_every_role_gets_at_every_address_what_the_table_says(
    bank: PageBank, operation: Operation, role: Role | None, customer: str
) -> None:
    browser = Browser(bank, role)
    answer = browser.ask(operation.method, path_of(bank, operation, customer), FORMS.get(operation.path))
    status, leads_to = expected(operation, role, customer)
    assert answer.status_code == status
    assert answer.headers.get("location", "").startswith(leads_to)
    assert bool(leads_to) == ("location" in answer.headers)


@pytest.mark.parametrize(
    "operation", [op for op in OPERATIONS if op.method == "POST"], ids=lambda op: op.path
)
def test_no_post_is_taken_without_the_secret_of_the_page_nor_from_another_site(
    bank: PageBank, operation: Operation
) -> None:
    path = path_of(bank, operation, OWN)
    form = FORMS.get(operation.path)
    admitted = operation.access.roles
    role = Role.MANAGER if operation.access.public or Role.MANAGER in admitted else sorted(admitted)[0]
    away = Browser(bank, role).ask("POST", path, form, Origin="https://evil.example")
    assert away.status_code == 403
    cross = Browser(bank, role).ask("POST", path, form, **{"Sec-Fetch-Site": "cross-site"})
    assert cross.status_code == 403
    if not operation.access.public:
        assert Browser(bank, role, csrf=False).ask("POST", path, form).status_code == 403
        assert Browser(bank, role).ask("POST", path, form).status_code == expected(operation, role, OWN)[0]


def test_a_customer_of_another_book_and_one_who_is_none_are_told_the_same(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    texts = [
        re.sub(r"[0-9a-f]{16}|[\w-]{40,}", "", browser.ask("GET", f"/customers/{handle}").text)
        for handle in (bank.handle(FOREIGN), "x" * 16)
    ]
    assert texts[0].replace(bank.handle(FOREIGN), "") == texts[1].replace("x" * 16, "")


def test_only_the_own_book_is_in_list_search_and_file(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    found = browser.ask("POST", "/search", {"text": "0"}).text
    shown = set(re.findall(r"<bdi>(\d{5})</bdi>", browser.ask("GET", "/").text + found))
    assert shown
    assert shown <= set(IDS[:BOOK])
    nothing = browser.ask("POST", "/search", {"text": FOREIGN}, **{"HX-Request": "true"}).text
    assert FOREIGN not in nothing
    assert "No customer in your book matches." in nothing


def test_a_log_in_gives_a_cookie_that_scripts_and_other_sites_do_not_get(bank: PageBank) -> None:
    answer = Browser(bank, None).ask("POST", "/login", FORMS["/login"])
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie  # a browser on this machine, without TLS


def test_behind_the_proxy_cookies_travel_encrypted_only(bank: PageBank) -> None:
    bank.app.hosts |= {"vip.bank.example"}
    answer = Browser(bank, None).ask("POST", "/login", FORMS["/login"], Host="vip.bank.example")
    assert answer.status_code == 303
    assert "; Secure" in answer.headers["set-cookie"]


def test_another_host_cannot_make_the_page_say_that_something_was_recorded(bank: PageBank) -> None:
    """A cookie of a neighbour in the bank's domain made it say so, with nothing stored."""
    bank.app.hosts |= {"vip.bank.example"}
    browser = Browser(bank, Role.MANAGER)
    said = wording("en")("record.saved", outcome=wording("en")("record.accepted"))
    texts = []
    for name in ("vipreco_saved", f"{PREFIX}vipreco_saved"):
        browser.cookies = {PREFIX + COOKIE: next(iter(browser.cookies.values())), name: "accepted"}
        texts.append(browser.ask("GET", "/", Host="vip.bank.example").text)
    assert [said in text for text in texts] == [False, True]


def test_a_log_out_ends_the_session_in_the_store(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    assert browser.ask("GET", "/").status_code == 200
    browser.ask("POST", "/logout")
    assert browser.ask("GET", "/").headers["location"] == "/login"


def test_after_five_wrong_passwords_the_right_one_has_to_wait(bank: PageBank) -> None:
    wrong = {"user": USERS[Role.AUDITOR], "password": "x" * 12}
    tried = [Browser(bank, None).ask("POST", "/login", wrong).status_code for _ in range(6)]
    assert tried == [401] * 5 + [429]
    right = {**wrong, "password": PASSWORD}
    answer = Browser(bank, None).ask("POST", "/login", right)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize("path", ["/", "/login", "/customers/{handle}", "/list.xlsx", "/nothing"])
def test_every_page_carries_the_headers_that_protect_it(bank: PageBank, path: str) -> None:
    headers = Browser(bank, Role.MANAGER).ask("GET", path.format(handle=bank.handle(OWN))).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert headers.get_list("cache-control") == ["no-store"]


def test_no_page_has_a_script_or_a_style_within_nor_an_address_elsewhere(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    for path in ("/", f"/customers/{bank.handle(OWN)}", f"/customers/{bank.handle(ATTACK)}", "/login"):
        text = browser.ask("GET", path).text
        assert (
            re.findall(r"<script(?![^>]*\ssrc=\"/static/)|\son\w+=\"|\sstyle=|<style|javascript:", text) == []
        )
        assert re.findall(r"(?:src|href|action)=\"(?!/|#)[^\"]*\"", text) == []
        assert "<img" not in text


def test_what_is_read_and_recorded_on_the_page_is_in_the_audit(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    browser.ask("GET", f"/customers/{bank.handle(OWN)}/sheet.xlsx")
    browser.ask("GET", f"/customers/{bank.handle(OWN)}")
    found = [(row["action"], row["object"]) for row in bank.state.store.audit.read(2)]
    own = bank.state.keys.pseudonym_of(OWN)
    assert sorted(found) == [("sheet.export", own), ("sheet.read", own)]


def test_nothing_of_a_customer_gets_into_logs_numbers_or_addresses(
    bank: PageBank, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = "Zhang-Wei-rings-at-noon"
    browser, handle = Browser(bank, Role.MANAGER), bank.handle(OWN)
    answers = [
        browser.ask("POST", "/search", {"text": OWN}),
        browser.ask("POST", f"/customers/{handle}/outcome", {"outcome": "none", "note": canary}),
        browser.ask("POST", f"/customers/{handle}/outcome", {"outcome": "unknown", "note": canary}),
        browser.ask("GET", f"/customers/{OWN}"),
        browser.ask("GET", f"/?kind={canary}"),
        browser.ask("GET", f"/{canary}"),
    ]
    from serving.http import metrics

    addresses = "".join(answer.headers.get("location", "") for answer in answers)
    written = capsys.readouterr().err + metrics.exposition().decode() + addresses
    assert canary not in written
    assert (
        re.findall(rf"(?<![0-9a-f]){OWN}(?![0-9a-f])", written) == []
    )  # the names of requests are digits too
    links = re.findall(r"(?:href|action)=\"([^\"]*)\"", browser.ask("GET", "/").text)
    assert not [link for link in links if any(customer in link for customer in IDS[1:])]


def test_minutes_of_a_call_beside_the_list_are_taken_from_it_so_that_a_day_ends(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    before = service_of(bank).call_list()
    (beside,) = (call for call in before.later[:1])
    form = {"outcome": "unreachable", "product_id": ""}
    browser.ask("POST", f"/customers/{bank.handle(beside.customer_id)}/outcome", form)
    after = service_of(bank).call_list()
    assert after.used <= after.minutes == before.minutes == 60
    assert {call.customer_id for call in after.calls if call.outcome} >= {beside.customer_id}
    open_before = [call.customer_id for call in before.calls if not call.outcome]
    open_after = [call.customer_id for call in after.calls if not call.outcome]
    assert open_after == [customer for customer in open_before if customer in open_after]
    assert len(open_after) < len(open_before)
    assert after.customers == BOOK


def service_of(bank: PageBank) -> BookService:
    scope = Scope("user:test", Role.MANAGER, MANAGER, DAY)
    return BookService(bank.state, Tables(bank.state.store.books), scope, wording("en", "CNY"))


def test_a_manager_without_customers_is_told_so(bank: PageBank) -> None:
    browser = Browser(bank, Role.MANAGER)
    with bank.state.store.database.writing() as connection:
        connection.execute(
            update(users).where(users.c.user_id == USERS[Role.MANAGER]).values(manager_id="M9")
        )
    try:
        answer = browser.ask("GET", "/")
    finally:
        with bank.state.store.database.writing() as connection:
            known = users.c.user_id == USERS[Role.MANAGER]
            connection.execute(update(users).where(known).values(manager_id=MANAGER))
    assert answer.status_code == 200
    assert "no book yet" in answer.text


def sent(browser: Browser, customer: str, outcome: str) -> Any:
    form = {"outcome": outcome, "product_id": "", "contact_id": "form-1"}
    return browser.ask("POST", f"/customers/{browser.bank.handle(customer)}/outcome", form)


def test_the_page_confirms_what_is_stored_and_a_refusal_stays_one(bank: PageBank) -> None:
    """The same form with another outcome was confirmed, and the store held the old one."""
    browser, scope = Browser(bank, Role.MANAGER), Scope("test", Role.CHANNEL)
    confirmed = []
    for outcome in ("declined", "declined", "accepted", "do_not_contact", "declined"):
        answer = sent(browser, OWN, outcome)
        assert answer.status_code == 303
        confirmed.append(browser.saved(answer))
        known = bank.state.store.contacts.of(scope, [OWN])
        (valid,) = (one for one in known if one.contact_id == "form-1")
        assert confirmed[-1] == valid.outcome
    assert confirmed == ["declined", "declined", "accepted", "do_not_contact", "do_not_contact"]
    versions = bank.state.store.contacts.versions(scope, "form-1")
    assert [one.outcome for one in versions] == ["declined", "accepted", "do_not_contact", "declined"]
    assert [row["action"] for row in bank.state.store.audit.read(5)] == ["outcome.record"] * 5


def test_another_customers_form_is_refused_and_nothing_is_stored(bank: PageBank) -> None:
    browser, other = Browser(bank, Role.MANAGER), IDS[5]
    assert sent(browser, OWN, "declined").status_code == 303
    answer = sent(browser, other, "accepted")
    assert answer.status_code == 422
    assert wording("en")("record.taken") in answer.text
    assert bank.state.store.contacts.of(Scope("test", Role.CHANNEL), [other]) == []


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "nothing.js", 404), ("POST", "page.css", 405)]
)
def test_a_missing_static_file_is_not_found(bank: PageBank, method: str, path: str, status: int) -> None:
    """It was 500: Starlette's exception met nobody who answers it."""
    answer = Browser(bank, None).ask(method, f"/static/{path}", {} if method == "POST" else None)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_auditor_opens_a_decision_and_sees_the_customer_under_a_pseudonym(
    bank: PageBank, started: list[tuple[str, ...]]
) -> None:
    offer = {"rank": 1, "product": "Fund", "chance_without_contact": 0.1}
    offer |= {"chance_with_contact": 0.2, "expected_gain": 3.0}
    record = {"customer_id": OWN, "channel": "call", "offers": [offer], "model_version": "m"}
    record |= {"snapshot_id": "s", "snapshot_date": "2025-12-31", "policy_version": "p", "cause": None}
    made = Decision("f" * 32, OWN, datetime.combine(DAY, time(9)), "token:1", json.dumps(record))
    bank.state.store.decisions.add([made])
    auditor = Browser(bank, Role.AUDITOR)
    listed = auditor.ask("POST", "/decisions", {"customer": OWN}).text
    assert f"/decisions/{'f' * 32}" not in auditor.ask("POST", "/decisions", {"customer": FOREIGN}).text
    shown = auditor.ask("GET", f"/decisions/{'f' * 32}").text
    pseudonym = bank.state.keys.pseudonym_of(OWN)
    assert f"/decisions/{'f' * 32}" in listed
    assert pseudonym in shown
    assert f">{OWN}<" not in shown
    assert f"&#34;{OWN}&#34;" not in shown
    assert Browser(bank, Role.MANAGER).ask("GET", f"/decisions/{'f' * 32}").status_code == 403
    assert auditor.ask("POST", f"/decisions/{'f' * 32}/replay", {}).status_code == 303
    command = ("replay", "--decision", "f" * 32, "--format", "json")
    assert started == [(f"replay-{'f' * 32}", f"user:{USERS[Role.AUDITOR]}", *command)]


def test_an_auditor_who_looks_for_a_customer_has_the_pseudonym_in_the_address(bank: PageBank) -> None:
    """An id in an address is kept by browsers and proxies."""
    auditor, pseudonym = Browser(bank, Role.AUDITOR), bank.state.keys.pseudonym_of(OWN)
    assert sent(Browser(bank, Role.MANAGER), OWN, "declined").status_code == 303
    answer = auditor.ask("POST", "/audit", {"customer": f" {OWN} ", "action": "outcome", "object": ""})
    assert answer.headers["location"] == f"/audit?action=outcome&object={pseudonym}"
    found = auditor.ask("GET", answer.headers["location"]).text
    assert "outcome.record" in found
    assert f">{pseudonym}</td>" in found
    for page in ("/audit", "/decisions"):
        (form,) = re.findall(r'<form class="card form" method="(\w+)"', auditor.ask("GET", page).text)
        assert form == "post"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (f"before={10**30}", 200),
        ("before=-1", 200),
        ("before=%D9%A3", 200),
        ("until=9999-12-31", 200),
        ("since=9999-12-31&until=0001-01-01", 200),
        ("since=2026-13-01", 200),
        ("actor=%00", 200),
        ("object=%F0%9F%98%80&action=%25_", 200),
    ],
)
def test_what_no_form_sends_is_no_bug_of_the_search(bank: PageBank, asked: str, status: int) -> None:
    """A number that no database holds, and the day after the last of all days, were 500."""
    assert Browser(bank, Role.AUDITOR).ask("GET", f"/audit?{asked}").status_code == status


def test_the_last_day_of_a_search_is_in_it(bank: PageBank) -> None:
    auditor = Browser(bank, Role.AUDITOR)
    auditor.ask("GET", "/rules")
    today = clock().date().isoformat()
    assert "rules.read" in auditor.ask("GET", f"/audit?action=rules&since={today}&until={today}").text


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
