"""Decisions as they were answered, kept for outcomes that refer to them and for later questions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from vipreco.store.connection import Database, add_new
from vipreco.store.schema import books, contacts, decisions
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
            .where(decisions.c.decision_id == decision_id, scope.audits())
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Decision(**row._mapping)

    def with_outcomes(self) -> list[str]:
        """Return the records of all decisions that a contact refers to, by id; retention keeps these."""
        referred = select(contacts.c.decision_id).where(contacts.c.decision_id.is_not(None))
        query = select(decisions.c.record).where(decisions.c.decision_id.in_(referred))
        with self.database.reading() as connection:
            return [row.record for row in connection.execute(query.order_by(decisions.c.decision_id))]

    def newest(self, scope: Scope, limit: int, customer_id: str = "") -> list[Decision]:
        """Return the newest decisions, newest first; with a customer, those about them."""
        query = (
            select(decisions)
            .join(books, books.c.customer_id == decisions.c.customer_id)
            .where(scope.audits(), *([decisions.c.customer_id == customer_id] if customer_id else []))
            .order_by(decisions.c.made_at.desc(), decisions.c.decision_id)
            .limit(limit)
        )
        with self.database.reading() as connection:
            return [Decision(**row._mapping) for row in connection.execute(query)]
