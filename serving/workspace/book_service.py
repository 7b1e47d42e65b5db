"""Day, lists and sheets of one reader, for pages and programs alike, and the outcomes of their calls."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Protocol

from serving.http.app_state import AppState
from serving.http.problems import Problem, not_found
from serving.workspace.list_keeper import DecidedBy, ListKeeper
from serving.workspace.marks import record_mark
from serving.workspace.result_cache import alone, days_of, lists_of, sheets_of
from vipreco.kpi import customer_flows
from vipreco.lists import (
    CHANNEL,
    BookLine,
    CallLine,
    CallList,
    CustomerSheet,
    Day,
    Wording,
    book_overview,
    call_list,
    customer_sheet,
    matching_calls,
)
from vipreco.store import (
    CAUSES,
    Contact,
    Cover,
    DirectoryEntry,
    Feedback,
    Member,
    Scope,
)

MAX_FOUND = 20
WEEK = 5  # working days that the list shows


class Answers(DecidedBy, Protocol):
    """Answers that are needed; `vipreco.online` gives them."""

    @property
    def model_version(self) -> str:
        """Version of the model."""

    @property
    def vip(self) -> tuple[str, ...]:
        """VIP tiers."""

    @property
    def product_names(self) -> Mapping[str, str]:
        """Name of each product by id."""

    @property
    def currency(self) -> str:
        """Code of the bank's currency; empty where none is set."""

    def day(self, scope: Scope, minutes: int | None = None) -> Day:
        """Return the day of a reader, within some minutes; without any, those of the project."""

    def sheet(self, scope: Scope, customer_id: str) -> Day:
        """Return the day of one customer."""


FindAnswers = Callable[[AppState], Answers]


@dataclass(frozen=True)
class BookEntry:
    """Handle of a customer in addresses, and the manager where it is not the reader's own customer."""

    handle: str
    manager_id: str = ""


