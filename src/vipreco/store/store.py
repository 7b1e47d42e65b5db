"""Operational store: opening, checks, and its parts."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from sqlalchemy import func, select

from vipreco.durable import flush_directory
from vipreco.failpoints import reach
from vipreco.project import sqlite_url
from vipreco.store import schema_upgrade
from vipreco.store.audit import AuditQuery, AuditTrail, Event
from vipreco.store.books import Books
from vipreco.store.campaigns import Campaigns
from vipreco.store.changes import Changes
from vipreco.store.connection import Database, store_gone
from vipreco.store.consents import Consents
from vipreco.store.contacts import Contacts
from vipreco.store.decisions import DecisionLog
from vipreco.store.directory import Directory
from vipreco.store.feedback import FeedbackLog
from vipreco.store.file_check import check_file
from vipreco.store.hand_overs import HandOvers
from vipreco.store.idempotency import Idempotency
from vipreco.store.pending_changes import PendingChanges
from vipreco.store.retention import PrunedRows, Retention, RetentionCutoffs
from vipreco.store.schema import metadata
from vipreco.store.subjects import Subjects
from vipreco.store.switches import Switches
from vipreco.store.tokens import Tokens
from vipreco.store.users import Sessions, Users

MAX_MADE = 100_000


class MadeByToken(NamedTuple):
    """Tokens, by id, and accounts, by name, that a program made with a token; the oldest first."""

    tokens: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


class Store:
    """Operational records of a bank: contacts, outcomes, users, tokens, campaigns, audit.

    Attributes:
        books: Customers by relationship manager.
        hand_overs: Customers who were handed over to another manager.
        contacts: Contacts and their outcomes.
        changes: Numbered changes about customers.
        consents: Consents given or withdrawn since the snapshot.
        pending: Changes that the import refused, and that stay in force from the store.
        decisions: Answered decisions.
        directory: Names and phones of customers.
        feedback: Reasons and offers that were marked as not useful.
        idempotency: Answers by idempotency key.
        retention: Removal of old decisions and keys.
        users, sessions, tokens: Accounts and tokens.
        subjects: Export and erasure of one customer.
        switches: Products and models that are switched off.
        campaigns: Campaign runs and their members.
        audit: Append-only audit trail.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books = Books(database)
        self.hand_overs = HandOvers(database)
        self.contacts = Contacts(database)
        self.changes = Changes(database)
        self.consents = Consents(database)
        self.pending = PendingChanges(database)
        self.decisions = DecisionLog(database)
        self.directory = Directory(database)
        self.feedback = FeedbackLog(database)
        self.idempotency = Idempotency(database)
        self.retention = Retention(database)
        self.users = Users(database)
        self.sessions = Sessions(database)
        self.tokens = Tokens(database)
        self.subjects = Subjects(database)
        self.switches = Switches(database)
        self.campaigns = Campaigns(database)
        self.audit = AuditTrail(database)

    @classmethod
    def open(cls, url: str, *, checked: bool = False) -> Self:
        """Open the store; a file that does not exist yet is made.

        Args:
            url: Its address.
            checked: The parent process has just checked the whole file, which takes long for a large one. A
                file that is missing now was moved away: a new one in its place would make SQLite drop the
                last changes of the old one, which are in the `-wal` file beside it.

        Raises:
            UsageError: The address is wrong, or the tables have an older version.
            BusyError: The tables have a newer version, or another process holds the file.
            IntegrityError: The file is damaged.
            DependencyDownError: The database does not answer.
        """
        database = Database(url)
        if database.path is not None and not database.path.exists():
            if checked:
                raise store_gone(database.name)
            create(database.path)
        if not checked:
            check_file(database)
        schema_upgrade.check_version(database)
        return cls(database)

    def prune(self, actor: str, before: RetentionCutoffs) -> PrunedRows:
        """Remove old decisions and keys, after an audit record that says so; no record if nothing is due.

        Raises:
            BusyError: Another process holds the store; the batches before stay removed.
        """
        due = self.retention.due(before)
        if not any(due):
            return due
        until = f"decisions before {before.decisions:%Y-%m-%d}, keys before {before.keys:%Y-%m-%d}"
        self.audit.append([Event(actor, "store.prune", until, purpose="retention")])
        return self.retention.prune(before)

    def undo_token(self, token_id: str, actor: str, at: datetime, purpose: str = "") -> MadeByToken:
        """Revoke the tokens and disable the accounts that a program made with a token, by the audit.

        Args:
            token_id: The token, which was stolen.
            actor: Who does it, as the audit names them.
            at: Moment now, UTC.
            purpose: In the audit.
        """
        with self.database.writing():
            tokens, users = (self._made(token_id, action) for action in ("token.create", "user.create"))
            for one in tokens:
                self.tokens.revoke(one, at)
            for one in users:
                self.users.disable(one)
            done = [("token.revoke", one) for one in tokens] + [("user.disable", one) for one in users]
            self.audit.append([Event(actor, action, one, purpose=purpose) for action, one in done])
        return MadeByToken(tokens, users)

    def _made(self, token_id: str, action: str) -> tuple[str, ...]:
        made = AuditQuery(actor=f"token:{token_id}", action=action, result="ok")
        return tuple(row["object"] for row in reversed(self.audit.find(made, MAX_MADE)))

    def counts(self) -> dict[str, int]:
        """Return the number of rows of each table, by name."""
        with self.database.reading() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar() or 0
                for name, table in sorted(metadata.tables.items())
            }

    def close(self) -> None:
        """Close all connections."""
        self.database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def create(path: Path) -> None:
    """Make an empty store in a file that only its owner can read, as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    fresh.touch(mode=0o600)
    try:
        database = Database(sqlite_url(fresh))
        schema_upgrade.upgrade(database, empty=True)
        database.engine.dispose()
        reach("store-made")
        os.link(fresh, path)
        flush_directory(path.parent)
    except FileExistsError:
        pass  # another process was quicker: its store is used
    finally:
        for ending in ("", "-wal", "-shm"):
            fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
