"""Leave covers and hand-overs, by who answers for the books: an administrator, or a branch head."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from serving.http.app_state import AppState
from serving.http.problems import Problem, not_found
from vipreco.store import Cover, Event, GrantedCover, HandOver, Role, Scope

OTHER_BOOKS: Final = "of another branch"  # what was named is the sender's own text


@dataclass
class BookChanges:
    """The books that somebody answers for: an administrator for all, a branch head for those of the branch.

    Args:
        state: With the store.
        scope: Who asks, and the customers of their branch.
        purpose: Of the changes, in the audit.
    """

    state: AppState
    scope: Scope
    purpose: str = ""

    @property
    def of_bank(self) -> bool:
        """Return whether these are the books of the whole bank."""
        return self.scope.role is Role.ADMIN

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Customers in each book, by manager."""
        books = self.state.store.books
        return books.sizes() if self.of_bank else books.sizes_of(self.scope)

    @cached_property
    def takers(self) -> frozenset[str]:
        """Managers who may get customers.

        They have a book, had one before it was handed over, or have an account: a new colleague, to begin
        with. A branch head's are of the branch, by these customers or by the branch of the account.
        """
        accounts = {
            user.manager_id
            for user in self.state.store.users.all()
            if user.active and user.manager_id and (self.of_bank or user.branch_id == self.scope.branch_id)
        }
        before = {one.from_manager_id for one in self.hand_overs()}
        return frozenset({*self.sizes, *accounts, *before})

    def covers(self) -> list[GrantedCover]:
        """Return the leave covers of these books, the newest first."""
        granted = self.state.store.books.covers()
        return [one for one in granted if self.of_bank or one.cover.manager_id in self.sizes]

    def hand_overs(self) -> list[HandOver]:
        """Return the hand-overs in force of these books."""
        return self.state.store.hand_overs.all(self._movable)

    def grant(self, cover: Cover) -> int:
        """Let a deputy see the book of a manager who is away, and return the number of the cover.

        Raises:
            Problem: One of the managers is unknown, or not of the branch.
            UsageError: As `Books.cover`.
        """
        if not {cover.manager_id, cover.deputy_id} <= self.takers:
            raise self._refused("cover.grant")
        with self.state.store.database.writing():
            number = self.state.store.books.cover(cover, self.scope.actor)
            self._note("cover.grant", f"{cover.manager_id}>{cover.deputy_id}")
        return number

    def end(self, cover_id: str) -> None:
        """Revoke a leave cover.

        Raises:
            Problem: There is none among those of these books.
        """
        found = next((one for one in self.covers() if str(one.cover_id) == cover_id), None)
        if found is None:
            raise self._refused("cover.end")
        with self.state.store.database.writing():
            self.state.store.books.end_cover(found.cover_id)
            self._note("cover.end", cover_id)

    def hand_over(self, giver: str, taker: str, customer_ids: Collection[str] | None) -> int:
        """Move a book, or some of its customers, to another manager, and return their number.

        Raises:
            Problem: The book or the other manager is unknown, or not of the branch.
            UsageError: As `HandOvers.make`.
        """
        if giver not in self.sizes or taker not in self.takers:
            raise self._refused("book.hand_over")
        store, day = self.state.store, self.state.today()
        with store.database.writing():
            moved = store.hand_overs.make(
                giver, taker, self.scope.actor, day, customer_ids=customer_ids, scope=self._movable
            )
            self._note("book.hand_over", f"{giver}>{taker}: {moved}")
        return moved

    @property
    def _movable(self) -> Scope | None:
        """Customers who may be moved; None for all."""
        return None if self.of_bank else self.scope

    def _refused(self, action: str) -> Problem:
        """Write into the audit that a change was refused, and return its problem."""
        self._note(action, "unknown" if self.of_bank else OTHER_BOOKS, "denied")
        return not_found()

    def _note(self, action: str, about: str, result: str = "ok") -> None:
        self.state.note_at_once(Event(self.scope.actor, action, about, result, purpose=self.purpose))
