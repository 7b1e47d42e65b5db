"""Tokens of programs: shown once, kept as a hash, with a role, an end, and revocable at once.

`vpr_<environment>_<id>_<secret><checksum>`: the prefix and the checksum let a scanner find leaked ones.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import RowMapping, insert, or_, select, update

from vipreco.errors import UsageError
from vipreco.store.connection import Database
from vipreco.store.schema import tokens
from vipreco.store.scope import Role, check_whose

MAX_DAYS = 90
TOLERANCE = timedelta(seconds=60)  # clocks of two machines differ
MAX_NAME = 200
ENVIRONMENT = re.compile(r"[a-z0-9]{1,16}")
FORM = re.compile(r"vpr_[a-z0-9]{1,16}_([0-9a-f]{8})_([A-Za-z0-9_-]{43})([0-9a-f]{8})")


@dataclass(frozen=True)
class Token:
    """A token as the store knows it; its secret is known to its owner alone."""

    token_id: str
    name: str
    role: Role
    manager_id: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    used_date: date | None = None
    branch_id: str | None = None


class Tokens:
    """Tokens of programs."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def create(
        self,
        name: str,
        role: Role,
        at: datetime,
        *,
        days: int = MAX_DAYS,
        manager_id: str | None = None,
        branch_id: str | None = None,
        environment: str = "live",
    ) -> tuple[Token, str]:
        """Make a token and return it with its text, which nobody can show again.

        Args:
            name: What it is for.
            role: What it may do.
            at: Moment now, UTC.
            days: Days until it ends, at most `MAX_DAYS`.
            manager_id: The book of a manager's token.
            branch_id: The branch of a branch head's token.
            environment: Where it is for; part of the text.

        Raises:
            UsageError: Too many days, no name, a wrong environment, a manager without a book, or a branch
                head without a branch.
        """
        if not 1 <= len(name) <= MAX_NAME:
            raise UsageError(f"a name has 1 to {MAX_NAME} characters", where="name", code="token-name")
        if ENVIRONMENT.fullmatch(environment) is None:
            raise UsageError(
                "this is not the name of an environment",
                where="environment",
                remedy="use 1 to 16 lower-case letters and digits",
                code="token-environment",
            )
        if not 1 <= days <= MAX_DAYS:
            raise UsageError(f"a token lives 1 to {MAX_DAYS} days", where="days", code="token-days")
        check_whose(role, manager_id, branch_id)
        token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        ends = at + timedelta(days=days)
        token = Token(token_id, name, role, manager_id, at, ends, branch_id=branch_id)
        with self.database.writing() as connection:
            hashed = {"secret_hash": _digest(secret)}
            connection.execute(insert(tokens), {**token.__dict__, "role": role.value, **hashed})
        body = f"vpr_{environment}_{token_id}_{secret}"
        return token, body + _checksum(body)

    def authenticate(self, text: str, at: datetime) -> Token | None:
        """Return the token of a text, unless it is wrong, has ended or was revoked."""
        found = FORM.fullmatch(text)
        if found is None or _checksum(text[:-8]) != found[3]:
            return None
        with self.database.reading() as connection:
            row = connection.execute(select(tokens).where(tokens.c.token_id == found[1])).first()
        if row is None or not hmac.compare_digest(row.secret_hash, _digest(found[2])):
            return None
        ended = row.revoked_at is not None or row.expires_at + TOLERANCE <= at
        return None if ended else _token(row._mapping)

    def used(self, token_id: str, at: datetime) -> None:
        """Record the day on which a token was last used."""
        day = at.date()
        older = or_(tokens.c.used_date.is_(None), tokens.c.used_date < day)
        with self.database.writing() as connection:
            changed = update(tokens).where(tokens.c.token_id == token_id, older).values(used_date=day)
            connection.execute(changed)

    def revoke(self, token_id: str, at: datetime) -> None:
        """End a token now; one that was ended before keeps that moment.

        Raises:
            UsageError: No such token.
        """
        mine = tokens.c.token_id == token_id
        with self.database.writing() as connection:
            changed = update(tokens).where(mine, tokens.c.revoked_at.is_(None)).values(revoked_at=at)
            if (
                connection.execute(changed).rowcount == 0
                and not connection.execute(select(tokens.c.token_id).where(mine)).first()
            ):
                raise UsageError("no such token", where="token", code="unknown-token")

    def revoked(self, at: datetime) -> frozenset[str]:
        """Return the ids of the revoked tokens that have not expired."""
        query = select(tokens.c.token_id).where(tokens.c.revoked_at.is_not(None), tokens.c.expires_at > at)
        with self.database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def all(self) -> list[Token]:
        """Return all tokens, the newest first."""
        query = select(tokens).order_by(tokens.c.created_at.desc(), tokens.c.token_id)
        with self.database.reading() as connection:
            return [_token(row._mapping) for row in connection.execute(query)]


def _token(row: RowMapping) -> Token:
    fields = {name: row[name] for name in Token.__dataclass_fields__}
    return Token(**{**fields, "role": Role(fields["role"])})


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode()):08x}"
