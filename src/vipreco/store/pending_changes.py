"""Changes that an import of the store's records could not bring into the tables: they stay in force here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, delete, insert, or_, select

from vipreco.store.connection import Database
from vipreco.store.schema import pending_changes


@dataclass(frozen=True)
class PendingChange:
    """A contact or consent that the tables do not hold, by the number of its change."""

    sequence: int
    customer_id: str
    reason: str


class PendingChanges:
    """Changes up to the last export that the tables do not hold."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def all(self) -> list[PendingChange]:
        """Return all pending changes, oldest first."""
        query = select(pending_changes).order_by(pending_changes.c.sequence)
        with self.database.reading() as connection:
            return [PendingChange(**row._mapping) for row in connection.execute(query)]

    def replace(self, changes: Iterable[PendingChange]) -> None:
        """Store the pending changes in place of all former ones."""
        rows = [dict(change.__dict__) for change in changes]
        with self.database.writing() as connection:
            connection.execute(delete(pending_changes))
            if rows:
                connection.execute(insert(pending_changes), rows)


def not_in_tables(sequence: Column[int], after: int, until: int | None = None) -> ColumnElement[bool]:
    """Return the condition on changes that tables with all changes up to `after` do not hold."""
    waits = or_(sequence > after, sequence.in_(select(pending_changes.c.sequence)))
    return waits if until is None else waits & (sequence <= until)
