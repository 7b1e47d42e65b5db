"""What is not kept for ever: old decisions and old keys of requests go, a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from time import sleep
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, and_, delete, exists, func, select

from vipreco.store.changes import LOCK
from vipreco.store.connection import Database, hold_lock
from vipreco.store.schema import contacts, decisions, idempotency

PIECE = 500  # rows that one transaction looks at: nobody waits for longer than it takes
PAUSE_SECONDS = 0.15  # who waits for SQLite looks again within 0.1 s at the latest, and so comes in between
_UNREFERRED = ~exists().where(contacts.c.decision_id == decisions.c.decision_id)


class RetentionCutoffs(NamedTuple):
    """Moments before which rows go: the business's for decisions, UTC for keys."""

    decisions: datetime
    keys: datetime


class PrunedRows(NamedTuple):
    """How many rows go, or went."""

    decisions: int
    keys: int


class Retention:
    """Takes out what nobody asks for any more. The audit stays, whatever its age."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def due(self, before: RetentionCutoffs) -> PrunedRows:
        """Count what would go."""
        old = select(func.count()).select_from(decisions).where(decisions.c.made_at < before.decisions)
        keys = select(func.count()).select_from(idempotency).where(idempotency.c.begun_at < before.keys)
        with self.database.reading() as connection:
            found = [connection.execute(query).scalar() or 0 for query in (old.where(_UNREFERRED), keys)]
        return PrunedRows(*found)

    def prune(self, before: RetentionCutoffs) -> PrunedRows:
        """Take out older keys, and older decisions that no contact refers to; what is gone stays gone.

        Raises:
            BusyError: Another process holds the store; pieces before are gone.
        """
        return PrunedRows(
            self._removed(decisions.c.made_at, before.decisions, _UNREFERRED),
            self._removed(idempotency.c.begun_at, before.keys),
        )

    def _removed(self, moment: Column[datetime], before: datetime, *conditions: ColumnElement[bool]) -> int:
        removed = 0
        for piece in self._pieces(moment, before):
            with self.database.writing() as connection:
                hold_lock(connection, LOCK)  # a contact that is being recorded may refer to one of them
                removed += connection.execute(delete(moment.table).where(piece, *conditions)).rowcount
        return removed

    def _pieces(self, moment: Column[datetime], before: datetime) -> Iterator[ColumnElement[bool]]:
        """Yield conditions on the moment, from the oldest row on; those of one moment stay together."""
        left = moment < before
        while True:
            query = select(moment).where(left).order_by(moment).limit(1)
            with self.database.reading() as connection:
                first = connection.execute(query).scalar()
                last = connection.execute(query.offset(PIECE - 1)).scalar()
            if first is None:
                return
            if last is None:
                yield left
                return
            yield and_(moment >= first, moment <= last)
            left = and_(moment > last, moment < before)
            sleep(PAUSE_SECONDS)
