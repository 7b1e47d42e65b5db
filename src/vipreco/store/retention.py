"""Removal of old decisions and idempotency keys, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from time import sleep
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, and_, delete, exists, func, select

from vipreco.store.changes import LOCK
from vipreco.store.connection import Database, hold_lock
from vipreco.store.schema import contacts, decisions, idempotency

BATCH = 500  # rows of one transaction: another writer waits no longer than one batch takes
PAUSE_SECONDS = 0.15  # a waiting SQLite writer retries every 0.1 s at the latest, and so gets its turn
_UNREFERRED = ~exists().where(contacts.c.decision_id == decisions.c.decision_id)


class RetentionCutoffs(NamedTuple):
    """Moments before which rows are removed: business time for decisions, UTC for keys."""

    decisions: datetime
    keys: datetime


class PrunedRows(NamedTuple):
    """Numbers of rows that are due or were removed."""

    decisions: int
    keys: int


class Retention:
    """Removes old decisions and keys. The audit is never pruned."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def due(self, before: RetentionCutoffs) -> PrunedRows:
        """Count the rows that `prune` would remove."""
        old = select(func.count()).select_from(decisions).where(decisions.c.made_at < before.decisions)
        keys = select(func.count()).select_from(idempotency).where(idempotency.c.begun_at < before.keys)
        with self.database.reading() as connection:
            found = [connection.execute(query).scalar() or 0 for query in (old.where(_UNREFERRED), keys)]
        return PrunedRows(*found)

    def prune(self, before: RetentionCutoffs) -> PrunedRows:
        """Remove older keys, and older decisions that no contact refers to.

        Raises:
            BusyError: Another process holds the store; the batches before stay removed.
        """
        return PrunedRows(
            self._removed(decisions.c.made_at, before.decisions, _UNREFERRED),
            self._removed(idempotency.c.begun_at, before.keys),
        )

    def _removed(self, moment: Column[datetime], before: datetime, *conditions: ColumnElement[bool]) -> int:
        removed = 0
        for batch in self._batches(moment, before):
            with self.database.writing() as connection:
                hold_lock(connection, LOCK)  # a contact that is being recorded may refer to one of them
                removed += connection.execute(delete(moment.table).where(batch, *conditions)).rowcount
        return removed

    def _batches(self, moment: Column[datetime], before: datetime) -> Iterator[ColumnElement[bool]]:
        """Yield conditions on the moment, oldest rows first; rows of one moment stay together."""
        left = moment < before
        while True:
            query = select(moment).where(left).order_by(moment).limit(1)
            with self.database.reading() as connection:
                first = connection.execute(query).scalar()
                last = connection.execute(query.offset(BATCH - 1)).scalar()
            if first is None:
                return
            if last is None:
                yield left
                return
            yield and_(moment >= first, moment <= last)
            left = and_(moment > last, moment < before)
            sleep(PAUSE_SECONDS)
