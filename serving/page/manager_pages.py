"""The pages of a relationship manager: today's calls, the sheet of a customer, recording an outcome."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from serving.auth.cookies import forget_cookie, put_cookie, read_cookie
from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import not_found
from serving.page.asset_chart import asset_chart
from serving.page.forms import OUTCOMES, OutcomeForm, outcome_form
from serving.page.html import HEADERS
from serving.page.responses import file_answer, note, redirect, say_of, show
from serving.page.workbooks import list_workbook, sheet_workbook
from serving.workspace.book_service import BookEntry, BookService, FindAnswers
from vipreco.errors import BusyError
from vipreco.lists import (
    CallList,
    CustomerSheet,
    basis_text,
    no_currency_text,
    person_texts,
    profile_texts,
    sheet_basis_text,
    suitability_texts,
    talk_texts,
)
from vipreco.store import CAUSES, Member, Role

SAVED_COOKIE, SAVED_SECONDS = "vipreco_saved", 30
MANAGERS = people(Role.MANAGER)


@dataclass
class ManagerPages:
    """The handlers of a manager's pages.

    Args:
        answers: Finds the answers that are in force.
    """

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post, handle = "GET", "POST", "/customers/{handle}"
        return (
            Operation(post, "/search", self.search, MANAGERS, form=True),
            Operation(get, "/list.xlsx", self.list_file, MANAGERS),
            Operation(get, handle, self.sheet, MANAGERS),
            Operation(get, f"{handle}/sheet.xlsx", self.sheet_file, MANAGERS),
            Operation(post, f"{handle}/outcome", self.outcome, MANAGERS, form=True),
            Operation(post, f"{handle}/feedback", self.feedback, MANAGERS, form=True),
        )

    def today(self, request: HttpRequest) -> Response:
        """Show today's call list; to a manager without a book, what is missing."""
        service = self.service_for(request)
        if not service.members:
            return show(request, "role.html", {})
        return self.list_page(request, service, {"found": None, "found_total": 0})

    def list_page(self, request: HttpRequest, service: BookService, values: dict[str, Any]) -> Response:
        """Show the call list, with what was found in it."""
        day = service.call_list()
        service.keep_list()
        note(request, "list.read")
        only = request.http.query_params.get("kind", "")
        only = only if only in day.kinds else ""
        return _forget_saved(
            request,
            show(
                request,
                "list.html",
                {
                    **service.page_values,
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
        note(request, "list.search")
        return (
            show(request, "found.html", {**service.page_values, **values})
            if text.strip()
            else Response("", headers=dict(HEADERS))
        )

    def sheet(self, request: HttpRequest) -> Response:
        """Show the sheet of a customer."""
        service = self.service_for(request)
        return self.sheet_page(request, service, _member(request, service), OutcomeForm(), "")

    def sheet_page(
        self, request: HttpRequest, service: BookService, member: Member, given: OutcomeForm, problem: str
    ) -> Response:
        """Show the sheet with what was filled in about the call."""
        day, sheet = service.call_list(with_reasons=False), service.sheet(member)
        service.keep_sheet(member, sheet)
        request.state.note_at_once(request.state.read_of(request.scope, "sheet.read", member.customer_id))
        made = service.made.get(member.customer_id)
        say = service.say
        values = {
            **service.page_values,
            **_sheet_values(service, member, sheet),
            "day": day,
            "person": person_texts(service.people.get(member.customer_id)),
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
        suggested = before.date + timedelta(days=service.plan.settings.follow_up_days)
        form = outcome_form(request.form, before.date, frozenset(service.plan.names), suggested)
        if form.wrong:
            return self.sheet_page(request, service, member, form, form.wrong)
        try:
            valid = service.record(form.contact(member.customer_id, request.state.now()))
        except BusyError as error:
            if error.code != "other-content":
                raise
            return self.sheet_page(request, service, member, form, "record.taken")
        response = redirect(_next(service, before, member))
        put_cookie(response, request.http, SAVED_COOKIE, valid, SAVED_SECONDS)
        return response

    def feedback(self, request: HttpRequest) -> Response:
        """Mark an offer, or one of its reasons, as not useful."""
        service = self.service_for(request)
        member = _member(request, service)
        service.mark(member, *(request.form.get(name, "") for name in ("product_id", "reason_id", "cause")))
        return redirect(f"/customers/{member.handle}")

    def list_file(self, request: HttpRequest) -> Response:
        """Send the call list as a spreadsheet."""
        service = self.service_for(request)
        content = list_workbook(service)
        note(request, "list.export")
        return file_answer(content, "call-list.xlsx")

    def sheet_file(self, request: HttpRequest) -> Response:
        """Send the sheet of a customer as a spreadsheet."""
        service = self.service_for(request)
        member = _member(request, service)
        content = sheet_workbook(service, member)
        request.state.note_at_once(request.state.read_of(request.scope, "sheet.export", member.customer_id))
        return file_answer(content, "sheet.xlsx")

    def service_for(self, request: HttpRequest) -> BookService:
        """Return the service of a reader."""
        answers = self.answers(request.state)
        return BookService(request.state, answers, request.scope, say_of(request, answers.currency))


def show_sheet_to_read(request: HttpRequest, service: BookService, member: Member) -> Response:
    """Show the sheet of a customer of the reader's branch, without anything to record."""
    state, scope, customer = request.state, request.scope, member.customer_id
    if not state.served(request.moment).knows(customer):
        raise not_found()
    people = state.store.directory.of(scope, [customer])
    state.note_at_once(state.read_of(scope, "sheet.read", customer))
    values = {
        "say": service.say,
        **_sheet_values(service, member, service.sheet_alone(member)),
        "basis": service.say("branch.confidential"),
        "day": None,
        "date": state.today(),
        "book": {customer: BookEntry(member.handle, member.manager_id or "")},
        "people": people,
        "person": person_texts(people.get(customer)),
        "manager_id": member.manager_id or "",
        "stale": service.stale,
        "saved": "",
        "problem": "",
    }
    return show(request, "sheet.html", values)


def _sheet_values(service: BookService, member: Member, sheet: CustomerSheet) -> dict[str, Any]:
    say = service.say
    return {
        "sheet": sheet,
        "basis": sheet_basis_text(sheet, say),
        "profile": profile_texts(sheet, say),
        "suitability": suitability_texts(sheet, say),
        "chart": asset_chart(sheet, service.flows(member), say),
        "talk": talk_texts(sheet.talk, say) if sheet.talk else [],
    }


def _member(request: HttpRequest, service: BookService) -> Member:
    found = service.member(request.http.path_params["handle"])
    if found is None:
        raise not_found()
    return found


def _next(service: BookService, day: CallList, member: Member) -> str:
    following = day.next_after(member.customer_id)
    return f"/customers/{service.book[following.customer_id].handle}" if following else "/"


def _saved(request: HttpRequest) -> str:
    code = read_cookie(request.http, SAVED_COOKIE)
    return say_of(request)(f"record.{code}") if code in OUTCOMES else ""


def _forget_saved(request: HttpRequest, response: Response) -> Response:
    forget_cookie(response, request.http, SAVED_COOKIE)
    return response