@dataclass
class BookService:
    """Everything about the books of one reader, for the time of one request.

    Args:
        state: State of the service.
        answers: Answers that are in force.
        scope: The reader, and the customers whom they see.
        say: The words.
        stale: The data behind are older than usual.
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
    def book(self) -> dict[str, BookEntry]:
        """Handle of each customer whom the reader sees, and the manager of those of other books."""
        return {
            customer: BookEntry(member.handle, self._other(member))
            for customer, member in self.members.items()
        }

    @cached_property
    def people(self) -> dict[str, DirectoryEntry]:
        """Names and phones of the customers whom the reader sees, by id."""
        return self.state.store.directory.of(self.scope)

    def _other(self, member: Member) -> str:
        owner = member.manager_id or ""
        return "" if owner == self.scope.manager_id else owner

    @cached_property
    def planned(self) -> Hashable:
        """Key of the plan of the day: it changes with anything about customers who were not called today."""
        leaves = self.state.store.books.leaves(self.scope.manager_id or "")
        stamp = self.answers.stamp(set(self.members) - set(self.made))
        return tuple(self.members), self.covers, leaves, stamp

    @cached_property
    def plan(self) -> Day:
        """The day as it was planned, until something changes about somebody who was not called today."""
        answers = self.answers
        return days_of(self.state).of(answers.source, self.planned, lambda: answers.day(self.scope))

    def call_list(self, *, with_reasons: bool = True) -> CallList:
        """Return the call list of the reader; a way from customer to customer needs no reasons.

        It is made again when the plan or the outcomes of the day have changed.
        """
        made = tuple(self.made.items())
        key = (self.planned, made, self.scope.manager_id, self.say.language, with_reasons)
        lists = lists_of(self.state)
        return lists.of(
            self.answers.source, key, lambda: self._call_list(self.made, with_reasons=with_reasons)
        )

    def _call_list(self, outcomes: Mapping[str, str], *, with_reasons: bool) -> CallList:
        plan = self.plan
        with alone(self.state):
            return call_list(
                plan,
                self.scope.manager_id or "",
                self.answers.model_version,
                self.say,
                outcomes=outcomes,
                with_reasons=with_reasons,
                days=WEEK if with_reasons else 1,
            )

    @cached_property
    def keeper(self) -> ListKeeper:
        """The decision log for the reader."""
        return ListKeeper(self.state, self.answers, self.scope)

    def keep_list(self) -> str:
        """Keep the plan of the day in the decision log, once a plan, and return its decision id."""
        return self.keeper.call_list(self.plan, tuple(self.members), self.planned, self._planned_list)

    def _planned_list(self) -> CallList:
        """Return the calls of the plan; those that were made today are not on the list that is shown."""
        return self._call_list({}, with_reasons=False) if self.made else self.call_list()

    def keep_sheet(self, member: Member, sheet: CustomerSheet) -> str:
        """Keep a sheet in the decision log, once until something changes, and return its decision id."""
        return self.keeper.sheet(self.customer(member), member.customer_id, sheet)

    @property
    def page_values(self) -> dict[str, Any]:
        """Values that every page about customers shows."""
        return {
            "say": self.say,
            "book": self.book,
            "people": self.people,
            "manager_id": self.scope.manager_id or "",
            "stale": self.stale,
        }

    def book_lines(self) -> tuple[BookLine, ...]:
        """Return all customers of the reader, the largest assets first."""
        return book_overview(self.plan, self.say)

    def search(self, text: str) -> tuple[tuple[CallLine, ...], int]:
        """Return the reader's customers whose id, name or tier holds a text, and their number in all."""
        plan, wanted = self.plan, text.strip()
        named = [one for one, person in self.people.items() if wanted.casefold() in person.name.casefold()]
        with alone(self.state):
            return matching_calls(plan, wanted, MAX_FOUND, self.say, named)

    def member(self, handle: str) -> Member | None:
        """Return the customer behind a handle; None for unknown and foreign ones alike."""
        return self.state.store.books.by_handle(self.scope, handle)

    def customer(self, member: Member) -> Day:
        """Return the day of a customer: from the plan, unless the customer was called today."""
        answers, customer = self.answers, member.customer_id
        kept, plan = sheets_of(self.state), self.plan
        if customer in self.made or customer not in plan.rows:
            key: Hashable = (customer, answers.stamp([customer]))
            return kept.of(answers.source, key, lambda: answers.sheet(self.scope, customer))
        return kept.of(answers.source, (customer, self.planned), lambda: plan.of(customer))

    def sheet_alone(self, member: Member) -> CustomerSheet:
        """Return the sheet of a customer for a reader whose own day is not planned, and keep it."""
        answers, customer = self.answers, member.customer_id
        key: Hashable = (customer, answers.stamp([customer]))
        day = sheets_of(self.state).of(answers.source, key, lambda: answers.sheet(self.scope, customer))
        with alone(self.state):
            sheet = customer_sheet(day, answers.model_version, self.say)
        self.keeper.sheet(day, customer, sheet)
        return sheet.held_by(member.manager_id or "")

    def sheet(self, member: Member) -> CustomerSheet:
        """Return the sheet of a customer."""
        day = self.customer(member)
        with alone(self.state):
            sheet = customer_sheet(day, self.answers.model_version, self.say)
        return sheet.held_by(member.manager_id or "")

    def flows(self, member: Member) -> dict[date, dict[str, float]]:
        """Return the asset flow of a customer by window; nothing where the nightly build made no figures."""
        rows = self.state.figures(None, member.manager_id)
        return {} if rows is None else customer_flows(rows, member.customer_id)

    def record(self, contact: Contact) -> str:
        """Record the outcome of a call with its audit record, and return the outcome that is valid now.

        The same form sent twice is recorded once; with another outcome it is a correction.

        Raises:
            BusyError: The form is of another contact, or was sent by somebody else; nothing is recorded.
        """
        store, now = self.state.store, self.state.now()
        with store.database.writing():
            sent = self._as_sent(contact)
            found = store.contacts.record(self.scope, sent, now, products=self.state.product_ids)
            if found is None:
                raise not_found()
            self.state.note_at_once(self.state.read_of(self.scope, "outcome.record", contact.customer_id))
            (valid,) = store.contacts.numbered([found.contact_id])
        return valid.outcome

    def marks(self, member: Member) -> dict[tuple[str, str], str]:
        """Return what the reader marked as not useful for a customer: the cause by product and reason."""
        return self.state.store.feedback.of(self.scope, member.customer_id)

    def mark(self, member: Member, product_id: str, reason_id: str, cause: str) -> None:
        """Mark an offer, or one of its reasons, as not useful.

        Raises:
            Problem: Product, reason or cause do not exist, or the customer is no longer in the book.
        """
        if cause not in CAUSES:
            raise Problem(422, "unknown-cause", [("cause", "unknown-cause")])
        mark = Feedback(member.customer_id, product_id, reason_id, cause)
        if not record_mark(self.state, self.scope, mark):
            raise not_found()

    def _as_sent(self, contact: Contact) -> Contact:
        """Return a contact; one that was just sent keeps its moment, so that it is the same."""
        sent = self.state.store.contacts.versions(self.scope, contact.contact_id)[-1:]
        same = [one for one in sent if replace(contact, contacted_at=one.contacted_at) == one]
        return same[0] if same else contact
