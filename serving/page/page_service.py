"""What the page asks the engine and the store: a day, a customer, and to record an outcome."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from serving.http.app_state import AppState
from serving.page.cache import alone, days_of, sheets_of, views_of
from serving.page.forms import OutcomeForm
from serving.page.reading import Reader, day_view, matching, sheet_view
from serving.page.views import CallView, DayView, SheetView
from vipreco.errors import BusyError
from vipreco.lists import Day, Wording
from vipreco.store import Contact, Cover, Member, Scope

CHANNEL = "call"
MAX_FOUND = 20


class Answers(Protocol):
    """What the page needs of the answers behind it; `vipreco.online` gives it."""

    @property
    def model_version(self) -> str:
        """Version of the model."""

    @property
    def source(self) -> object:
        """What is answered from; another one's results hold no more."""

    def stamp(self, customer_ids: Iterable[str]) -> Hashable:
        """Return what changes when anything that is known or allowed about these customers does."""

    def day(self, scope: Scope, minutes: int | None = None) -> Day:
        """Return the day of who asks, within some minutes; without any, those of the project."""

    def sheet(self, scope: Scope, customer_id: str) -> Day:
        """Return the day of one customer."""


@dataclass
class PageService:
    """The desk of one reader for the time of one request.

    Args:
        state: What the service stands on.
        answers: What is known and decided now.
        scope: Who reads, and whom they see.
        say: The words.
        stale: Whether the data behind are older than usual.
    """

    state: AppState
    answers: Answers
    scope: Scope
    say: Wording
    stale: bool = False

    @cached_property
    def members(self) -> dict[str, Member]:
        """Everybody whom the reader sees, by id."""
        return {member.customer_id: member for member in self.state.store.books.of(self.scope)}

    @cached_property
    def covers(self) -> tuple[Cover, ...]:
        """Leaves for which the reader stands in."""
        return tuple(self.state.store.books.covered(self.scope))

    @cached_property
    def today(self) -> list[Contact]:
        """Contacts of the day with the reader's customers, the oldest first."""
        found = self.state.store.contacts.of(self.scope, list(self.members))
        day = self.state.today()
        today = [contact for contact in found if contact.contacted_at.date() == day]
        return sorted(today, key=lambda contact: contact.contacted_at)

    @cached_property
    def made(self) -> dict[str, str]:
        """Outcomes of today's calls by customer."""
        return {each.customer_id: each.outcome for each in self.today if each.channel == CHANNEL}

    @cached_property
    def reader(self) -> Reader:
        """The reader, as the views ask for it."""
        return Reader(
            manager_id=self.scope.manager_id or "",
            members=self.members,
            covers=self.covers,
            made=self.made,
            say=self.say,
            model=self.answers.model_version,
            stale=self.stale,
        )

    @cached_property
    def planned(self) -> Hashable:
        """What the plan of the day depends on: something changed about somebody who was not called today."""
        return tuple(self.members), self.answers.stamp(set(self.members) - set(self.made))

    @cached_property
    def plan(self) -> Day:
        """The day as it was planned, until something changes about somebody who was not called today."""
        answers = self.answers
        return days_of(self.state).of(answers.source, self.planned, lambda: answers.day(self.scope))

    def day(self) -> DayView:
        """Return the call list of the reader."""
        return self._shown(reasons=True)

    def calls(self) -> DayView:
        """Return the call list without the reasons of its offers: the way from customer to customer."""
        return self._shown(reasons=False)

    def _shown(self, reasons: bool) -> DayView:
        """Return the call list, made anew when the plan or the reader's own day has changed."""
        made, who = tuple(self.made.items()), (self.scope.manager_id, self.say.language, self.stale)
        key = (self.planned, made, self.covers, who, reasons)
        return views_of(self.state).of(self.answers.source, key, lambda: self._view(reasons))

    def _view(self, reasons: bool) -> DayView:
        plan = self.plan
        with alone(self.state):
            return day_view(plan, self.reader, reasons)

    def search(self, text: str) -> tuple[list[CallView], int]:
        """Return the reader's customers whose id or tier holds a text, and how many there are in all."""
        plan = self.plan
        with alone(self.state):
            return matching(plan, self.reader, text.strip(), MAX_FOUND)

    def member(self, handle: str) -> Member | None:
        """Return the customer behind a handle; None for unknown and foreign ones alike."""
        return self.state.store.books.by_handle(self.scope, handle)

    def customer(self, member: Member) -> Day:
        """Return what is decided about a customer: of who was not called today, by the plan of the day."""
        answers, customer = self.answers, member.customer_id
        kept, plan = sheets_of(self.state), self.plan
        if customer in self.made or customer not in plan.places:
            key: Hashable = (customer, answers.stamp([customer]))
            return kept.of(answers.source, key, lambda: answers.sheet(self.scope, customer))
        return kept.of(answers.source, (customer, self.planned), lambda: plan.of(customer))

    def sheet(self, member: Member) -> SheetView:
        """Return the sheet of a customer."""
        day = self.customer(member)
        with alone(self.state):
            return sheet_view(day, self.reader)

    def record(self, member: Member, form: OutcomeForm) -> None:
        """Record what came of a call; the same form sent twice is recorded once."""
        now = self.state.now()
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
            self.state.store.contacts.record(self.scope, contact, now)
        except BusyError as error:
            if error.code != "other-content":  # the same form, a moment later
                raise
