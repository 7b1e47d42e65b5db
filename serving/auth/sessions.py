"""Log-in and log-out of people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from serving.auth.identity import COOKIE
from serving.http.app_state import AppState, clock
from serving.http.operation import HttpRequest
from vipreco.store import SESSION_HOURS, Event, User

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
MAX_PASSWORD = 256


def log_in(state: AppState, user_id: str, password: str) -> str | None:
    """Check a name and a password; return the secret of the new session, or None when they are wrong.

    Both endings take as long as the check of one password and are in the audit.
    """
    if len(password) > MAX_PASSWORD or len(user_id) > MAX_PASSWORD:
        return None
    user = state.store.users.authenticate(user_id, password)
    if user is None:
        state.note_at_once(Event("nobody", "login", result="denied"))
        return None
    return begin(state, user)


def log_in_by_subject(state: AppState, subject: str) -> str | None:
    """Return the secret of a new session of whom the bank's log-in names; None who has no account here."""
    user = state.store.users.by_subject(subject)
    if user is None:
        event = Event("nobody", "login", state.keys.pseudonym_of(subject), "denied", purpose="oidc-unknown")
        state.note_at_once(event)
        return None
    return begin(state, user)


def begin(state: AppState, user: User) -> str:
    """Begin a session of a person who has proved who they are, and return its secret."""
    state.note_at_once(Event(f"user:{user.user_id}", "login"))
    return state.store.sessions.begin(user, clock())


def log_out(request: HttpRequest) -> None:
    """End the session of a request in the store: a kept copy of its cookie is worth nothing."""
    secret = request.http.cookies.get(COOKIE)
    if secret:
        request.state.store.sessions.end(secret)
        request.state.note_at_once(Event(request.known.actor, "logout"))


def remember(response: Response, request: Request, secret: str) -> None:
    """Give the browser the cookie of a session."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=SESSION_HOURS * 3600,
        path="/",
        secure=is_behind_tls(request),
        httponly=True,
        samesite="lax",
    )


def forget(response: Response, request: Request) -> None:
    """Take the cookie of a session away."""
    response.delete_cookie(COOKIE, path="/", secure=is_behind_tls(request), httponly=True, samesite="lax")


def is_behind_tls(request: Request) -> bool:
    """Return whether cookies are sent over TLS only: always, except on this machine without a proxy."""
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    return request.url.scheme == "https" or host not in LOOPBACK
