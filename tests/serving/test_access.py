"""Permissions: every role on every route, with the own customer, another's, and nobody's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from serving import api
from serving.http.operation import Operation
from tests.serving.small_bank import (
    DAY,
    FOREIGN,
    MANAGER,
    NEW_MANAGER,
    NOBODY,
    OTHER_MANAGER,
    OWN,
    PASSWORD,
    Bank,
)
from vipreco.store import Cover, Decision, Role, Scope
from vipreco.store.schema import tokens

PAST = date(2020, 3, 2)
ALL = frozenset({Role.MARKETING, Role.CHANNEL})  # no customer is another's for them
BODIES: dict[str, Any] = {
    "/v1/offers": lambda customer: {"customer_id": customer, "channel": "app"},
    "/v1/offers:batch": lambda customer: {"customer_ids": [customer], "channel": "app"},
    "/v1/outcomes": lambda customer: {"customer_id": customer, "channel": "call", "outcome": "accepted"},
    "/v1/feedback": lambda customer: {"customer_id": customer, "product_id": "P1", "cause": "wrong"},
    "/v1/covers": lambda customer: {
        "manager_id": BOOK_OF[customer],
        "deputy_id": NEW_MANAGER,
        "from_date": "2020-03-02",
        "until_date": "2020-03-13",
    },
    "/v1/hand-overs": lambda customer: {
        "from_manager_id": BOOK_OF[customer],
        "to_manager_id": NEW_MANAGER,
        "customer_ids": ["nobody of that book"],
    },
}
BODIES |= {
    "/v1/switches/off": lambda _: {"kind": "product", "name": "nothing", "reason": "recalled"},
    "/v1/switches/on": lambda _: {"kind": "product", "name": "nothing"},
    "/v1/decisions:search": lambda customer: {"customer_id": customer},
}
BODIES |= {
    "/v1/users": lambda customer: {"user": f"u{customer}", "role": "auditor", "subject": f"s{customer}"},
    "/v1/users/{user}/password": lambda _: {"password": PASSWORD},
    "/v1/tokens": lambda customer: {"name": customer, "role": "channel", "days": 1},
    "/v1/tokens/{token_id}/revoke": lambda _: {},
}
FILE = 'key = "{key}"\nstart_date = 2026-03-01\nend_date = 2026-03-31\n[channels.app]\n'
BODIES |= {
    "/v1/campaigns": lambda customer: {"file": FILE.format(key=f"c{customer}")},
    "/v1/campaigns/{key}/file": lambda _: {"file": FILE.format(key="none")},
    "/v1/campaigns:compare": lambda _: {"one": "none", "other": "none"},
}
BOOK_OF = {OWN: MANAGER, FOREIGN: OTHER_MANAGER, NOBODY: "M9"}
CREATED = {"/v1/outcomes": 201, "/v1/feedback": 201, "/v1/covers": 201, "/v1/hand-overs": 409}
PARTS = {"figure": "vip_customers", "month": "2025-12", "key": "none", "name": "call.csv", "channel": "call"}
PARTS |= {
    "version": "1",
    "other": "2",
    "before": "p1",
    "after": "p2",
    "user": "nobody",
    "token_id": "00000000",
}
WITHOUT = {  # the bank of this test has no tables behind its answers, and no campaign
    "/v1/book": 503,
    "/v1/call-list": 503,
    "/v1/rules": 503,
    "/v1/switches/off": 409,  # there is no such product
    "/v1/switches/on": 409,  # it is not off
    "/v1/campaigns": 201,
    "/v1/campaigns:compare": 404,
    "/v1/rules/versions": 503,
    "/v1/rules/compare/{before}/{after}": 503,
    "/v1/manager-hours": 404,
    "/v1/users": 201,
    "/v1/users/{user}/disable": 404,
    "/v1/users/{user}/password": 403,  # a program sets no password of an account that is there
    "/v1/tokens": 201,
    "/v1/tokens/{token_id}/revoke": 404,
}
STARTS = {  # their commands are started, and none of them runs here
    "/v1/models": 404,
    "/v1/models/refresh": 202,
    "/v1/models/monitor": 202,
    "/v1/models/rollback": 202,
    "/v1/models/decision": 404,
    "/v1/models/{version}": 404,
    "/v1/models/{version}/compare/{other}": 202,
    "/v1/models/{version}/promote": 202,
    "/v1/rules/price": 202,
    "/v1/store/backup": 202,
    "/v1/store/prepare": 202,
}
CELLS = [
    pytest.param(operation, role, customer, id=f"{operation.method} {operation.path}-{role}-{customer}")
    for operation in api.OPERATIONS
    for role in [None, *Role]
    for customer in (
        (OWN,) if operation.path.startswith("/v1/campaigns") else (OWN, FOREIGN, NOBODY)
    )  # no campaign is somebody's
]


def expected(operation: Operation, role: Role | None, customer: str) -> int:
    if operation.access.public:
        return 200
    if role not in operation.access.roles:
        return 401 if role is None else 403
    known = fixed(operation)
    if known is not None:
        return known
    about_somebody = "_id}" in operation.path or (operation.method == "POST" and operation.path in BODIES)
    if operation.path in {"/v1/offers:batch", "/v1/decisions:search"} or not about_somebody:
        return 200
    seen = {OWN, FOREIGN} if role in {*ALL, Role.ADMIN, Role.AUDITOR} else {OWN}
    if operation.path.endswith("/replay"):
        return 202 if operation.method == "POST" and customer in seen else 404
    return CREATED.get(operation.path, 200) if customer in seen else 404


def fixed(operation: Operation) -> int | None:
    """Return the answer to whoever may call, where it does not depend on the customer."""
    read, path = operation.method == "GET", operation.path
    if path.startswith("/v1/campaigns/"):
        return 404  # there is no such campaign
    if path in STARTS:
        return 404 if read and "{other}" not in path else STARTS[path]
    found = WITHOUT.get(path)
    return 200 if read and found == 201 else found


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.serving.small_bank import made
    from vipreco.settings import ServingSettings

    bank = made(template, tmp_path_factory.mktemp("matrix"), ServingSettings(business_date="snapshot"))
    made_at = datetime(2025, 12, 31, 9)  # noqa: DTZ001  local time of the bank
    for customer in (OWN, FOREIGN):
        bank.state.store.decisions.add([Decision(f"d{customer}", customer, made_at, "token:x", "{}")])
    yield bank
    bank.state.spool.close()
    bank.state.store.close()


@pytest.mark.parametrize(("operation", "role", "customer"), CELLS)
def test_every_role_gets_on_every_route_what_the_table_says(
    shared: Bank, operation: Operation, role: Role | None, customer: str
) -> None:
    books = shared.state.store.books
    cover = "0"
    if "{cover_id}" in operation.path and customer != NOBODY:
        cover = str(books.cover(Cover(BOOK_OF[customer], NEW_MANAGER, PAST, PAST), "user:x"))
    parts = {**PARTS, "id": customer, "customer_id": customer, "cover_id": cover}
    path = operation.path.format(decision_id=f"d{customer}", **parts)
    sends = operation.method in {"POST", "PUT"} and operation.path in BODIES
    given = {"json": BODIES[operation.path](customer)} if sends else {}
    answer = shared.ask(operation.method, path, role, **given)
    assert answer.status_code == expected(operation, role, customer), answer.text
    if operation.path == "/v1/offers:batch" and answer.status_code == 200:
        alone = 200 if customer in ({OWN, FOREIGN} if role in ALL else {OWN}) else 404
        assert [item["status"] for item in answer.json()["answers"]] == [alone]


def test_an_unknown_customer_and_one_of_another_book_are_told_the_same(bank: Bank) -> None:
    """B73."""
    foreign = bank.offers(Role.MANAGER, customer_id=FOREIGN)
    nobody = bank.offers(Role.MANAGER, customer_id=NOBODY)
    assert foreign.status_code == nobody.status_code == 404
    alike = [{**answer.json(), "request_id": ""} for answer in (foreign, nobody)]
    assert alike[0] == alike[1]
    assert set(foreign.headers) == set(nobody.headers)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer vpr_live_00000000_x", "Basic YW5uOmFubg==", "Bearer " + "x" * 5000],
)
def test_a_token_that_is_none_is_refused_with_a_challenge(bank: Bank, header: str) -> None:
    """B80."""
    answer = bank.ask("GET", "/metrics", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_expired_token_is_refused(bank: Bank) -> None:
    """B80."""
    past = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    with bank.state.store.database.writing() as connection:
        connection.execute(update(tokens).values(expires_at=past))
    assert bank.offers().status_code == 401


def test_a_revoked_token_is_refused_within_two_seconds(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """B80."""
    assert bank.offers().status_code == 200
    now = datetime.now(UTC).replace(tzinfo=None)
    token_id = bank.tokens[Role.CHANNEL].split("_")[2]
    bank.state.store.tokens.revoke(token_id, now)
    from serving.auth import identity

    later = identity.time.monotonic() + identity.TOKEN_SECONDS
    monkeypatch.setattr(identity.time, "monotonic", lambda: later)
    assert bank.offers().status_code == 401


def test_every_read_of_a_customer_is_in_the_audit_under_a_pseudonym(bank: Bank) -> None:
    bank.offers()
    bank.offers(Role.MANAGER, customer_id=FOREIGN)
    bank.ask("GET", f"/v1/customers/{OWN}/sheet", Role.MANAGER)
    found = [(row["action"], row["object"], row["result"]) for row in bank.audit()]
    own, foreign = (bank.state.keys.pseudonym_of(customer) for customer in (OWN, FOREIGN))
    assert sorted(found) == sorted(
        [("offers.read", own, "ok"), ("offers.read", foreign, "unknown"), ("sheet.read", own, "ok")]
    )
    bank.state.store.audit.verify()


def test_an_answered_decision_can_be_read_again_by_who_may_see_its_customer(bank: Bank) -> None:
    told = bank.offers().json()
    bank.audit()
    again = bank.ask("GET", f"/v1/decisions/{told['decision_id']}", Role.MANAGER).json()
    assert again["record"] == told
    assert again["customer_id"] == OWN


@pytest.mark.parametrize("role", [Role.CHANNEL, Role.MARKETING, Role.MANAGER])
def test_who_was_erased_gets_no_offers_and_no_record_though_the_release_has_them(
    bank: Bank, role: Role
) -> None:
    """F34: programs that see all customers were given the cached offers, which stored the customer anew."""
    state = bank.state
    batch = {"customer_ids": [OWN, FOREIGN], "channel": "app"}
    state.store.subjects.erase(OWN, state.keys.pseudonym_of(OWN), DAY)
    state.refresh()
    if role is not Role.MARKETING:
        assert bank.offers(role).status_code == 404
        assert bank.ask("GET", f"/v1/customers/{OWN}/sheet", Role.MANAGER).status_code == 404
    if role is not Role.CHANNEL:
        answers = bank.ask("POST", "/v1/offers:batch", role, json=batch).json()["answers"]
        assert answers[0] == {"customer_id": OWN, "status": 404, "answer": None}
    bank.audit()
    everybody = Scope("test", Role.CHANNEL)
    assert state.store.decisions.newest(everybody, 10, OWN) == []
    if role is Role.CHANNEL:
        assert bank.offers(role, customer_id=FOREIGN).status_code == 200


def test_a_decision_that_is_not_there_for_a_caller_is_in_the_audit(bank: Bank) -> None:
    """Whether there is none, or it is about another's customer, is not told: both are recorded."""
    made_at = datetime(2025, 12, 31)  # noqa: DTZ001
    bank.state.store.decisions.add([Decision("dx", FOREIGN, made_at, "token:x", "{}")])
    for decision in ("dx", "nothing"):
        assert bank.ask("GET", f"/v1/decisions/{decision}", Role.MANAGER).status_code == 404
        last = bank.audit()[-1]
        assert (last["action"], last["result"]) == ("decision.read", "unknown")
        assert last["object"] == bank.state.keys.pseudonym_of(decision)
