"""Answers of the pages: a template for who asks, a redirect, a file; and the audit record of a read."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import RedirectResponse, Response

from serving.auth.cookies import read_cookie
from serving.http.operation import Caller, HttpRequest
from serving.page.html import HEADERS, page
from serving.page.languages import chosen_language, wording
from serving.page.navigation import NAVIGATION
from vipreco.lists import Wording
from vipreco.store import Event

PURPOSE: Final = "page"  # of changes, in the audit
LANGUAGE_COOKIE: Final = "vipreco_language"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def say_of(request: HttpRequest, currency: str = "") -> Wording:
    """Return the words in the language of the reader, with amounts in a currency."""
    accepted = request.http.headers.get("accept-language", "")
    return wording(chosen_language(read_cookie(request.http, LANGUAGE_COOKIE), accepted), currency)


def show(request: HttpRequest, template: str, values: dict[str, Any], status: int = 200) -> Response:
    """Return a page for who asks."""
    path = request.http.url.path
    query = request.http.url.query
    back = (f"{path}?{query}" if query else path) if request.http.method == "GET" else "/"
    common = {
        "say": say_of(request),
        "visitor": _visitor(request.caller),
        "root": "",
        "back": back,
        "path": path,
    }
    return page(template, {**common, **values}, status)


def _visitor(caller: Caller | None) -> dict[str, Any] | None:
    """Return who is logged in as the frame shows it, with the pages of the role."""
    session = None if caller is None else caller.session
    if caller is None or session is None:
        return None
    return {
        "actor": caller.actor.removeprefix("user:"),
        "role": caller.role.value,
        "csrf": session.csrf,
        "entries": NAVIGATION[caller.role],
    }


def redirect(address: str) -> Response:
    """Lead the browser to another address of ours."""
    return RedirectResponse(address, 303, dict(HEADERS))


def file_answer(content: bytes, name: str, kind: str = XLSX) -> Response:
    """Return a file to be saved."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=kind)


def note_change(request: HttpRequest, action: str, about: str, result: str = "ok") -> None:
    """Write the audit record of a change that a page made, in the transaction of the change."""
    request.state.note_at_once(Event(request.known.actor, action, about, result, purpose=PURPOSE))


def note(request: HttpRequest, action: str, object_: str | None = None) -> None:
    """Write the audit record of a read before its answer leaves; without an object, of the reader's book."""
    about = str(request.known.manager_id or "") if object_ is None else object_
    request.state.note_at_once(Event(request.known.actor, action, about))
