"""Answers of the page: those of the release in force, for the books of the store."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serving.http.app_state import AppState
from serving.http.problems import unavailable
from vipreco.lists import Availability, Day, ManagerBook
from vipreco.online import OnlineService
from vipreco.policy import Policy
from vipreco.store import Member, Scope


@dataclass(frozen=True)
class BookAnswers:
    """Call lists and sheets by the functions behind `vipreco calllist` and `vipreco sheet`.

    Args:
        state: The store with the books, and the moment.
        service: Release in force, for one whole request.
    """

    state: AppState
    service: OnlineService

    @property
    def model_version(self) -> str:
        """Version of the model."""
        return self.service.model_version

    @property
    def model_hash(self) -> str:
        """Hash of the artifact of the model."""
        return self.service.model_hash

    @property
    def snapshot_id(self) -> str:
        """Fingerprint of the tables."""
        return self.service.snapshot_id

    def decided_on(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        """Return the basis and the state of the store that decisions about some customers rest on."""
        return self.service.decided_on(customer_ids)

    def absences(self, scope: Scope) -> dict[str, Any]:
        """Return the reader's absences, and the ends of leave covers by customer, as JSON values."""
        return self._availability(scope, self.state.store.books.of(scope)).record()

    @property
    def currency(self) -> str:
        """Code of the bank's currency; empty where none is set."""
        return self.service.day_settings.currency

    @property
    def vip(self) -> tuple[str, ...]:
        """VIP tiers."""
        return self.service.day_settings.vip

    @property
    def product_names(self) -> Mapping[str, str]:
        """Name of each product by id."""
        return self.service.product_names

    @property
    def policy(self) -> Policy:
        """Rules in force."""
        return self.service.recommender.policy

    @property
    def source(self) -> object:
        """Release in force; results of another one hold no more."""
        return self.service

    def stamp(self, customer_ids: Iterable[str]) -> Hashable:
        """Return a value that changes when anything known or allowed about these customers does."""
        self.service.refresh()
        return self.service.stamp(customer_ids, self.state.now())

    def day(self, scope: Scope, minutes: int | None = None) -> Day:
        """Return the day of a reader, within some minutes; without any, those of the project."""
        self.service.refresh()
        members = self.state.store.books.of(scope)
        ids = [member.customer_id for member in members]
        return self.service.book(ids, minutes, self.state.now(), self._availability(scope, members))

    def _availability(self, scope: Scope, members: Sequence[Member]) -> Availability:
        """Return the reader's own leaves, and the last days of the leaves for which they stand in."""
        manager, books = scope.manager_id or "", self.state.store.books
        settings = self.service.day_settings.settings.working_days
        absences = (*Availability.of(manager, settings.absences).absences, *books.leaves(manager))
        ends = {cover.manager_id: cover.until_date for cover in books.covered(scope)}
        book = ManagerBook(manager, cover_ends=ends, absences=absences)
        return book.availability({member.customer_id: member.manager_id for member in members})

    def sheet(self, scope: Scope, customer_id: str) -> Day:
        """Return the day of one customer."""
        del scope  # whose customer it is was checked when the address was looked up
        return self.service.customer(customer_id, self.state.now())


def answers_of(state: AppState) -> BookAnswers:
    """Return the answers that are in force.

    Raises:
        Problem: There are none, or the snapshot is too old to go by.
    """
    release = state.served(state.now())
    if not isinstance(release, OnlineService):  # a bank that is written out for a test has no page
        raise unavailable("not-ready")
    return BookAnswers(state, release)
