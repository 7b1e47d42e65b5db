"""Contacts with customers and their outcomes, as people record them until the bank's tables hold them.

A correction is a further version of a contact: all versions are kept, the one with the latest event time is
valid, and a refusal is valid whatever was recorded before or after it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import Connection, RowMapping, insert, select

from vipreco.store.books import member
from vipreco.store.changes import LOCK, note_change
from vipreco.store.connection import Database, hold_lock
from vipreco.store.contact import DO_NOT_CONTACT, REFUSALS, TEXTS, Contact, checked, is_storable, unstorable
from vipreco.store.failures import retry_if_taken
from vipreco.store.masks import masked
from vipreco.store.pending_changes import not_in_tables
from vipreco.store.schema import books, contacts
from vipreco.store.scope import Scope

MAX_LISTED = 500  # ids in one query
ROWS = {
    "contact_id": pl.String(),
    "customer_id": pl.String(),
    "product_id": pl.String(),
    "channel": pl.String(),
    "contacted_at": pl.Datetime("us"),
    "outcome": pl.String(),
    "next_date": pl.Date(),
    "campaign_id": pl.String(),
    "recorded_date": pl.Date(),
}


@dataclass(frozen=True)
class RecordedContact:
    """A contact that is stored.

    Args:
        contact_id: Its id.
        sequence: Number of the change.
        again: The same contact had been stored before.
        ignored: Fields of a refusal that were wrong and are not stored.
    """

    contact_id: str
    sequence: int
    again: bool = False
    ignored: tuple[str, ...] = ()


Row = dict[str, Any]


class StoredOutcome(NamedTuple):
    """Valid outcome of a stored contact."""

    customer_id: str
    product_id: str | None
    outcome: str


class NumberedContact(NamedTuple):
    """Valid version of a contact with the number of its change."""

    sequence: int
    contact_id: str
    customer_id: str
    outcome: str


class Contacts:
    """Contacts recorded since the tables were imported, and before."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def record(
        self,
        scope: Scope,
        contact: Contact,
        at: datetime,
        *,
        products: Collection[str] | None = None,
        request_key: str | None = None,
    ) -> RecordedContact | None:
        """Record a contact, or a correction of one; the same record a second time changes nothing.

        A refusal is recorded even if other fields are wrong: they are left out and named in the result.

        Args:
            scope: User who records it, and whom they may see.
            contact: The contact.
            at: The business's moment now.
            products: Ids of all products; None: not checked.
            request_key: Idempotency key of the request; an actor's key stands for one contact.

        Returns:
            None for a customer who is unknown or in another book.

        Raises:
            InputRejectedError: The outcome, product, campaign or decision is unknown, a date is impossible,
                or a text cannot be stored.
            BusyError: The id belongs to a contact of another customer, or was recorded by somebody else.
        """
        with self.database.writing() as connection:
            if not is_storable(contact.customer_id, TEXTS["customer_id"]):
                raise unstorable("customer_id")
            if member(connection, scope, contact.customer_id) is None:
                return None
            hold_lock(connection, LOCK)  # two requests must not record the same contact at once
            known = _of_request(connection, scope.actor, request_key)
            if known is not None:
                return known
            contact, ignored = checked(connection, contact, scope.actor, at, products)
            row = {**_row(contact, scope.actor, at), "request_key": request_key}
            found = _recorded(connection, row) or _insert(connection, row)
        return replace(found, ignored=ignored)

    def of(self, scope: Scope, customer_ids: list[str], after: int = 0) -> list[Contact]:
        """Return the valid contacts of some customers that tables up to change `after` do not hold.

        Returns:
            By customer and moment.
        """
        chosen = select(contacts.c.contact_id).where(
            contacts.c.customer_id.in_(customer_ids), not_in_tables(contacts.c.sequence, after)
        )
        query = (
            select(contacts)
            .join(books, books.c.customer_id == contacts.c.customer_id)
            .where(contacts.c.customer_id.in_(customer_ids), contacts.c.contact_id.in_(chosen), scope.sees())
        )
        with self.database.reading() as connection:
            valid = _valid(row._mapping for row in connection.execute(query))
        return [_contact(row) for row in sorted(valid, key=_order)]

    def versions(self, scope: Scope, contact_id: str) -> list[Contact]:
        """Return all versions of a contact, in the order in which they were recorded."""
        query = (
            select(contacts)
            .join(books, books.c.customer_id == contacts.c.customer_id)
            .where(contacts.c.contact_id == contact_id, scope.sees())
            .order_by(contacts.c.sequence)
        )
        with self.database.reading() as connection:
            return [_contact(row._mapping) for row in connection.execute(query)]

    def between(self, after: int, until: int, *, with_pending: bool = True) -> pl.DataFrame:
        """Return valid contacts that tables up to `after` lack, up to `until`, with the columns of the table.

        Notes are left out: free text must not reach a feature. `with_pending` adds contacts that the import
        refused before.
        """
        rows = _valid(self._changed(after, until, with_pending=with_pending))
        values = [tuple(row[name] for name in ROWS) for row in sorted(rows, key=lambda row: row["sequence"])]
        return pl.DataFrame(values, ROWS, orient="row")

    def outcomes(self, after: int, until: int | None = None) -> list[StoredOutcome]:
        """Return valid outcomes with a change after `after`, up to `until`, in order."""
        rows = sorted(_valid(self._changed(after, until)), key=lambda row: row["sequence"])
        return [StoredOutcome(row["customer_id"], row["product_id"], row["outcome"]) for row in rows]

    def in_window(self, first: datetime, last: datetime) -> pl.DataFrame:
        """Return the valid contacts of a period, by id, with the columns of the table."""
        chosen = select(contacts.c.contact_id).where(contacts.c.contacted_at.between(first, last))
        query = select(contacts).where(contacts.c.contact_id.in_(chosen))
        with self.database.reading() as connection:
            valid = _valid(row._mapping for row in connection.execute(query))
        inside = [row for row in valid if first <= row["contacted_at"] <= last]
        inside.sort(key=lambda row: str(row["contact_id"]))
        return pl.DataFrame([tuple(row[name] for name in ROWS) for row in inside], ROWS, orient="row")

    def referring(self) -> pl.DataFrame:
        """Return the valid contacts that name a campaign or a decision, by id, with that reference."""
        chosen = select(contacts.c.contact_id).where(
            contacts.c.campaign_id.is_not(None) | contacts.c.decision_id.is_not(None)
        )
        query = select(contacts).where(contacts.c.contact_id.in_(chosen))
        with self.database.reading() as connection:
            valid = _valid(row._mapping for row in connection.execute(query))
        valid.sort(key=lambda row: str(row["contact_id"]))
        schema = {**ROWS, "decision_id": pl.String()}
        return pl.DataFrame([tuple(row[name] for name in schema) for row in valid], schema, orient="row")

    def numbered(self, contact_ids: list[str]) -> list[NumberedContact]:
        """Return the valid versions of some contacts, with the numbers of their changes."""
        found: list[NumberedContact] = []
        for start in range(0, len(contact_ids), MAX_LISTED):
            query = select(contacts).where(contacts.c.contact_id.in_(contact_ids[start : start + MAX_LISTED]))
            with self.database.reading() as connection:
                rows = _valid(row._mapping for row in connection.execute(query))
            found += [NumberedContact(*(row[name] for name in NumberedContact._fields)) for row in rows]
        return found

    def customers_with(self, outcome: str, since: datetime, until: int) -> list[str]:
        """Return customers with a contact of this outcome since a moment, among changes up to `until`."""
        query = select(contacts.c.customer_id).where(
            contacts.c.outcome == outcome, contacts.c.sequence <= until, contacts.c.contacted_at >= since
        )
        with self.database.reading() as connection:
            return sorted({row.customer_id for row in connection.execute(query)})

    def _changed(self, after: int, until: int | None, *, with_pending: bool = True) -> list[RowMapping]:
        """Return all versions of contacts with a change that the tables do not hold."""
        changed = not_in_tables(contacts.c.sequence, after, until)
        if not with_pending:
            changed = changed & (contacts.c.sequence > after)
        chosen = select(contacts.c.contact_id).where(changed)
        query = select(contacts).where(contacts.c.contact_id.in_(chosen))
        query = query if until is None else query.where(contacts.c.sequence <= until)
        with self.database.reading() as connection:
            return [row._mapping for row in connection.execute(query)]


