"""Requests and answers about accounts of people and tokens of programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from serving.api.models import Id, RequestBody, optional
from vipreco.store import Role

# Listed, because to a schema 3.0 is an integer too, and to us it is not.
Days = Annotated[int, Field(ge=1, le=90, json_schema_extra={"enum": list(range(1, 91))})]
Password = Annotated[SecretStr, Field(min_length=10, max_length=256)]


class UserRequest(RequestBody):
    """An account: with a password, or with a subject of the bank's own log-in."""

    user: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.@-]+$")]
    role: Literal["manager", "branch_head", "marketing", "scientist", "approver", "auditor", "admin"]
    manager_id: Id = optional("The book of a manager.")
    branch_id: Id = optional("The branch of a branch head, or where a manager works.")
    password: Password = optional("At least 10 characters; it appears in no answer, log or audit.")
    subject: Id = optional("Name in the bank's own log-in; the account has no password then.")


class PasswordRequest(RequestBody):
    """A new password."""

    password: Password


class UserAnswer(BaseModel):
    """An account of a person."""

    user: str
    role: Role
    manager_id: str | None
    branch_id: str | None
    subject: str | None
    active: bool


class UsersAnswer(BaseModel):
    """All accounts by name."""

    users: list[UserAnswer]


class UserNameAnswer(BaseModel):
    """The account that was changed."""

    user: str


class TokenRequest(RequestBody):
    """A token for a program."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
    role: Role
    days: Days = 90
    manager_id: Id = optional("The book of a manager's token.")
    branch_id: Id = optional("The branch of a branch head's token.")


class TokenAnswer(BaseModel):
    """A token without its secret."""

    token_id: str
    name: str
    role: Role
    manager_id: str | None
    branch_id: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_date: date | None


class TokensAnswer(BaseModel):
    """All tokens, the newest first."""

    tokens: list[TokenAnswer]


class TokenMadeAnswer(BaseModel):
    """A token that was made."""

    token_id: str
    expires_at: datetime
    token: str | None = Field(
        description="The token itself, in the first answer alone; null where a request is repeated."
    )


class TokenRevocation(RequestBody):
    """Extent of a revocation."""

    and_made: bool = Field(
        default=False, description="It was stolen: also what was made with it is revoked and disabled."
    )


class TokenRevokedAnswer(BaseModel):
    """A token that was revoked, and what was made with it that is of no use any more."""

    token_id: str
    tokens: list[str]
    users: list[str]
