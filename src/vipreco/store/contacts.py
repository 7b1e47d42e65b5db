"""Contacts with customers and their outcomes, as people record them until the bank's tables hold them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import Connection, RowMapping, String, insert, select

from vipreco.errors import BusyError, InputRejectedError
from vipreco.store.books import member
from vipreco.store.changes import LOCK, note_change
from vipreco.store.connection import Database, hold_lock
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import books, contacts, decisions
from vipreco.store.scope import Scope
from vipreco.tables import OUTCOMES

CLOCK_TOLERANCE = timedelta(seconds=60)
NOTE_LENGTH = 500
# Eight or more digits, whatever stands between them: a phone number, an identity card, an account.
NUMBERS = re.compile(r"\d(?:[\s\-.()/]*\d){7,}[Xx]?")
MASK = "[number]"
TEXTS = {
    column.name: column.type.length
    for column in contacts.columns
    if isinstance(column.type, String) and column.name != "actor"
}
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
class Contact:
    """One approach to a customer and its outcome.

    Args:
        customer_id: Customer who was approached.
        channel: Channel of the approach.
        contacted_at: Moment, in the business's local time.
        outcome: One of `OUTCOMES`.
        product_id: Product that was offered, if one.
        next_date: Agreed date of the follow-up.
        campaign_id: Campaign that it belongs to.
        decision_id: Decision whose offer was made.
        note: Free text for the file; personal data in it are masked, and it never reaches a model.
        contact_id: Id of the record; made if empty.
    """

    customer_id: str
    channel: str
    contacted_at: datetime
    outcome: str
    product_id: str | None = None
    next_date: date | None = None
    campaign_id: str | None = None
    decision_id: str | None = None
    note: str = ""
    contact_id: str = ""


@dataclass(frozen=True)
class RecordedContact:
    """A contact that is stored.

    Args:
        contact_id: Its id.
        sequence: Number of the change.
        again: The same contact had been stored before.
    """

    contact_id: str
    sequence: int
    again: bool = False


class Contacts:
    """Contacts recorded since the tables were imported, and before."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def record(self, scope: Scope, contact: Contact, at: datetime) -> RecordedContact | None:
        """Record a contact; the same record a second time changes nothing.

        Args:
            scope: User who records it, and whom they may see.
            contact: The contact.
            at: The business's moment now.

        Returns:
            None for a customer who is unknown or in another book.

        Raises:
            InputRejectedError: The outcome is none, the moment is in the future or before its offer, the
                decision is not one about this customer, or a text cannot be stored.
            BusyError: The id stands for another record.
        """
        _check(contact, at)
        with self.database.writing() as connection:
            if member(connection, scope, contact.customer_id) is None:
                return None
            _check_decision(connection, contact)
            row = _row(contact, scope.actor, at)
            found = _recorded(connection, row)
            return found or _insert(connection, row)

    def of(self, scope: Scope, customer_ids: list[str], after: int = 0) -> list[Contact]:
        """Return the contacts of some customers with a number above `after`, by customer and moment."""
        query = (
            select(contacts)
            .join(books, books.c.customer_id == contacts.c.customer_id)
            .where(contacts.c.customer_id.in_(customer_ids), contacts.c.sequence > after, scope.sees())
            .order_by(contacts.c.customer_id, contacts.c.contacted_at, contacts.c.sequence)
        )
        with self.database.reading() as connection:
            return [_contact(row._mapping) for row in connection.execute(query)]

    def between(self, after: int, until: int) -> pl.DataFrame:
        """Return the contacts numbered above `after`, up to `until`, with the columns of the contacts table.

        Notes are left out: free text must not reach a feature.
        """
        columns = [contacts.c[name] for name in ROWS]
        numbers = contacts.c.sequence
        query = select(*columns).where(numbers > after, numbers <= until).order_by(numbers)
        with self.database.reading() as connection:
            return pl.DataFrame([tuple(row) for row in connection.execute(query)], ROWS, orient="row")


def masked(note: str) -> str:
    """Return a note without numbers that could identify a person."""
    return NUMBERS.sub(MASK, note)[:NOTE_LENGTH]


def _check(contact: Contact, at: datetime) -> None:
    if contact.outcome not in OUTCOMES:
        raise InputRejectedError(
            "the outcome is unknown",
            where="outcome",
            remedy=f"use one of {', '.join(OUTCOMES)}",
            code="unknown-outcome",
        )
    if contact.contacted_at > at + CLOCK_TOLERANCE:
        raise InputRejectedError("the contact is in the future", where="contacted_at", code="in-the-future")
    if contact.next_date is not None and contact.next_date < contact.contacted_at.date():
        raise InputRejectedError(
            "the next date is before the contact", where="next_date", code="ends-before-start"
        )
    if not contact.channel:
        raise InputRejectedError("the channel is missing", where="channel", code="missing")
    for name, length in TEXTS.items():
        if not _is_storable(getattr(contact, name) or "", length):
            raise InputRejectedError(
                "a text is too long, or holds a character that cannot be stored",
                where=name,
                code="unstorable",
            )


def _is_storable(text: str, length: int | None) -> bool:
    """Return whether both databases store a text unchanged."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text and (length is None or len(text) <= length)


def _check_decision(connection: Connection, contact: Contact) -> None:
    if contact.decision_id is None:
        return
    hold_lock(connection, LOCK)  # the decision must not be pruned meanwhile
    query = select(decisions).where(decisions.c.decision_id == contact.decision_id)
    made = connection.execute(query).first()
    if made is None or made.customer_id != contact.customer_id:
        raise InputRejectedError(
            "there is no such decision about this customer", where="decision_id", code="unknown-decision"
        )
    if contact.contacted_at < made.made_at - CLOCK_TOLERANCE:
        raise InputRejectedError(
            "the outcome is earlier than its offer", where="contacted_at", code="before-offer"
        )


def _row(contact: Contact, actor: str, at: datetime) -> dict[str, object]:
    given = {**asdict(contact), "note": masked(contact.note)}
    given["contact_id"] = contact.contact_id or uuid.uuid4().hex
    return {**given, "recorded_date": max(at, contact.contacted_at).date(), "actor": actor}


def _recorded(connection: Connection, row: dict[str, object]) -> RecordedContact | None:
    query = select(contacts).where(contacts.c.contact_id == row["contact_id"])
    known = connection.execute(query).first()
    if known is None:
        return None
    same = all(known._mapping[name] == row[name] for name in row if name not in {"recorded_date", "actor"})
    if not same:
        raise BusyError("this id belongs to another contact", where="contact_id", code="other-content")
    return RecordedContact(known.contact_id, known.sequence, again=True)


def _insert(connection: Connection, row: dict[str, object]) -> RecordedContact:
    sequence = note_change(connection, str(row["customer_id"]))
    connection.execute(insert(contacts), {**row, "sequence": sequence})
    return RecordedContact(str(row["contact_id"]), sequence)


def _contact(row: Mapping[str, Any] | RowMapping) -> Contact:
    return Contact(**{name: row[name] for name in Contact.__dataclass_fields__})
