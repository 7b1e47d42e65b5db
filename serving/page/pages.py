"""The pages: their addresses, and the roles that may open each."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from serving.auth.cookies import (
    forget_cookie,
    forget_session,
    put_cookie,
    read_cookie,
    remember_device,
    remember_session,
)
from serving.auth.sessions import log_in, log_out
from serving.http.app_state import AppState
from serving.http.operation import PUBLIC, HttpRequest, Operation, PageRoutes, people
from serving.http.problems import Problem, not_found
from serving.page.chart import draw
from serving.page.forms import OUTCOMES, OutcomeForm, outcome_form
from serving.page.html import HEADERS, STATIC, make_ready, page, stamp
from serving.page.languages import LANGUAGES, chosen_language, wording
from serving.page.page_service import Answers, PageService
from serving.page.roles import COMMANDS
from serving.page.workbooks import XLSX, list_workbook, sheet_workbook
from vipreco.errors import BusyError
from vipreco.lists import (
    CallList,
    CustomerSheet,
    Wording,
    basis_text,
    no_currency_text,
    person_texts,
    profile_texts,
    sheet_basis_text,
    suitability_texts,
)
from vipreco.store import CAUSES, Event, Member, Role

if TYPE_CHECKING:
    from serving.auth.oidc import BankLogin

LANGUAGE_COOKIE, SAVED_COOKIE = "vipreco_language", "vipreco_saved"
SAVED_SECONDS, YEAR_SECONDS = 30, 365 * 24 * 3600
KEPT = "public, max-age=31536000, immutable"
MANAGERS = people(Role.MANAGER)
TEXTS = {401: "forbidden", 403: "forbidden", 404: "not_found", 429: "busy", 503: "down"}
FindAnswers = Callable[[AppState], Answers]


def make_pages(state: AppState, answers: FindAnswers, bank: BankLogin | None = None) -> PageRoutes:
    """Return the pages for people.

    Args:
        state: What the service stands on.
        answers: Finds the answers that are in force.
        bank: The bank's own log-in, where there is one.
    """
    make_ready()
    found = _Pages(answers)
    if bank is not None:
        from serving.page.login_redirect import BankPages  # noqa: PLC0415  what stands behind it is loaded for it alone

        found.bank_name = bank.settings.name
        found.bank_operations = BankPages(bank, found.login_page).operations()
    return PageRoutes(found.operations(), found.refuse, _Static(directory=STATIC))


class _Static(StaticFiles):
    """Style sheets and scripts; a browser keeps them, for their address names their content."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["vipreco.route"] = "/static"
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; without the name of its content it may change."""
        response = await super().get_response(path, scope)
        if scope["query_string"].decode("latin-1") == stamp():
            response.headers["Cache-Control"] = KEPT
        return response


@dataclass
class _Pages:
    """The handlers, with what they share."""

    answers: FindAnswers
    bank_name: str = ""
    bank_operations: tuple[Operation, ...] = ()

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post, handle = "GET", "POST", "/customers/{handle}"
        return (
            Operation(get, "/", self.home, people(*Role)),
            Operation(get, "/login", self.login_page, PUBLIC),
            Operation(post, "/login", self.login, PUBLIC, form=True),
            Operation(post, "/logout", self.logout, people(*Role), form=True),
            Operation(post, "/language", self.language, PUBLIC, form=True),
            Operation(post, "/search", self.search, MANAGERS, form=True),
            Operation(get, "/list.xlsx", self.list_file, MANAGERS),
            Operation(get, handle, self.sheet, MANAGERS),
            Operation(get, f"{handle}/sheet.xlsx", self.sheet_file, MANAGERS),
            Operation(post, f"{handle}/outcome", self.outcome, MANAGERS, form=True),
            Operation(post, f"{handle}/feedback", self.feedback, MANAGERS, form=True),
            *self.bank_operations,
        )

    def refuse(self, request: HttpRequest, problem: Problem) -> Response:
        """Show a problem as a page with the number of the request; who is not logged in may log in."""
        if problem.status == 401:
            return _to("/login")
        message = say_of(request)(f"error.{TEXTS.get(problem.status, 'wrong')}")
        values = {"message": message, "request_id": request.request_id}
        response = show(request, "error.html", values, problem.status)
        response.headers.update(problem.headers)
        return response

    def home(self, request: HttpRequest) -> Response:
        """Show today's call list; to people without a book, what they can do instead."""
        if request.known.role is not Role.MANAGER:
            return show(request, "role.html", {"commands": COMMANDS[request.known.role]})
        service = self.service_for(request)
        if not service.members:
            return show(request, "role.html", {"commands": ()})
        return self.list_page(request, service, {"found": None, "found_total": 0})

    def list_page(self, request: HttpRequest, service: PageService, values: dict[str, Any]) -> Response:
        """Show the call list, with what was found in it."""
        day = service.call_list()
        _note(request, "list.read")
        only = request.http.query_params.get("kind", "")
        only = only if only in day.kinds else ""
        return _forget_saved(
            request,
            show(
                request,
                "list.html",
                {
                    **_common(service),
                    "day": day,
                    "covers": service.covers,
                    "basis": basis_text(day, service.say),
                    "no_currency": no_currency_text(service.say),
                    "only": only,
                    "saved": _saved(request),
                    **values,
                },
            ),
        )

    def search(self, request: HttpRequest) -> Response:
        """Show who of the book matches a text; to htmx the findings alone."""
        service = self.service_for(request)
        text = request.form.get("text", "")
        found, total = service.search(text) if text.strip() else ([], 0)
        values: dict[str, Any] = {"found": found if text.strip() else None, "found_total": total}
        if request.http.headers.get("hx-request") != "true":
            return self.list_page(request, service, values)
        _note(request, "list.search")
        return (
            show(request, "found.html", {**_common(service), **values})
            if text.strip()
            else Response("", headers=dict(HEADERS))
        )

    def sheet(self, request: HttpRequest) -> Response:
        """Show the sheet of a customer."""
        service = self.service_for(request)
        return self.sheet_page(request, service, _member(request, service), OutcomeForm(), "")

    def sheet_page(
        self, request: HttpRequest, service: PageService, member: Member, given: OutcomeForm, problem: str
    ) -> Response:
        """Show the sheet with what was filled in about the call."""
        day, sheet = service.call_list(with_reasons=False), service.sheet(member)
        request.state.note_at_once(request.state.read_of(request.scope, "sheet.read", member.customer_id))
        made = service.made.get(member.customer_id)
        say = service.say
        values = {
            **_common(service),
            "day": day,
            "sheet": sheet,
            "basis": sheet_basis_text(sheet, say),
            "profile": profile_texts(sheet, say),
            "person": person_texts(service.people.get(member.customer_id)),
            "suitability": suitability_texts(sheet, say),
            "chart": draw(sheet.months, _next_line(sheet)),
            "given": given,
            "outcomes": OUTCOMES,
            "contact_id": secrets.token_hex(16),
            "recorded": say.of("record", made) if made else "",
            "suggested_date": day.date + timedelta(days=service.plan.settings.follow_up_days),
            "problem": say(problem) if problem else "",
            "saved": _saved(request),
            "marks": service.marks(member),
            "causes": CAUSES,
        }
        return _forget_saved(request, show(request, "sheet.html", values, 422 if problem else 200))

    def outcome(self, request: HttpRequest) -> Response:
        """Record what came of a call, and lead on to the next customer."""
        service = self.service_for(request)
        member = _member(request, service)
        before = service.call_list(with_reasons=False)
        form = outcome_form(request.form, before.date, frozenset(service.plan.names))
        if form.wrong:
            return self.sheet_page(request, service, member, form, form.wrong)
        try:
            valid = service.record(member, form)
        except BusyError as error:
            if error.code != "other-content":
                raise
            return self.sheet_page(request, service, member, form, "record.taken")
        response = _to(_next(service, before, member))
        put_cookie(response, request.http, SAVED_COOKIE, valid, SAVED_SECONDS)
        return response

    def feedback(self, request: HttpRequest) -> Response:
        """Mark an offer, or one of its reasons, as not useful."""
        service = self.service_for(request)
        member = _member(request, service)
        service.mark(member, *(request.form.get(name, "") for name in ("product_id", "reason_id", "cause")))
        return _to(f"/customers/{member.handle}")

    def list_file(self, request: HttpRequest) -> Response:
        """Send the call list as a spreadsheet."""
        service = self.service_for(request)
        content = list_workbook(service)
        _note(request, "list.export")
        return _file(content, "call-list.xlsx")

    def sheet_file(self, request: HttpRequest) -> Response:
        """Send the sheet of a customer as a spreadsheet."""
        service = self.service_for(request)
        member = _member(request, service)
        content = sheet_workbook(service, member)
        request.state.note_at_once(request.state.read_of(request.scope, "sheet.export", member.customer_id))
        return _file(content, "sheet.xlsx")

    def login_page(self, request: HttpRequest, problem: str = "", status: int = 200) -> Response:
        """Ask who it is."""
        values = {
            "problem": say_of(request)(problem) if problem else "",
            "bank_login": self.bank_operations[0].path if self.bank_operations else "",
            "bank_name": self.bank_name,
            "local_accounts": request.state.settings.local_accounts,
        }
        return show(request, "login.html", values, status)

    def login(self, request: HttpRequest) -> Response:
        """Log a person in by name and password."""
        user, password = request.form.get("user", ""), request.form.get("password", "")
        secret = log_in(request, user, password)
        if secret is None:
            return self.login_page(request, "login.wrong", 401)
        response = _to("/")
        remember_session(response, request.http, secret)
        remember_device(response, request.http, request.state.keys, user)
        return response

    def logout(self, request: HttpRequest) -> Response:
        """End the session."""
        log_out(request)
        response = _to("/login")
        forget_session(response, request.http)
        return response

    def language(self, request: HttpRequest) -> Response:
        """Keep the language that was chosen."""
        back = request.form.get("back", "/")
        response = _to(back if back.startswith("/") and back[1:2] not in {"/", "\\"} else "/")
        if request.form.get("language") in LANGUAGES:
            put_cookie(response, request.http, LANGUAGE_COOKIE, request.form["language"], YEAR_SECONDS)
        return response

    def service_for(self, request: HttpRequest) -> PageService:
        """Return the service of a reader."""
        answers = self.answers(request.state)
        return PageService(request.state, answers, request.scope, say_of(request, answers.currency))


