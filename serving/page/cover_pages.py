"""Books and leave covers: an administrator's of the whole bank, a branch head's of the branch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from serving.http.operation import Access, HttpRequest, Operation
from serving.http.problems import not_found
from serving.page.responses import note_change, redirect, say_of, show
from vipreco.errors import VipRecoError
from vipreco.store import Cover

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
