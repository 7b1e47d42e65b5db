"""Books, leave covers and hand-overs: an administrator's of the bank, a branch head's of the branch."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from serving.http.operation import Access, HttpRequest, Operation
from serving.http.problems import Problem
from serving.page.responses import PURPOSE, redirect, say_of, show
from serving.workspace.book_changes import BookChanges
from vipreco.errors import UsageError, VipRecoError
from vipreco.store import Cover

SEPARATORS: Final = re.compile(r"[\s,;，；、]+")


def _nothing(_: HttpRequest) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class CoverPages:
    """The handlers.

    Args:
        address: Of the page.
        title: Key of its heading.
        access: Who may see it.
        more: Finds what the page shows beside the books.
    """

    address: str
    title: str
    access: Access
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
        store, changes = request.state.store, _changes(request)
        accounts = (user for user in store.users.all() if user.manager_id)
        values = {
            "say": say_of(request),
            "sizes": changes.sizes,
            "snapshot": store.books.snapshot_id() or "",
            "covers": changes.covers(),
            "accounts": {user.manager_id: user for user in accounts if user.manager_id in changes.sizes},
            "today": request.state.today(),
            "hand_overs": changes.hand_overs(),
            "managers": sorted(changes.takers),
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
        try:
            _changes(request).grant(Cover(form.get("manager", ""), form.get("deputy", ""), first, last))
        except VipRecoError as error:
            return self.covers(request, error.what)
        return redirect(self.address)

    def hand_over(self, request: HttpRequest) -> Response:
        """Move a book, or some of its customers, to another manager."""
        form = request.form
        ids = [one for one in SEPARATORS.split(form.get("customers", "").strip()) if one]
        try:
            _changes(request).hand_over(form.get("manager", ""), form.get("to", ""), ids or None)
        except UsageError:
            return self.covers(request, say_of(request)("covers.not_in_book"))
        return redirect(self.address)

    def end(self, request: HttpRequest) -> Response:
        """Revoke a leave cover of these books."""
        changes = _changes(request)
        try:
            changes.end(request.form.get("cover", ""))
        except Problem:
            if not changes.of_bank:
                raise
            return self.covers(request, say_of(request)("covers.unknown"))
        return redirect(self.address)


def _changes(request: HttpRequest) -> BookChanges:
    return BookChanges(request.state, request.scope, PURPOSE)