def say_of(request: HttpRequest, currency: str = "") -> Wording:
    """Return the words in the language of the reader, with amounts in a currency."""
    accepted = request.http.headers.get("accept-language", "")
    return wording(chosen_language(read_cookie(request.http, LANGUAGE_COOKIE), accepted), currency)


def show(request: HttpRequest, template: str, values: dict[str, Any], status: int = 200) -> Response:
    """Return a page for who asks."""
    caller = request.caller
    session = None if caller is None else caller.session
    visitor = (
        {"actor": caller.actor, "role": caller.role.value, "csrf": session.csrf}
        if caller and session
        else None
    )
    path = request.http.url.path
    back = path if request.http.method == "GET" else "/"
    common = {"say": say_of(request), "visitor": visitor, "root": "", "back": back}
    return page(template, {**common, **values}, status)


def _member(request: HttpRequest, service: PageService) -> Member:
    found = service.member(request.http.path_params["handle"])
    if found is None:
        raise not_found()
    return found


def _common(service: PageService) -> dict[str, Any]:
    """Return the values that every page about customers shows."""
    return {
        "say": service.say,
        "book": service.book,
        "people": service.people,
        "manager_id": service.scope.manager_id or "",
        "stale": service.stale,
    }


def _next_line(sheet: CustomerSheet) -> float | None:
    """Return the assets at which the next tier begins."""
    missing = sheet.profile.next_tier_amount
    return None if missing is None else (sheet.profile.assets or 0.0) + missing


def _next(service: PageService, day: CallList, member: Member) -> str:
    following = day.next_after(member.customer_id)
    return f"/customers/{service.book[following.customer_id].handle}" if following else "/"


def _note(request: HttpRequest, action: str) -> None:
    request.state.note_at_once(Event(request.known.actor, action, str(request.known.manager_id or "")))


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, dict(HEADERS))


def _file(content: bytes, name: str) -> Response:
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=XLSX)


def _saved(request: HttpRequest) -> str:
    code = read_cookie(request.http, SAVED_COOKIE)
    return say_of(request)(f"record.{code}") if code in OUTCOMES else ""


def _forget_saved(request: HttpRequest, response: Response) -> Response:
    forget_cookie(response, request.http, SAVED_COOKIE)
    return response
