"""The pages on the way to the bank's own log-in and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.auth.cookies import forget_cookie, put_cookie, read_cookie, remember_session
from serving.auth.oidc import DOWN, WAY_SECONDS, BankLogin, NotLetInError
from serving.auth.sessions import log_in_by_subject
from serving.http.addresses import client_address, is_behind_tls
from serving.http.operation import PUBLIC, HttpRequest, Operation
from serving.page.html import HEADERS
from vipreco.errors import DependencyDownError
from vipreco.store import Event

COOKIE = "vipreco_bank"
BANK, BACK = "/login/bank", "/login/bank/back"


@dataclass
class BankPages:
    """The two addresses.

    Args:
        bank: The bank's log-in.
        login_page: Shows our own log-in, with the key of a text and a status.
    """

    bank: BankLogin
    login_page: Callable[[HttpRequest, str, int], Response]

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address; the first is where the button leads."""
        return (
            Operation("GET", BANK, self.away, PUBLIC),
            Operation("GET", BACK, self.back, PUBLIC),
        )

    def away(self, request: HttpRequest) -> Response:
        """Lead to the bank's log-in; while that does not answer, a password of one's own gets in."""
        http = request.http
        try:
            away = self.bank.away(_back_address(http))
        except DependencyDownError:
            return self.login_page(request, "login.bank_down", 503)
        response = _to(away.address)
        put_cookie(response, http, COOKIE, away.kept, WAY_SECONDS)
        return response

    def back(self, request: HttpRequest) -> Response:
        """Let in whom the bank's log-in names and who has an account here."""
        response = self._let_in(request)
        forget_cookie(response, request.http, COOKIE)
        return response

    def _let_in(self, request: HttpRequest) -> Response:
        http = request.http
        given, kept = dict(http.query_params), read_cookie(http, COOKIE)
        try:
            subject = self.bank.subject(given, kept, _back_address(http))
        except NotLetInError as error:
            address = client_address(http, request.state.settings.trusted_proxies)
            purpose = request.state.reason(error.code, address)
            request.state.note_at_once(Event("nobody", "login", result="denied", purpose=purpose))
            return self.login_page(request, "login.bank_refused", 401)
        except DependencyDownError as error:
            if error.code != DOWN:
                raise
            return self.login_page(request, "login.bank_down", 503)
        secret = log_in_by_subject(request, subject)
        if secret is None:
            return self.login_page(request, "login.bank_unknown", 403)
        response = _to("/")
        remember_session(response, http, secret)
        return response


def _back_address(request: Request) -> str:
    """Return the address to which the bank's log-in leads back: that under which the browser knows us."""
    scheme = "https" if is_behind_tls(request) else "http"
    return f"{scheme}://{request.headers.get('host', '')}{BACK}"


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, dict(HEADERS))
