"""Accounts of people, with a local password or the bank's own log-in, and their sessions."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from vipreco.errors import UsageError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import sessions, users
from vipreco.store.scope import Role

SESSION_HOURS = 10
MIN_PASSWORD = 10
NAME_FORM = re.compile(r"[\w.@-]{1,64}")
HASHER = PasswordHasher()
NO_PASSWORD = "-"  # noqa: S105  an account without a password


@dataclass(frozen=True)
class User:
    """Account of a person; `subject` is their name in the bank's own log-in."""

    user_id: str
    role: Role
    manager_id: str | None = None
    subject: str | None = None
    active: bool = True


@dataclass(frozen=True)
class Session:
    """A person who is logged in."""

    user: User
    csrf: str
    expires_at: datetime


class Users:
    """Accounts of people."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def create(self, user: User, password: str | None = None) -> None:
        """Make an account; without a password it is for the bank's own log-in alone.

        Raises:
            UsageError: The name or subject is taken or cannot be one, the password is too short, or a manager
                has no book.
        """
        if NAME_FORM.fullmatch(user.user_id) is None:
            raise UsageError(
                "this cannot be the name of an account",
                where="user",
                remedy="use letters, digits and . _ @ -, no spaces, at most 64 characters",
                code="user-name",
            )
        if user.role is Role.MANAGER and not user.manager_id:
            raise UsageError("a manager needs the id of their book", where="manager_id", code="no-book")
        row = {**_row(user), "password_hash": _hashed(password)}
        with self.database.writing() as connection:
            if connection.execute(select(users).where(users.c.user_id == user.user_id)).first():
                raise UsageError("there is an account of this name", where="user", code="user-exists")
            if user.subject is not None and _of_subject(connection, user.subject) is not None:
                raise UsageError(
                    "there is an account of this subject", where="subject", code="subject-exists"
                )
            connection.execute(insert(users), row)

    def change_password(self, user_id: str, password: str) -> None:
        """Give an account a new password and end its sessions.

        Raises:
            UsageError: No such account, or the password is too short.
        """
        self._update(user_id, {"password_hash": _hashed(password)})

    def disable(self, user_id: str) -> None:
        """Close an account and end its sessions.

        Raises:
            UsageError: No such account.
        """
        self._update(user_id, {"active": False})

    def authenticate(self, user_id: str, password: str) -> User | None:
        """Return the user if name and password are right, else None; both take the same time."""
        with self.database.reading() as connection:
            row = connection.execute(select(users).where(users.c.user_id == user_id)).first()
        known = row is not None and row.active and row.password_hash != NO_PASSWORD
        right = _verified(row.password_hash if known and row is not None else _unknown_user_hash(), password)
        return _user(row._mapping) if known and right and row is not None else None

    def by_subject(self, subject: str) -> User | None:
        """Return the account of a name in the bank's own log-in."""
        with self.database.reading() as connection:
            row = _of_subject(connection, subject)
        return None if row is None or not row["active"] else _user(row)

    def all(self) -> list[User]:
        """Return all accounts by name."""
        with self.database.reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.user_id)).all()
        return [_user(row._mapping) for row in rows]

    def _update(self, user_id: str, values: dict[str, object]) -> None:
        with self.database.writing() as connection:
            found = connection.execute(update(users).where(users.c.user_id == user_id).values(values))
            if found.rowcount == 0:
                raise UsageError("no such account", where="user", code="unknown-user")
            connection.execute(delete(sessions).where(sessions.c.user_id == user_id))


class Sessions:
    """Sessions; the store keeps hashes, so that a reader of the store cannot log in."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def begin(self, user: User, at: datetime) -> str:
        """Log a person in and return the secret of their session; ended sessions are dropped."""
        secret = secrets.token_urlsafe(32)
        row = {
            "session_hash": _digest(secret),
            "user_id": user.user_id,
            "csrf": secrets.token_urlsafe(24),
            "expires_at": at + timedelta(hours=SESSION_HOURS),
        }
        with self.database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
            connection.execute(insert(sessions), row)
        return secret

    def read(self, secret: str, at: datetime) -> Session | None:
        """Return the session of a secret, unless it has ended or the account is closed."""
        query = (
            select(sessions.c.csrf, sessions.c.expires_at, users)
            .join(users, users.c.user_id == sessions.c.user_id)
            .where(sessions.c.session_hash == _digest(secret), sessions.c.expires_at > at, users.c.active)
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Session(_user(row._mapping), row.csrf, row.expires_at)

    def end(self, secret: str) -> None:
        """Log out."""
        with self.database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.session_hash == _digest(secret)))


def _of_subject(connection: Connection, subject: str) -> RowMapping | None:
    row = connection.execute(select(users).where(users.c.subject == subject)).first()
    return None if row is None else row._mapping


def _row(user: User) -> dict[str, object]:
    return {**user.__dict__, "role": user.role.value}


def _user(row: RowMapping) -> User:
    fields = {name: row[name] for name in User.__dataclass_fields__}
    return User(**{**fields, "role": Role(fields["role"])})


def _hashed(password: str | None) -> str:
    if password is None:
        return NO_PASSWORD
    if len(password) < MIN_PASSWORD:
        raise UsageError(
            f"a password has at least {MIN_PASSWORD} characters", where="password", code="short-password"
        )
    return HASHER.hash(password)


@cache
def _unknown_user_hash() -> str:
    """Return a hash to compare with for an unknown name, which takes as long as a wrong password."""
    return HASHER.hash(secrets.token_hex(16))


def _verified(hashed: str, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
