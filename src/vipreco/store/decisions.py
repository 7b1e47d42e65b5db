"""Offers made: each decision as it was answered, for the outcome that refers to it and for who asks later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from vipreco.store.connection import Database
from vipreco.store.failures import settled
from vipreco.store.schema import books, decisions
from vipreco.store.scope import Scope


@dataclass(frozen=True)
class Decision:
    """One answered decision; `record` is its canonical JSON."""

    decision_id: str
    customer_id: str
    made_at: datetime
    actor: str
    record: str


class DecisionLog:
    """Decisions that were answered."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @settled
    def add(self, made: Sequence[Decision]) -> None:
        """Add decisions; the first of a name stays, whatever comes after it."""
        if not made:
            return
        first = {decision.decision_id: decision for decision in reversed(made)}
        with self.database.writing() as connection:
            query = select(decisions.c.decision_id).where(decisions.c.decision_id.in_(list(first)))
            known = set(connection.execute(query).scalars())
            rows = [decision.__dict__ for name, decision in first.items() if name not in known]
            if rows:
                connection.execute(insert(decisions), rows)

    def read(self, scope: Scope, decision_id: str) -> Decision | None:
        """Return a decision; None for an unknown one, and for one about another book's customer alike."""
        query = (
            select(decisions)
            .join(books, books.c.customer_id == decisions.c.customer_id)
            .where(decisions.c.decision_id == decision_id, scope.sees())
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Decision(**row._mapping)
