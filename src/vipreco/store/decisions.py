"""Decisions as they were answered, and lists as they were shown, for outcomes and for later questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, select, update

from vipreco.store.connection import Database, add_new
from vipreco.store.schema import books, contacts, decisions
from vipreco.store.scope import Role, Scope

OF_A_LIST: Final = ""
"""Customer of the decision of a list, which is about many; its record names them."""


OF_ONE: Final = frozenset({"sheet", "page_sheet"})
"""Kinds of lists that are about one customer."""


class DecisionBrief(NamedTuple):
    """A decision in a list of them.

    Args:
        decision_id: Its id.
        customer_id: The customer whom it is about; empty for a list of many.
        made_at: Moment.
        actor: Who got it.
        kind: Of a list; empty for an answer of the service.
        channel: Of an answer; empty for a list.
        rows: Number of offers, or of rows of a list.
    """

    decision_id: str
    customer_id: str
    made_at: datetime
    actor: str
    kind: str
    channel: str
    rows: int

    def pseudonymous(self, pseudonym_of: Callable[[str], str]) -> DecisionBrief:
        """Return it with the customer, where it is about one, under a pseudonym."""
        customer = self.customer_id and pseudonym_of(self.customer_id)
        return self._replace(customer_id=customer)


class Decision(NamedTuple):
    """One answered decision, or one list; `record` is its JSON, on one line."""

    decision_id: str
    customer_id: str
    made_at: datetime
    actor: str
    record: str

    def brief(self) -> DecisionBrief:
        """Return the decision without its record."""
        record: dict[str, Any] = json.loads(self.record)
        kind, named = record.get("kind", ""), record.get("question", {}).get("customers") or [OF_A_LIST]
        customer = named[0] if kind in OF_ONE else self.customer_id
        rows = record["total"] if kind else len(record.get("offers", ()))
        channel = record.get("channel", "")
        return DecisionBrief(self.decision_id, customer, self.made_at, self.actor, kind, channel, rows)


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
        """Return a decision; None if unknown, about a customer of another book, or of a list of others."""
        query = _seen(scope).where(decisions.c.decision_id == decision_id)
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
        about = [_names(customer_id)] if customer_id else []
        query = _seen(scope).where(*about)
        query = query.order_by(decisions.c.made_at.desc(), decisions.c.decision_id).limit(limit)
        with self.database.reading() as connection:
            return [Decision(**row._mapping) for row in connection.execute(query)]

    def lists_of(self, customer_id: str) -> list[Decision]:
        """Return the lists that name a customer, oldest first."""
        with self.database.reading() as connection:
            return [Decision(**row) for row in _lists_of(connection, customer_id)]


def erase_from_lists(connection: Connection, customer_id: str) -> int:
    """Take a customer out of the records of lists, and return their number."""
    found = _lists_of(connection, customer_id)
    for row in found:
        record = json.loads(row["record"])
        kept = [one for one in record["rows"] if one[0] != customer_id]
        record["erased"] = record.get("erased", 0) + len(record["rows"]) - len(kept)
        named = [one for one in record["question"].get("customers") or () if one != customer_id]
        if "customers" in record["question"]:
            record["question"]["customers"] = named
        if "cover_ends" in record["question"]:
            ends = record["question"]["cover_ends"]
            record["question"]["cover_ends"] = [one for one in ends if one[0] != customer_id]
        text = json.dumps({**record, "rows": kept}, ensure_ascii=False, separators=(",", ":"))
        mine = decisions.c.decision_id == row["decision_id"]
        connection.execute(update(decisions).where(mine).values(record=text))
    return len(found)


def _lists_of(connection: Connection, customer_id: str) -> list[dict[str, Any]]:
    query = select(decisions).where(decisions.c.customer_id == OF_A_LIST, _names(customer_id))
    return [dict(row._mapping) for row in connection.execute(query.order_by(decisions.c.made_at))]


def _names(customer_id: str) -> ColumnElement[bool]:
    """Return the condition on decisions about a customer, and on lists that name them as a JSON text."""
    named = json.dumps(customer_id, ensure_ascii=False)
    in_list = (decisions.c.customer_id == OF_A_LIST) & decisions.c.record.contains(named, autoescape=True)
    return (decisions.c.customer_id == customer_id) | in_list


def _seen(scope: Scope) -> Select[Any]:
    """Return the decisions that somebody sees: an auditor all, everybody else those of their customers."""
    if scope.role is Role.AUDITOR:
        return select(decisions)
    joined = select(decisions).join(books, books.c.customer_id == decisions.c.customer_id)
    return joined.where(scope.audits())
