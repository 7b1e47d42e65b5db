"""Decisions as they were answered, kept for outcomes that refer to them and for later questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from vipreco.store.connection import Database, add_new
from vipreco.store.schema import books, decisions
from vipreco.store.scope import Scope


class Decision(NamedTuple):
    """One answered decision; `record` is its JSON, on one line."""

    decision_id: str
    customer_id: str
    made_at: datetime
    actor: str
    record: str


class DecisionLog:
    """Log of answered decisions."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, made: Sequence[Decision]) -> None:
        """Add decisions; the first one with an id stays."""
        if made:
            with self.database.writing() as connection:
                add_new(connection, decisions, [decision._asdict() for decision in made])

    def read(self, scope: Scope, decision_id: str) -> Decision | None:
        """Return a decision; None if unknown or about a customer of another book."""
        query = (
            select(decisions)
            .join(books, books.c.customer_id == decisions.c.customer_id)
            .where(decisions.c.decision_id == decision_id, scope.sees())
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Decision(**row._mapping)
