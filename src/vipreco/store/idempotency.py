"""A request that is sent twice is done once, and answered twice with the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import idempotency

STUCK_AFTER = timedelta(minutes=1)  # who began so long ago has died; the request may be done again


class KeyState(Enum):
    """What to do with a request that carries a key."""

    FRESH = "fresh"
    REPLAY = "replay"
    RUNNING = "running"
    OTHER = "other"


@dataclass(frozen=True)
class KeyLookup:
    """What is known of a key; status and response are there for a replay."""

    state: KeyState
    status: int = 0
    response: bytes = b""


class Idempotency:
    """Keys of requests by actor."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def begin(self, actor: str, key: str, request_hash: str, at: datetime) -> KeyLookup:
        """Begin a request: fresh, a replay of an answered one, one still running, or another under this key.

        Args:
            actor: Whose key it is; two actors may use the same one.
            key: The caller's key.
            request_hash: Of the body.
            at: Moment now, UTC.
        """
        mine = _mine(actor, key)
        with self.database.writing() as connection:
            row = connection.execute(select(idempotency).where(mine)).first()
            if row is not None and row.response is None and row.begun_at < at - STUCK_AFTER:
                connection.execute(delete(idempotency).where(mine))
                row = None
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
        """Keep the answer of a request, for whoever sends it again."""
        with self.database.writing() as connection:
            changed = {"status": status, "response": response}
            connection.execute(update(idempotency).where(_mine(actor, key)).values(changed))

    def forget(self, actor: str, key: str) -> None:
        """Drop a request that failed: it may be sent again."""
        with self.database.writing() as connection:
            connection.execute(delete(idempotency).where(_mine(actor, key)))


def _mine(actor: str, key: str) -> ColumnElement[bool]:
    return and_(idempotency.c.actor == actor, idempotency.c.key == key)
