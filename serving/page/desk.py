"""What the page asks the engine and the store: a day, a customer, and to record an outcome."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from serving.core import Core
from serving.page.forms import OutcomeForm
from serving.page.reading import Reader, day_view, matching, sheet_view
from serving.page.views import CallView, DayView, SheetView
from vipreco.call_list import Day, Wording
from vipreco.errors import BusyError
from vipreco.store import Contact, Cover, Member, Scope

CHANNEL = "call"
MOST_FOUND = 20


class Answers(Protocol):
    """What the page needs of the answers behind it; `vipreco.answering` gives it."""

    @property
    def model_version(self) -> str:
        """Version of the model."""

    def day(self, scope: Scope, minutes: int | None = None) -> Day:
        """Return the day of who asks, within some minutes; without any, those of the project."""

    def sheet(self, scope: Scope, customer_id: str) -> Day:
        """Return the day of one customer."""

    def assets(self, customer_id: str) -> Iterable[tuple[datetime.date, float | None]]:
        """Return the assets of a customer by snapshot date."""


@dataclass
class Desk:
    """The desk of one reader for the time of one request.

    Args:
        core: What the service stands on.
        answers: What is known and decided now.
        scope: Who reads, and whom they see.
        say: The words.
        stale: Whether the data behind are older than usual.
    """

    core: Core
    answers: Answers
    scope: Scope
    say: Wording
    stale: bool = False

    @cached_property
    def members(self) -> dict[str, Member]:
        """Everybody whom the reader sees, by id."""
        return {member.customer_id: member for member in self.core.store.books.of(self.scope)}

    @cached_property
    def covers(self) -> tuple[Cover, ...]:
        """Leaves for which the reader stands in."""
        return tuple(self.core.store.books.covered(self.scope))

    @cached_property
    def today(self) -> list[Contact]:
        """Contacts of the day with the reader's customers, the oldest first."""
        found = self.core.store.contacts.of(self.scope, list(self.members))
        day = self.core.today()
        today = [contact for contact in found if contact.contacted_at.date() == day]
        return sorted(today, key=lambda contact: contact.contacted_at)

    @cached_property
    def reader(self) -> Reader:
        """The reader, as the views ask for it."""
        calls = [contact for contact in self.today if contact.channel == CHANNEL]
        return Reader(
            manager_id=self.scope.manager_id or "",
            members=self.members,
            covers=self.covers,
            made={contact.customer_id: contact.outcome for contact in calls},
            say=self.say,
            model=self.answers.model_version,
            stale=self.stale,
        )

    @cached_property
    def plan(self) -> Day:
        """The day as it is planned now."""
        return self.answers.day(self.scope)

    def day(self) -> DayView:
        """Return the call list of the reader."""
        return day_view(self.plan, self.reader)

    def calls(self) -> DayView:
        """Return the call list without the reasons of its offers: the way from customer to customer."""
        return day_view(self.plan, self.reader, reasons=False)

    def search(self, text: str) -> tuple[list[CallView], int]:
        """Return the reader's customers whose id or tier holds a text, and how many there are in all."""
        return matching(self.plan, self.reader, text.strip(), MOST_FOUND)

    def member(self, handle: str) -> Member | None:
        """Return the customer behind a handle; None for unknown and foreign ones alike."""
        return self.core.store.books.by_handle(self.scope, handle)

    def customer(self, member: Member) -> Day:
        """Return what is decided about a customer."""
        return self.answers.sheet(self.scope, member.customer_id)

    def sheet(self, member: Member) -> SheetView:
        """Return the sheet of a customer."""
        return sheet_view(self.customer(member), self.answers.assets(member.customer_id), self.reader)

    def record(self, member: Member, form: OutcomeForm) -> None:
        """Record what came of a call; the same form sent twice is recorded once."""
        now = self.core.now()
        contact = Contact(
            customer_id=member.customer_id,
            channel=CHANNEL,
            contacted_at=now,
            outcome=form.outcome,
            product_id=form.product_id,
            next_date=form.next_date,
            note=form.note,
            contact_id=form.contact_id,
        )
        try:
            self.core.store.contacts.record(self.scope, contact, now)
        except BusyError as error:
            if error.code != "other-content":  # the same form, a moment later
                raise
