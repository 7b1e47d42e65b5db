"""Accounts and tokens over the API, and what a stolen token of an administrator cannot do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from serving.api.account_models import TokenMadeAnswer, TokensAnswer, UsersAnswer
from serving.auth.cookies import COOKIE
from serving.auth.identity import CSRF_HEADER
from serving.http.app_state import clock
from tests.serving.small_bank import MANAGER, PASSWORD, Bank
from vipreco.store import Role, User, users
from vipreco.store.schema import metadata, tokens

ADMIN = Role.ADMIN
OTHER_PASSWORD = "battery horse correct"
PERSON = "urn:vipreco:problem:needs-a-person"


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash with little memory and one round: its strength is the library's matter."""
    from argon2 import PasswordHasher

    from vipreco.store import passwords

    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    for module in (users, passwords):
        monkeypatch.setattr(module, "HASHER", quick)


def post(bank: Bank, path: str, body: Any, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return bank.ask("POST", path, ADMIN, json=body, headers=headers)


def everything(bank: Bank) -> str:
    """All that anybody who reads the database sees."""
    with bank.state.store.database.reading() as connection:
        return "\n".join(
            repr(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))
        )


@pytest.fixture
def person(bank: Bank) -> Any:
    """Send requests as an administrator who is logged in."""
    account = User("root", ADMIN)
    bank.state.store.users.create(account, PASSWORD)
    secret = bank.state.store.sessions.begin(account, clock())
    session = bank.state.store.sessions.read(secret, clock())
    assert session is not None
    headers = {"Cookie": f"{COOKIE}={secret}", CSRF_HEADER: session.csrf, "Origin": "http://localhost"}

    def ask(path: str, body: Any, **changed: str) -> Any:
        return bank.ask("POST", path, json=body, headers={**headers, **changed})

    return ask


def test_an_account_is_created_listed_and_disabled_and_its_password_is_nowhere(
    bank: Bank, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"user": "eva", "role": "manager", "manager_id": MANAGER, "password": PASSWORD}
    answer = post(bank, "/v1/users", body)
    assert (answer.status_code, answer.json()) == (201, {"user": "eva"})
    assert bank.state.store.users.authenticate("eva", PASSWORD) is not None
    assert post(bank, "/v1/users", body).json()["type"] == "urn:vipreco:problem:user-exists"
    told = UsersAnswer.model_validate(bank.ask("GET", "/v1/users", ADMIN).json())
    assert {one.user: (one.role, one.manager_id, one.active) for one in told.users}["eva"] == (
        Role.MANAGER,
        MANAGER,
        True,
    )
    assert post(bank, "/v1/users/eva/disable", None).json() == {"user": "eva"}
    assert bank.state.store.users.authenticate("eva", PASSWORD) is None
    found = [(row["action"], row["object"]) for row in bank.audit()]
    assert found == [("user.create", "eva"), ("user.disable", "eva")]
    assert PASSWORD not in everything(bank) + capsys.readouterr().err + answer.text


@pytest.mark.parametrize("more", [{}, {"password": PASSWORD, "subject": "eva@bank"}])
def test_an_account_has_a_password_or_a_subject(bank: Bank, more: dict[str, str]) -> None:
    answer = post(bank, "/v1/users", {"user": "eva", "role": "auditor", **more})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vipreco:problem:password-or-subject")
    wrong = post(bank, "/v1/users", {"user": "eva", "role": "auditor", "password": "tiny-one"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "password")
    assert "tiny-one" not in wrong.text


def test_a_token_is_in_the_first_answer_alone(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"name": "app channel", "role": "channel", "days": 30}
    first, again = (post(bank, "/v1/tokens", body, key="k1") for _ in range(2))
    made = TokenMadeAnswer.model_validate(first.json())
    assert made.token is not None
    assert bank.ask("GET", "/v1/store", headers={"Authorization": f"Bearer {made.token}"}).status_code == 403
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "token": None}
    assert again.headers["idempotent-replayed"] == "true"
    told = TokensAnswer.model_validate(bank.ask("GET", "/v1/tokens", ADMIN).json()).tokens
    assert [one.token_id for one in told if one.name == "app channel"] == [made.token_id]
    secret = made.token.split("_", 3)[3]
    assert secret not in everything(bank) + capsys.readouterr().err
    created = [row["object"] for row in bank.audit() if row["action"] == "token.create"]
    assert created == [made.token_id]


