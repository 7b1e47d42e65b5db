"""Accounts of people, with a local password or the bank's own log-in, and their sessions."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from vipreco.errors import UsageError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.passwords import HASHER, NO_PASSWORD, hash_password, matches
from vipreco.store.schema import sessions, users
from vipreco.store.scope import Role, check_whose

SESSION_HOURS = 10
LONGEST_SESSION, MIN_EXTENSION = timedelta(hours=SESSION_HOURS), timedelta(minutes=1)
NAME_FORM = re.compile(r"[\w.@-]{1,64}")


@dataclass(frozen=True)
class User:
    """Account of a person; `subject` is their name in the bank's own log-in.

    The branch is that of a branch head, or where a manager works: its head may hand customers over to them.
    """

    user_id: str
    role: Role
    manager_id: str | None = None
    subject: str | None = None
    active: bool = True
    branch_id: str | None = None


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
            UsageError: The name or subject is taken or cannot be one, the password is too short, a manager
                has no book, or a branch head no branch.
        """
        if NAME_FORM.fullmatch(user.user_id) is None:
            raise UsageError(
                "this cannot be the name of an account",
                where="user",
                remedy="use letters, digits and . _ @ -, no spaces, at most 64 characters",
                code="user-name",
            )
        check_whose(user.role, user.manager_id, user.branch_id)
        row = {**_row(user), "password_hash": _hashed(password, user.user_id)}
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
            UsageError: No such account, or the password is too short, too long or easy to guess.
        """
        self._update(user_id, {"password_hash": _hashed(password, user_id)})

    def disable(self, user_id: str) -> None:
        """Close an account and end its sessions.

        Raises:
            UsageError: No such account, or nobody would be left to open others.
        """
        with self.database.writing() as connection:
            admins = select(users.c.user_id).where(users.c.active, users.c.role == Role.ADMIN.value)
            if list(connection.execute(admins).scalars()) == [user_id]:
                raise UsageError(
                    "this is the last administrator",
                    where="user",
                    remedy="create another administrator first",
                    code="last-admin",
                )
            self._update(user_id, {"active": False})

    def authenticate(self, user_id: str, password: str) -> User | None:
        """Return the user if name and password are right, else None; both take the same time."""
        with self.database.reading() as connection:
            row = connection.execute(select(users).where(users.c.user_id == user_id)).first()
        known = row is not None and row.active and row.password_hash != NO_PASSWORD
        right = matches(row.password_hash if known and row is not None else _unknown_user_hash(), password)
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

    def begin(self, user: User, at: datetime, idle: timedelta | None = None) -> str:
        """Log a person in and return the secret of their session; ended sessions are dropped.

        Args:
            user: The person.
            at: Moment now, UTC.
            idle: Time without a request after which the session ends; `extend` begins it anew.
        """
        # The hash covers the moment, so it cannot be changed, and the table needs no column for it.
        secret = f"{secrets.token_urlsafe(32)}.{int(at.replace(tzinfo=UTC).timestamp())}"
        row = {
            "session_hash": _digest(secret),
            "user_id": user.user_id,
            "csrf": secrets.token_urlsafe(24),
            "expires_at": at + min(idle or LONGEST_SESSION, LONGEST_SESSION),
        }
        with self.database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= at))
            connection.execute(insert(sessions), row)
        return secret

    def extend(self, secret: str, session: Session, at: datetime, idle: timedelta) -> None:
        """Begin the idle time of a session anew, at most once a minute, within ten hours of the log-in."""
        begun = secret.partition(".")[2]
        if not begun.isdigit():  # of an older version: it ends when it was to end
            return
        latest = datetime.fromtimestamp(int(begun), UTC).replace(tzinfo=None) + LONGEST_SESSION
        expires_at = min(at + idle, latest)
        if expires_at - session.expires_at < MIN_EXTENSION:
            return
        mine = sessions.c.session_hash == _digest(secret)
        with self.database.writing() as connection:
            connection.execute(update(sessions).where(mine).values(expires_at=expires_at))

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


def _hashed(password: str | None, user_id: str) -> str:
    return NO_PASSWORD if password is None else hash_password(password, user_id)


@cache
def _unknown_user_hash() -> str:
    """Return a hash to compare with for an unknown name, which takes as long as a wrong password."""
    return HASHER.hash(secrets.token_hex(16))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
