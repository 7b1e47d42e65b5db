"""Log-in and log-out of people: password checks with limits, sessions, audit."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import timedelta

from serving.auth.cookies import known_device, session_secret
from serving.auth.refusals import record_refusal
from serving.http.addresses import client_address
from serving.http.app_state import AppState, clock
from serving.http.operation import HttpRequest
from serving.http.problems import Problem
from serving.http.shared_limits import Backoff, Limit, Rate
from vipreco.store import Event, User

# Failed log-ins. Each of the three counts over all workers; a right password takes its counts back.
BY_ACCOUNT = Backoff(free=5, seconds=60.0, max_seconds=900.0, memory_seconds=3_600.0)
BY_ADDRESS = Rate(burst=20.0, a_second=1 / 15)
BY_ALL = Rate(burst=200.0, a_second=1.0)
# A device from which the account logged in before does not wait for attempts from elsewhere: nobody can lock
# another person out. It waits this long instead, and for its own attempts.
KNOWN_DEVICE_SECONDS = 1.0
MAX_NAME, MAX_PASSWORD_BYTES = 256, 256
BUSY_SECONDS = "2"  # within which a full queue of password checks is worked off


@dataclass(frozen=True)
class Attempt:
    """An attempt to log in with a password.

    Args:
        user_id: Name of the account, as given.
        address: Address that it comes from.
        device: Number of the device, if the account logged in from it before.
    """

    user_id: str
    address: str
    device: str | None

    @property
    def account_key(self) -> str:
        """Key of the failures of the account, or of the known device."""
        return f"login:{self.device or ''}:{self.user_id}"

    @property
    def limits(self) -> tuple[tuple[str, Limit], ...]:
        """Limits that the attempt has to keep."""
        by_account = (f"login::{self.user_id}", BY_ACCOUNT)
        return by_account, (f"login-from:{self.address}", BY_ADDRESS), ("login", BY_ALL)


def log_in(request: HttpRequest, user_id: str, password: str) -> str | None:
    """Check a name and a password; return the secret of the new session, or None when they are wrong.

    Both endings take as long as one password check and are in the audit.

    Raises:
        Problem: 403: the bank allows no passwords here; 429: too many wrong passwords before this one, or too
            many checks at once.
    """
    state = request.state
    if not state.settings.local_accounts:
        raise Problem(403, "no-local-accounts")
    address = client_address(request.http, state.settings.trusted_proxies)
    attempt = Attempt(user_id[:MAX_NAME], address, known_device(request.http, state.keys, user_id))
    counted = _count(state, attempt)
    user, reason = _checked(state, attempt, counted, password)
    if user is None or len(user_id) > MAX_NAME:
        state.limits.touch(counted[0])
        _note_denied(state, attempt, reason)
        return None
    for key in counted:
        state.limits.give_back(key)
    state.limits.forget(attempt.account_key)
    return _begin(request, user)


def _count(state: AppState, attempt: Attempt) -> list[str]:
    """Count an attempt before it is checked, so that many at once are not checked before any is counted.

    Raises:
        Problem: 429: it has to wait.
    """
    wait = state.limits.take(*attempt.limits)
    if not wait:
        return [key for key, _ in attempt.limits]
    if attempt.device is not None:
        wait = state.limits.take((attempt.account_key, BY_ACCOUNT))
        if not wait:
            time.sleep(KNOWN_DEVICE_SECONDS)
            return [attempt.account_key]
    _note_unchecked(state, attempt, "too-many-attempts")
    raise Problem(429, "too-many-attempts", headers={"Retry-After": str(math.ceil(wait))})


def _checked(state: AppState, attempt: Attempt, counted: list[str], password: str) -> tuple[User | None, str]:
    """Check a password in one of the places for that: each takes 64 MiB and a core.

    Raises:
        Problem: 429: too many wait for a place.
    """
    if len(password.encode("utf-8", "surrogatepass")) > MAX_PASSWORD_BYTES:
        return None, "too-long"
    with state.password_checks.place() as free:
        if free:
            return state.store.users.authenticate(attempt.user_id, password), "wrong-password"
    for key in counted:
        state.limits.give_back(key)
    _note_unchecked(state, attempt, "login-busy")
    raise Problem(429, "login-busy", headers={"Retry-After": BUSY_SECONDS})


def _note_unchecked(state: AppState, attempt: Attempt, reason: str) -> None:
    """Record an attempt whose password was not checked; a flood of them must not fill the audit."""
    event = Event("nobody", "login", state.keys.pseudonym_of(attempt.user_id), "denied")
    record_refusal(state, event, reason, attempt.address)


def _note_denied(state: AppState, attempt: Attempt, reason: str) -> None:
    account = state.keys.pseudonym_of(attempt.user_id)
    state.note_at_once(
        Event("nobody", "login", account, "denied", purpose=state.reason(reason, attempt.address))
    )


def log_in_by_subject(request: HttpRequest, subject: str) -> str | None:
    """Return the secret of a new session for a name in the bank's log-in; None without an account here."""
    state = request.state
    user = state.store.users.by_subject(subject)
    if user is None:
        address = client_address(request.http, state.settings.trusted_proxies)
        purpose = state.reason("oidc-unknown", address)
        state.note_at_once(
            Event("nobody", "login", state.keys.pseudonym_of(subject), "denied", purpose=purpose)
        )
        return None
    return _begin(request, user)


def _begin(request: HttpRequest, user: User) -> str:
    """Begin a session and end the one that the browser had: an older stolen cookie is worth nothing."""
    state = request.state
    state.note_at_once(Event(f"user:{user.user_id}", "login"))
    before = session_secret(request.http)
    if before:
        state.store.sessions.end(before)
    idle = timedelta(minutes=state.settings.session_idle_minutes)
    return state.store.sessions.begin(user, clock(), idle)


def log_out(request: HttpRequest) -> None:
    """End the session of a request in the store: a kept copy of its cookie is worth nothing."""
    secret = session_secret(request.http)
    if secret:
        request.state.store.sessions.end(secret)
        request.state.note_at_once(Event(request.known.actor, "logout"))
