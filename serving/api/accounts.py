"""Accounts of people and tokens of programs, for administrators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from serving.api.account_models import (
    PasswordRequest,
    TokenMadeAnswer,
    TokenRequest,
    TokenRevocation,
    TokenRevokedAnswer,
    TokensAnswer,
    UserNameAnswer,
    UserRequest,
    UsersAnswer,
)
from serving.api.idempotent import KEY_HEADER, answered_once
from serving.api.json_answers import json_answer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import Problem, ProblemDocument, not_found
from serving.workspace.accounts import Accounts, NewToken
from vipreco.errors import UsageError
from vipreco.store import Role, Token, User

ADMINS = programs_and_people(Role.ADMIN)
USERS, TOKENS = "/v1/users", "/v1/tokens"
UNKNOWN = frozenset({"unknown-user", "unknown-token"})


def users(request: HttpRequest) -> Response:
    """Answer with all accounts, without anything of their passwords."""
    found = [
        {
            "user": one.user_id,
            "role": one.role,
            "manager_id": one.manager_id,
            "branch_id": one.branch_id,
            "subject": one.subject,
            "active": one.active,
        }
        for one in request.state.store.users.all()
    ]
    return json_answer({"users": found})


def create_user(request: HttpRequest) -> Response:
    """Create an account.

    No idempotency key: a hash of this body would let a reader of the store guess the password quickly. A
    second request of the same name is refused anyway.
    """
    sent: UserRequest = request.body
    if (sent.password is None) == (sent.subject is None):
        raise Problem(409, "password-or-subject", [("password", "password-or-subject")])
    role = Role(sent.role)
    user = User(sent.user, role, sent.manager_id, sent.subject, branch_id=sent.branch_id)
    password = None if sent.password is None else sent.password.get_secret_value()
    _accounts(request).create_user(user, password)
    return json_answer({"user": sent.user}, 201)


def disable_user(request: HttpRequest) -> Response:
    """Disable an account and end its sessions."""
    user = request.http.path_params["user"]
    try:
        _accounts(request).disable_user(user)
    except UsageError as error:
        raise _unknown(error) from error
    return json_answer({"user": user})


def change_password(request: HttpRequest) -> Response:
    """Change a password and end the sessions of the account; for people alone."""
    sent: PasswordRequest = request.body
    user = request.http.path_params["user"]
    try:
        _accounts(request).change_password(user, sent.password.get_secret_value())
    except UsageError as error:
        raise _unknown(error) from error
    return json_answer({"user": user})


def tokens(request: HttpRequest) -> Response:
    """Answer with all tokens, without their secrets."""
    return json_answer({"tokens": [*map(_told, request.state.store.tokens.all())]})


def create_token(request: HttpRequest) -> Response:
    """Create a token, and answer with it this once: what is kept under a key does not have it."""
    sent: TokenRequest = request.body
    texts: dict[str, str] = {}

    def created(_: str | None) -> Response:
        wanted = NewToken(sent.name, sent.role, sent.days, sent.manager_id, sent.branch_id)
        made, text = _accounts(request).create_token(wanted)
        texts[made.token_id] = text
        return json_answer(_made(made.token_id, _utc(made.expires_at)), 201)

    kept = answered_once(request, created, TOKENS)
    if kept.status_code != 201:
        return kept
    answer = TokenMadeAnswer.model_validate_json(bytes(kept.body))
    if answer.token_id in texts:  # made by this request
        kept = json_answer(_made(answer.token_id, answer.expires_at, texts[answer.token_id]), 201)
    return kept


def revoke_token(request: HttpRequest) -> Response:
    """Revoke a token, and where it was stolen what was made with it."""
    sent: TokenRevocation = request.body
    token_id = request.http.path_params["token_id"]
    try:
        made = _accounts(request).revoke_token(token_id, and_made=sent.and_made)
    except UsageError as error:
        raise _unknown(error) from error
    return json_answer({"token_id": token_id, "tokens": made.tokens, "users": made.users})


def _told(one: Token) -> dict[str, Any]:
    return {name: _utc(value) for name, value in asdict(one).items()}


def _utc(value: Any) -> Any:
    """Return a moment of the store, which keeps them in UTC, with its time zone; anything else as it is."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def _made(token_id: str, expires_at: Any, token: str | None = None) -> dict[str, Any]:
    return {"token_id": token_id, "expires_at": expires_at, "token": token}


def _unknown(error: UsageError) -> Exception:
    return not_found() if error.code in UNKNOWN else error


def _accounts(request: HttpRequest) -> Accounts:
    return Accounts(request.state, request.known)


OPERATIONS = (
    Operation(
        "GET",
        USERS,
        users,
        ADMINS,
        answers={200: UsersAnswer},
        summary="All accounts of people by name.",
    ),
    Operation(
        "POST",
        USERS,
        create_user,
        ADMINS,
        body=UserRequest,
        answers={201: UserNameAnswer, 409: ProblemDocument},
        summary="Create an account. A program creates no administrator and no approver.",
    ),
    Operation(
        "POST",
        f"{USERS}/{{user}}/disable",
        disable_user,
        ADMINS,
        answers={200: UserNameAnswer, 404: ProblemDocument, 409: ProblemDocument},
        summary="Disable an account and end its sessions; never the own one or the last administrator's. A "
        "program disables no administrator and no approver.",
    ),
    Operation(
        "POST",
        f"{USERS}/{{user}}/password",
        change_password,
        ADMINS,
        body=PasswordRequest,
        answers={200: UserNameAnswer, 404: ProblemDocument, 409: ProblemDocument},
        summary="Change a password and end the sessions of the account. Programs cannot.",
    ),
    Operation(
        "GET",
        TOKENS,
        tokens,
        ADMINS,
        answers={200: TokensAnswer},
        summary="All tokens without their secrets, the newest first.",
    ),
    Operation(
        "POST",
        TOKENS,
        create_token,
        ADMINS,
        body=TokenRequest,
        answers={201: TokenMadeAnswer, 409: ProblemDocument},
        summary="Create a token, which is in this answer alone. A program creates none of an administrator "
        "or approver, and none that outlives its own.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "POST",
        f"{TOKENS}/{{token_id}}/revoke",
        revoke_token,
        ADMINS,
        body=TokenRevocation,
        answers={200: TokenRevokedAnswer, 404: ProblemDocument},
        summary="Revoke a token; of a stolen one also the tokens and accounts that were made with it.",
    ),
)
