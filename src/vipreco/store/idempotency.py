"""Idempotency keys: a repeated request is done once, and answered twice with the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from vipreco.store.connection import Database, try_lock
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import idempotency

STUCK_AFTER = timedelta(minutes=1)  # the process that began it has died; the request may be done again


class KeyState(Enum):
    """State of the request with a key."""

    FRESH = "fresh"
    REPLAY = "replay"
    RUNNING = "running"
    OTHER = "other"


@dataclass(frozen=True)
class KeyLookup:
    """State of a key, with status and response of a request that was answered."""

    state: KeyState
    status: int = 0
    response: bytes = b""


@dataclass(frozen=True)
class KeyedRequest:
    """A request with its idempotency key.

    Args:
        actor: User or token; two actors may use the same key.
        key: The caller's key.
        request_hash: Hash of the body.
    """

    actor: str
    key: str
    request_hash: str


class Idempotency:
    """Idempotency keys by actor."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def run_once(
        self, request: KeyedRequest, at: datetime, work: Callable[[], tuple[int, bytes]]
    ) -> KeyLookup:
        """Do a request and store its answer in one transaction, or return the answer of the first time.

        Whatever `work` writes into the store in this thread is part of the transaction.

        Args:
            request: Actor, key and hash of the body.
            at: Moment now, UTC.
            work: Does the request, and returns status and body of its answer.

        Returns:
            Status and body, with `FRESH` if the request was done now; else the state of the key.
        """
        with self.database.writing():
            found = self.begin(request.actor, request.key, request.request_hash, at)
            if found.state is not KeyState.FRESH:
                return found
            status, response = work()
            self.finish(request.actor, request.key, status, response)
        return KeyLookup(KeyState.FRESH, status, response)

    @retry_if_taken
    def begin(self, actor: str, key: str, request_hash: str, at: datetime) -> KeyLookup:
        """Begin a request: fresh, a replay of an answered one, one still running, or another under this key.

        Args:
            actor: User or token; two actors may use the same key.
            key: The caller's key.
            request_hash: Hash of the body.
            at: Moment now, UTC.
        """
        mine = _mine(actor, key)
        with self.database.writing() as connection:
            row = connection.execute(select(idempotency).where(mine)).first()
            if row is not None and row.response is None and row.begun_at < at - STUCK_AFTER:
                connection.execute(delete(idempotency).where(mine))
                row = None
            if row is None and not try_lock(connection, f"{actor} {key}"):
                return KeyLookup(KeyState.RUNNING)  # another transaction is doing it
            if row is None:
                known = {"actor": actor, "key": key, "request_hash": request_hash, "begun_at": at}
                connection.execute(insert(idempotency), known)
                return KeyLookup(KeyState.FRESH)
        if row.request_hash != request_hash:
            return KeyLookup(KeyState.OTHER)
        if row.response is None:
            return KeyLookup(KeyState.RUNNING)
        return KeyLookup(KeyState.REPLAY, row.status, row.response)

    def finish(self, actor: str, key: str, status: int, response: bytes) -> None:
        """Store the answer of a request, for its repetition."""
        with self.database.writing() as connection:
            changed = {"status": status, "response": response}
            connection.execute(update(idempotency).where(_mine(actor, key)).values(changed))

    def forget(self, actor: str, key: str) -> None:
        """Forget a request that failed, so that it may be sent again."""
        with self.database.writing() as connection:
            connection.execute(delete(idempotency).where(_mine(actor, key)))


def _mine(actor: str, key: str) -> ColumnElement[bool]:
    return and_(idempotency.c.actor == actor, idempotency.c.key == key)