def _valid(rows: Iterable[RowMapping]) -> list[Row]:
    """Return the valid version of each contact, with the recorded date of the newest one."""
    versions: dict[str, list[RowMapping]] = {}
    for row in rows:
        versions.setdefault(row["contact_id"], []).append(row)
    return [
        {**sorted(known, key=_rank)[-1], "recorded_date": max(row["recorded_date"] for row in known)}
        for known in versions.values()
    ]


def _rank(row: RowMapping) -> tuple[bool, bool, datetime, int]:
    """Return the order of versions: a refusal is valid, else a complaint, else the latest by event time."""
    refused, outcome = row["outcome"] == DO_NOT_CONTACT, row["outcome"]
    return refused, outcome in REFUSALS, row["contacted_at"], row["sequence"]


def _order(row: Row) -> tuple[str, datetime, int]:
    return row["customer_id"], row["contacted_at"], row["sequence"]


def _row(contact: Contact, actor: str, at: datetime) -> dict[str, object]:
    given = {**asdict(contact), "note": masked(contact.note)}
    given["contact_id"] = contact.contact_id or uuid.uuid4().hex
    return {**given, "recorded_date": max(at, contact.contacted_at).date(), "actor": actor}


def _of_request(connection: Connection, actor: str, request_key: str | None) -> RecordedContact | None:
    """Return the contact that a request recorded before."""
    if request_key is None:
        return None
    query = select(contacts).where(contacts.c.actor == actor, contacts.c.request_key == request_key)
    known = connection.execute(query).first()
    return None if known is None else RecordedContact(known.contact_id, known.sequence, again=True)


def _recorded(connection: Connection, row: dict[str, object]) -> RecordedContact | None:
    """Return the newest version of a contact if it has the same content."""
    query = select(contacts).where(contacts.c.contact_id == row["contact_id"])
    known = connection.execute(query.order_by(contacts.c.sequence.desc()).limit(1)).first()
    content = row.keys() - {"recorded_date", "actor", "request_key"}
    if known is None or any(known._mapping[name] != row[name] for name in content):
        return None
    return RecordedContact(known.contact_id, known.sequence, again=True)


def _insert(connection: Connection, row: dict[str, object]) -> RecordedContact:
    sequence = note_change(connection, str(row["customer_id"]))
    connection.execute(insert(contacts), {**row, "sequence": sequence})
    return RecordedContact(str(row["contact_id"]), sequence)


def _contact(row: Row | RowMapping) -> Contact:
    return Contact(**{name: row[name] for name in Contact.__dataclass_fields__})
