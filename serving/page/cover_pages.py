"""Books, leave covers and hand-overs: an administrator's of the bank, a branch head's of the branch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from serving.http.operation import Access, HttpRequest, Operation
from serving.http.problems import not_found
from serving.page.responses import note_change, redirect, say_of, show
from vipreco.errors import UsageError, VipRecoError
from vipreco.store import Cover, Scope

SEPARATORS: Final = re.compile(r"[\s,;，；、]+")
OTHER_BOOKS: Final = "of another branch"  # what the form named is the sender's own text


def _nothing(_: HttpRequest) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class CoverPages:
    """The handlers.

    Args:
        address: Of the page.
        title: Key of its heading.
        access: Who may see it.
        books: Finds the books that the reader may hand over, with their sizes.
        only_these: Whether both managers of a cover have to be among them.
        more: Finds what the page shows beside them.
    """

    address: str
    title: str
    access: Access
    books: Callable[[HttpRequest], Mapping[str, int]]
    only_these: bool
    more: Callable[[HttpRequest], Mapping[str, Any]] = _nothing

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        return (
            Operation("GET", self.address, self.covers, self.access),
            Operation("POST", self.address, self.grant, self.access, form=True),
            Operation("POST", f"{self.address}/end", self.end, self.access, form=True),
            Operation("POST", f"{self.address}/hand-over", self.hand_over, self.access, form=True),
        )

    def covers(self, request: HttpRequest, problem: str = "") -> Response:
        """Show the books with their sizes, and the leave covers."""
        store, sizes = request.state.store, self.books(request)
        granted = store.books.covers()
        accounts = (user for user in store.users.all() if user.manager_id)
        values = {
            "say": say_of(request),
            "sizes": sizes,
            "snapshot": store.books.snapshot_id() or "",
            "covers": [one for one in granted if not self.only_these or one.cover.manager_id in sizes],
            "accounts": {user.manager_id: user for user in accounts if user.manager_id in sizes},
            "today": request.state.today(),
            "hand_overs": store.hand_overs.all(self._whose(request)),
            "managers": sorted({*sizes, *self._without_book(request, sizes)}),
            "problem": problem,
            "address": self.address,
            "title": say_of(request)(self.title),
            "hours": None,
            **self.more(request),
        }
        return show(request, "covers.html", values, 422 if problem else 200)

    def grant(self, request: HttpRequest) -> Response:
        """Let a deputy see the book of a manager who is away."""
        form = request.form
        try:
            first, last = (date.fromisoformat(form.get(name, "")) for name in ("from_date", "until_date"))
        except ValueError:
            return self.covers(request, say_of(request)("audit.wrong_date"))
        cover = Cover(form.get("manager", ""), form.get("deputy", ""), first, last)
        if self.only_these and not {cover.manager_id, cover.deputy_id} <= set(self.books(request)):
            note_change(request, "cover.grant", OTHER_BOOKS, "denied")
            raise not_found()
        store = request.state.store
        try:
            with store.database.writing():
                store.books.cover(cover, request.known.actor)
                note_change(request, "cover.grant", f"{cover.manager_id}>{cover.deputy_id}")
        except VipRecoError as error:
            return self.covers(request, error.what)
        return redirect(self.address)

    def hand_over(self, request: HttpRequest) -> Response:
        """Move a book, or some of its customers, to another manager."""
        form, books = request.form, self.books(request)
        giver, taker = form.get("manager", ""), form.get("to", "")
        if giver not in books or taker not in {*books, *self._without_book(request, books)}:
            note_change(request, "book.hand_over", OTHER_BOOKS, "denied")
            raise not_found()
        ids = SEPARATORS.split(form.get("customers", "").strip())
        store, day = request.state.store, request.state.today()
        try:
            with store.database.writing():
                moved = store.hand_overs.make(
                    giver,
                    taker,
                    request.known.actor,
                    day,
                    customer_ids=[one for one in ids if one] or None,
                    scope=self._whose(request),
                )
                note_change(request, "book.hand_over", f"{giver}>{taker}: {moved}")
        except UsageError:
            return self.covers(request, say_of(request)("covers.not_in_book"))
        return redirect(self.address)

    def _whose(self, request: HttpRequest) -> Scope | None:
        """Return the customers who may be moved; None for all."""
        return request.scope if self.only_these else None

    def _without_book(self, request: HttpRequest, books: Mapping[str, int]) -> set[str]:
        """Return the managers with an account whose book is empty: a new colleague, to begin with."""
        accounts = {user.manager_id for user in request.state.store.users.all() if user.active}
        taken = set(request.state.store.books.sizes()) - set(books)
        return {manager for manager in accounts if manager and manager not in taken}

    def end(self, request: HttpRequest) -> Response:
        """Revoke a leave cover of these books."""
        books, text = request.state.store.books, request.form.get("cover", "")
        found = next((one for one in books.covers() if str(one.cover_id) == text), None)
        if found is None and not self.only_these:
            return self.covers(request, say_of(request)("covers.unknown"))
        if found is None or (self.only_these and found.cover.manager_id not in self.books(request)):
            note_change(request, "cover.end", OTHER_BOOKS, "denied")
            raise not_found()
        with request.state.store.database.writing():
            books.end_cover(found.cover_id)
            note_change(request, "cover.end", text)
        return redirect(self.address)
