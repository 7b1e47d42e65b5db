"""A contact as it is recorded, and the checks before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, select

from vipreco.errors import BusyError, InputRejectedError
from vipreco.store.schema import campaign_runs, contacts, decisions
from vipreco.tables import OUTCOMES

CLOCK_TOLERANCE = timedelta(seconds=60)
MAX_AGE, MAX_AHEAD = timedelta(days=3_660), timedelta(days=1_830)  # of a contact, of its follow-up
DO_NOT_CONTACT, COMPLAINT = "do_not_contact", "complaint"
REFUSALS = frozenset({DO_NOT_CONTACT, COMPLAINT})
"""Outcomes that take effect whatever else is wrong with the contact."""
UNKNOWN_CHANNEL = "unknown"
TEXTS = {
    column.name: column.type.length
    for column in contacts.columns
    if isinstance(column.type, String) and column.name not in {"actor", "request_key"}
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
        recorded_date: Set by the store.
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
    recorded_date: date | None = field(default=None, compare=False)


def checked(
    connection: Connection, contact: Contact, actor: str, at: datetime, products: Collection[str] | None
) -> tuple[Contact, tuple[str, ...]]:
    """Return what is recorded of a contact, and the fields of a refusal that are ignored.

    Raises:
        InputRejectedError: A field is wrong, and the contact is no refusal.
        BusyError: The id belongs to another contact, and the contact is no refusal.
    """
    ignored: list[str] = []
    while (error := _fault(connection, contact, actor, at, products)) is not None:
        if contact.outcome not in REFUSALS or error.where in ignored:
            raise error
        ignored.append(error.where)
        contact = replace(contact, **{error.where: _harmless(error.where, at)})
    return contact, tuple(ignored)


def _harmless(field: str, at: datetime) -> Any:
    """Return the value that stands for a wrong field of a refusal."""
    return {"contacted_at": at, "channel": UNKNOWN_CHANNEL, "contact_id": "", "note": ""}.get(field)


def _fault(
    connection: Connection, contact: Contact, actor: str, at: datetime, products: Collection[str] | None
) -> InputRejectedError | BusyError | None:
    """Return the first fault of a contact; its `where` is the field."""
    return (
        _fault_of_texts(contact)
        or _fault_of_dates(contact, at)
        or _fault_of_product(contact, products)
        or _fault_of_campaign(connection, contact)
        or _fault_of_decision(connection, contact)
        or _fault_of_id(connection, contact, actor)
    )


def _fault_of_texts(contact: Contact) -> InputRejectedError | None:
    if contact.outcome not in OUTCOMES:
        return InputRejectedError(
            "the outcome is unknown",
            where="outcome",
            remedy=f"use one of {', '.join(OUTCOMES)}",
            code="unknown-outcome",
        )
    for name, length in TEXTS.items():
        if not is_storable(getattr(contact, name) or "", length):
            return unstorable(name)
    if not contact.channel:
        return InputRejectedError("the channel is missing", where="channel", code="missing")
    return None


def _fault_of_dates(contact: Contact, at: datetime) -> InputRejectedError | None:
    if contact.contacted_at > at + CLOCK_TOLERANCE:
        return InputRejectedError("the contact is in the future", where="contacted_at", code="in-the-future")
    if contact.contacted_at < at - MAX_AGE:
        return InputRejectedError(
            "the contact is more than ten years old", where="contacted_at", code="too-old"
        )
    if contact.next_date is not None and contact.next_date < contact.contacted_at.date():
        return InputRejectedError(
            "the next date is before the contact", where="next_date", code="ends-before-start"
        )
    if contact.next_date is not None and contact.next_date > (at + MAX_AHEAD).date():
        return InputRejectedError(
            "the next date is more than five years ahead", where="next_date", code="too-far-ahead"
        )
    return None


def _fault_of_product(contact: Contact, products: Collection[str] | None) -> InputRejectedError | None:
    if contact.product_id is None or products is None or contact.product_id in products:
        return None
    return InputRejectedError(
        "there is no such product",
        where="product_id",
        remedy="use a product id of the products table",
        code="unknown-product",
    )


def _fault_of_campaign(connection: Connection, contact: Contact) -> InputRejectedError | None:
    if contact.campaign_id is None:
        return None
    query = select(campaign_runs.c.campaign_id).where(campaign_runs.c.campaign_id == contact.campaign_id)
    if connection.execute(query).first() is not None:
        return None
    return InputRejectedError(
        "no campaign with this key was run",
        where="campaign_id",
        remedy="`vipreco campaign list` lists those that were",
        code="unknown-campaign",
    )


def _fault_of_decision(connection: Connection, contact: Contact) -> InputRejectedError | None:
    if contact.decision_id is None:
        return None
    query = select(decisions).where(decisions.c.decision_id == contact.decision_id)
    made = connection.execute(query).first()
    if made is None or made.customer_id != contact.customer_id:
        return InputRejectedError(
            "there is no such decision about this customer", where="decision_id", code="unknown-decision"
        )
    if contact.contacted_at < made.made_at - CLOCK_TOLERANCE:
        return InputRejectedError(
            "the outcome is earlier than its offer", where="contacted_at", code="before-offer"
        )
    return None


def _fault_of_id(connection: Connection, contact: Contact, actor: str) -> BusyError | None:
    """Return an error for an id of another customer, or of somebody else's record."""
    if not contact.contact_id:
        return None
    query = select(contacts).where(contacts.c.contact_id == contact.contact_id).order_by(contacts.c.sequence)
    known = connection.execute(query.limit(1)).first()
    if known is None or (known.customer_id, known.actor) == (contact.customer_id, actor):
        return None
    return BusyError("this id belongs to another contact", where="contact_id", code="other-content")


def unstorable(field: str) -> InputRejectedError:
    """Return the error about a text that a database cannot store."""
    return InputRejectedError(
        "a text is too long, or holds a character that cannot be stored", where=field, code="unstorable"
    )


def is_storable(text: str, length: int | None) -> bool:
    """Return whether both databases store a text unchanged."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text and (length is None or len(text) <= length)