@pytest.mark.parametrize("role", [Role.ADMIN, Role.APPROVER])
def test_a_program_gives_nobody_power_over_accounts_or_models(bank: Bank, role: Role) -> None:
    bank.state.store.users.create(User("boss", role), PASSWORD)
    tried = {
        "/v1/users": {"user": "eva", "role": role.value, "password": PASSWORD},
        "/v1/tokens": {"name": "mine", "role": role.value},
        "/v1/users/boss/disable": None,
        "/v1/users/boss/password": {"password": OTHER_PASSWORD},
        "/v1/users/ann/password": {"password": OTHER_PASSWORD},
    }
    for path, body in tried.items():
        answer = post(bank, path, body)
        assert (answer.status_code, answer.json()["type"]) == (403, PERSON)
    bank.state.spool.flush()
    assert {(row["result"]) for row in bank.audit()} == {"denied"}
    for user in ("boss", "ann"):
        assert bank.state.store.users.authenticate(user, PASSWORD) is not None
    assert [one.user_id for one in bank.state.store.users.all()] == ["ann", "boss", "new"]


def test_a_token_that_a_program_makes_ends_with_its_own(bank: Bank) -> None:
    ends = clock() + timedelta(days=5, hours=1)
    with bank.state.store.database.writing() as connection:
        connection.execute(update(tokens).where(tokens.c.role == "admin").values(expires_at=ends))
    made = post(bank, "/v1/tokens", {"name": "long", "role": "channel", "days": 90}).json()
    left = datetime.fromisoformat(made["expires_at"]).replace(tzinfo=None) - clock()
    assert timedelta(days=4, hours=23) < left <= timedelta(days=5)
    with bank.state.store.database.writing() as connection:
        soon = clock() + timedelta(hours=3)
        connection.execute(update(tokens).where(tokens.c.role == "admin").values(expires_at=soon))
    late = post(bank, "/v1/tokens", {"name": "long", "role": "channel"})
    assert (late.status_code, late.json()["type"]) == (409, "urn:vipreco:problem:token-days")


def test_one_revocation_ends_what_a_stolen_token_made(bank: Bank, person: Any) -> None:
    made = [post(bank, "/v1/tokens", {"name": name, "role": "channel"}).json() for name in ("a", "b")]
    post(bank, "/v1/users", {"user": "eva", "role": "marketing", "password": PASSWORD})
    stolen = bank.tokens[ADMIN].split("_")[2]
    answer = person(f"/v1/tokens/{stolen}/revoke", {"and_made": True})
    ids = [one["token_id"] for one in made]
    assert answer.json() == {"token_id": stolen, "tokens": ids, "users": ["eva"]}
    assert bank.state.store.users.authenticate("eva", PASSWORD) is None
    for token in (bank.tokens[ADMIN], *(one["token"] for one in made)):
        assert bank.state.store.tokens.authenticate(token, clock()) is None
    assert bank.state.store.tokens.authenticate(bank.tokens[Role.CHANNEL], clock()) is not None
    found = [(row["action"], row["object"]) for row in bank.audit() if row["actor"] == "user:root"]
    assert sorted(found) == sorted(
        [*(("token.revoke", one) for one in (stolen, *ids)), ("user.disable", "eva")]
    )


def test_a_revocation_of_a_token_leaves_what_was_made_with_it(bank: Bank, person: Any) -> None:
    post(bank, "/v1/users", {"user": "eva", "role": "marketing", "password": PASSWORD})
    answer = person(f"/v1/tokens/{bank.tokens[ADMIN].split('_')[2]}/revoke", {})
    assert answer.json()["users"] == []
    assert bank.state.store.users.authenticate("eva", PASSWORD) is not None
    assert person("/v1/tokens/00000000/revoke", {}).status_code == 404


def test_a_person_may_do_what_the_page_does_and_never_shuts_everybody_out(bank: Bank, person: Any) -> None:
    approver = {"user": "boss", "role": "approver", "password": PASSWORD}
    assert person("/v1/users", approver, **{CSRF_HEADER: "wrong"}).status_code == 403
    assert person("/v1/users", approver).status_code == 201
    assert person("/v1/users/boss/password", {"password": OTHER_PASSWORD}).status_code == 200
    assert bank.state.store.users.authenticate("boss", OTHER_PASSWORD) is not None
    assert person("/v1/users/nobody/password", {"password": OTHER_PASSWORD}).status_code == 404
    own = person("/v1/users/root/disable", None)
    assert (own.status_code, own.json()["type"]) == (409, "urn:vipreco:problem:own-account")
    assert person("/v1/users", {"user": "second", "role": "admin", "password": PASSWORD}).status_code == 201
    assert person("/v1/users/second/disable", None).status_code == 200
    assert post(bank, "/v1/users/root/disable", None).status_code == 403
