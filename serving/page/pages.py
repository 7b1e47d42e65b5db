"""The pages: log-in, log-out and language for everybody, and the pages of each role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from serving.auth.cookies import forget_session, put_cookie, remember_device, remember_session
from serving.auth.demo_accounts import DemoLogin, offered_logins
from serving.auth.sessions import log_in, log_out
from serving.http.app_state import AppState
from serving.http.operation import PUBLIC, HttpRequest, Operation, PageRoutes, people
from serving.http.problems import JOBS, Problem
from serving.page.admin_pages import AdminPages
from serving.page.audit_pages import AuditPages
from serving.page.book_pages import BookPages
from serving.page.branch_pages import BranchPages
from serving.page.campaign_pages import CampaignPages
from serving.page.html import STATIC, make_ready, stamp
from serving.page.languages import LANGUAGES
from serving.page.manager_pages import ManagerPages
from serving.page.model_pages import ModelPages
from serving.page.navigation import home_of
from serving.page.policy_pages import PolicyPages
from serving.page.responses import LANGUAGE_COOKIE, redirect, say_of, show
from serving.workspace.book_service import FindAnswers
from vipreco.store import Role

if TYPE_CHECKING:
    from serving.auth.oidc import BankLogin

YEAR_SECONDS = 365 * 24 * 3600
KEPT = "public, max-age=31536000, immutable"
TEXTS = {401: "forbidden", 403: "forbidden", 404: "not_found", 429: "busy", 503: "down"}


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
    """The handlers of the pages that all roles share; those of one role stand in a module of their own."""

    answers: FindAnswers
    bank_name: str = ""
    bank_operations: tuple[Operation, ...] = ()

    def __post_init__(self) -> None:
        """Gather the pages of the roles."""
        self.manager = ManagerPages(self.answers)
        self.book = BookPages(self.manager.service_for)
        others = (
            BranchPages(self.answers),
            AuditPages(self.answers),
            PolicyPages(self.answers),
            ModelPages(self.answers),
            AdminPages(),
            CampaignPages(self.answers),
        )
        self.rest = tuple(operation for pages in others for operation in pages.operations())

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post = "GET", "POST"
        return (
            Operation(get, "/", self.home, people(*Role)),
            Operation(get, "/login", self.login_page, PUBLIC),
            Operation(post, "/login", self.login, PUBLIC, form=True),
            Operation(post, "/logout", self.logout, people(*Role), form=True),
            Operation(post, "/language", self.language, PUBLIC, form=True),
            *self.manager.operations(),
            *self.book.operations(),
            *self.rest,
            *self.bank_operations,
        )

    def refuse(self, request: HttpRequest, problem: Problem) -> Response:
        """Show a problem as a page with the number of the request; who is not logged in may log in."""
        if problem.status == 401:
            return redirect("/login")
        text = "jobs" if problem.code in JOBS else TEXTS.get(problem.status, "wrong")
        message = say_of(request)(f"error.{text}")
        values = {"message": message, "request_id": request.request_id}
        response = show(request, "error.html", values, problem.status)
        response.headers.update(problem.headers)
        return response

    def home(self, request: HttpRequest) -> Response:
        """Show a manager the calls of today; lead every other role to its first page."""
        role = request.known.role
        if role is Role.MANAGER:
            return self.manager.today(request)
        home = home_of(role)
        return redirect(home) if home != "/" else show(request, "role.html", {})

    def login_page(self, request: HttpRequest, problem: str = "", status: int = 200) -> Response:
        """Ask who it is; a demo offers its roles."""
        values = {
            "problem": say_of(request)(problem) if problem else "",
            "bank_login": self.bank_operations[0].path if self.bank_operations else "",
            "bank_name": self.bank_name,
            "local_accounts": request.state.settings.local_accounts,
            "demo": self._demo(request),
        }
        return show(request, "login.html", values, status)

    def login(self, request: HttpRequest) -> Response:
        """Log a person in by name and password, or in a demo by a role."""
        user, password = request.form.get("user", ""), request.form.get("password", "")
        chosen = request.form.get("demo")
        for login in self._demo(request) if chosen else ():
            if login.user == chosen:
                user, password = login.user, login.password
        secret = log_in(request, user, password)
        if secret is None:
            return self.login_page(request, "login.wrong", 401)
        response = redirect("/")
        remember_session(response, request.http, secret)
        remember_device(response, request.http, request.state.keys, user)
        return response

    def _demo(self, request: HttpRequest) -> tuple[DemoLogin, ...]:
        settings = request.state.settings
        return offered_logins(request.state.root, settings) if settings.local_accounts else ()

    def logout(self, request: HttpRequest) -> Response:
        """End the session."""
        log_out(request)
        response = redirect("/login")
        forget_session(response, request.http)
        return response

    def language(self, request: HttpRequest) -> Response:
        """Keep the language that was chosen."""
        back = request.form.get("back", "/")
        response = redirect(back if back.startswith("/") and back[1:2] not in {"/", "\\"} else "/")
        if request.form.get("language") in LANGUAGES:
            put_cookie(response, request.http, LANGUAGE_COOKIE, request.form["language"], YEAR_SECONDS)
        return response
