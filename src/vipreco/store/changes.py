"""Numbered changes about customers: a running service asks which customers changed since a number."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select, update

from vipreco.store.connection import Database, hold_lock
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import changes, exports

LOCK = 7_301_984_111  # a reader that has seen number 7 must have seen number 6


class Changes:
    """Changes about customers, each with a number that grows."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def since(self, sequence: int) -> tuple[int, set[str]]:
        """Return the newest number, and the customers that changed after `sequence`."""
        query = select(changes.c.sequence, changes.c.customer_id).where(changes.c.sequence > sequence)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return max((row.sequence for row in rows), default=sequence), {row.customer_id for row in rows}

    @retry_if_taken
    def exported(self, snapshot_id: str, sequence: int) -> None:
        """Record that the tables of a snapshot hold every change up to `sequence`."""
        mine = exports.c.snapshot_id == snapshot_id
        with self.database.writing() as connection:
            known = connection.execute(select(exports.c.sequence).where(mine)).scalar()
            if known is None:
                connection.execute(insert(exports), {"snapshot_id": snapshot_id, "sequence": sequence})
            elif known < sequence:
                connection.execute(update(exports).where(mine).values(sequence=sequence))

    def newest(self) -> int:
        """Return the newest number."""
        with self.database.reading() as connection:
            return connection.execute(select(func.max(changes.c.sequence))).scalar() or 0

    def in_tables(self, snapshot_ids: list[str]) -> int:
        """Return the number up to which the tables hold all changes, given all their snapshot ids."""
        query = select(func.max(exports.c.sequence)).where(exports.c.snapshot_id.in_(snapshot_ids))
        with self.database.reading() as connection:
            return connection.execute(query).scalar() or 0


def note_change(connection: Connection, customer_id: str) -> int:
    """Record a change about a customer, and return its number."""
    hold_lock(connection, LOCK)
    key = connection.execute(insert(changes), {"customer_id": customer_id}).inserted_primary_key
    return int(key[0]) if key else 0
