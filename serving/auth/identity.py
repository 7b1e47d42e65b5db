"""Identifies callers: a program by its token, a person by the cookie of their log-in."""

from __future__ import annotations

import hmac
import re
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from starlette.requests import Request

from serving.http.app_state import AppState
from serving.http.operation import Caller
from serving.http.problems import Problem, unauthorized
from vipreco.errors import BusyError, DependencyDownError, VipRecoError
from vipreco.store import Session, Token

TOKEN_SECONDS = 2.0  # a revoked token is refused after this time at the latest
MAX_TOKENS = 1_000
TOKEN_ID = re.compile(r"vpr_[a-z0-9]{1,16}_([0-9a-f]{8})_")
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
BEARER = "bearer "


class KnownToken(NamedTuple):
    """A token that was valid when it was last looked up.

    Args:
        fresh_until: Until then the store is not asked again.
        valid_until: Until then it goes on while the store does not answer.
        token: The token.
        caller: Its caller.
    """

    fresh_until: float
    valid_until: float
    token: Token
    caller: Caller


@dataclass
class Identity:
    """Looks tokens and sessions up in the store.

    A valid token is remembered for two seconds (a look-up takes a thread and 0.6 ms),
    and for as long as the settings say while the store does not answer.

    Args:
        state: Store, settings, and the tokens that were revoked before the store went away.
    """

    state: AppState

    def __post_init__(self) -> None:
        """Begin with no token."""
        self._known: OrderedDict[str, KnownToken] = OrderedDict()

    def remembered(self, text: str) -> Caller | None:
        """Return the caller of a token that was looked up within two seconds."""
        found = self._known.get(text)
        return found.caller if found is not None and found.fresh_until > time.monotonic() else None

    def of_token(self, text: str) -> Caller:
        """Return the caller of a token.

        Raises:
            Problem: It is wrong, has ended or was revoked.
            VipRecoError: The store does not answer, and the token is not known from before.
        """
        try:
            token = self.state.store.tokens.authenticate(text, _now())
        except (DependencyDownError, BusyError) as error:
            return self._without_store(text, error)
        if token is None:
            self._known.pop(text, None)
            raise unauthorized("unknown-token")
        self._note_use(token)
        caller = Caller(f"token:{token.token_id}", token.role, token.manager_id, branch_id=token.branch_id)
        moment = time.monotonic()
        valid = moment + self.state.settings.store_away_minutes * 60
        self._known[text] = KnownToken(moment + TOKEN_SECONDS, valid, token, caller)
        while len(self._known) > MAX_TOKENS:
            self._known.popitem(last=False)
        return caller

    def _without_store(self, text: str, error: VipRecoError) -> Caller:
        """Return the caller of a token that was valid before the store went away."""
        found = self._known.get(text)
        moment = time.monotonic()
        if found is None or moment > found.valid_until:
            raise error
        if found.token.token_id in self.state.revoked or found.token.expires_at <= _now():
            raise unauthorized("unknown-token") from None
        caller = replace(found.caller, store_away=True)
        self._known[text] = found._replace(fresh_until=moment + TOKEN_SECONDS, caller=caller)
        return caller

    def _note_use(self, token: Token) -> None:
        """Note the first use of a day if the store takes it; nobody is refused because it does not."""
        now = _now()
        if token.used_date != now.date():
            with suppress(VipRecoError):
                self.state.store.tokens.used(token.token_id, now)

    def of_session(self, secret: str) -> Caller | None:
        """Return the person of a session, or None when it has ended."""
        sessions, now = self.state.store.sessions, _now()
        session = sessions.read(secret, now)
        if session is None:
            return None
        with suppress(VipRecoError):  # the store may be read alone just now
            idle = timedelta(minutes=self.state.settings.session_idle_minutes)
            sessions.extend(secret, session, now, idle)
        user = session.user
        return Caller(f"user:{user.user_id}", user.role, user.manager_id, session, branch_id=user.branch_id)


def claimed_token(http: Request) -> str:
    """Return the id of the token that a request carries, valid or not; empty without one."""
    raw: bytes = http.scope["vipreco.headers"].get(b"authorization", b"")
    found = TOKEN_ID.search(raw.decode("latin-1"))
    return "" if found is None else found[1]


def bearer(request: Request) -> str | None:
    """Return the token that a request carries.

    Raises:
        Problem: The header is another scheme's.
    """
    raw: bytes | None = request.scope["vipreco.headers"].get(b"authorization")
    if raw is None:
        return None
    header = raw.decode("latin-1")
    if header[: len(BEARER)].lower() != BEARER:
        raise unauthorized("unknown-scheme")
    return header[len(BEARER) :].strip()


def check_same_site(request: Request) -> None:
    """Refuse a post that a page of another site sends in the name of who is logged in.

    Raises:
        Problem: It comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign = origin is not None and origin.partition("://")[2] != host
    if site not in {"same-origin", "none"} or foreign:
        raise Problem(403, "other-site")


def check_csrf(session: Session, given: str) -> None:
    """Refuse a post without the secret that the page was given.

    Raises:
        Problem: The secret is not this log-in's.
    """
    if not hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "surrogatepass")):
        raise Problem(403, "csrf")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
