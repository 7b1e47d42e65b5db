"""The caller of a request: a program by its token, a person by the cookie of their log-in."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from contextlib import suppress
from datetime import UTC, datetime

from starlette.requests import Request

from serving.http.operation import Caller
from serving.http.problems import Problem, unauthorized
from vipreco.errors import VipRecoError
from vipreco.store import Session, Store, Token

TOKEN_SECONDS = 2.0  # a revoked token is refused after this time at the latest
MAX_TOKENS = 1_000
COOKIE = "vipreco_session"
CSRF_HEADER, CSRF_FIELD = "x-csrf-token", "csrf"
BEARER = "bearer "


class Identity:
    """Looks tokens and sessions up in the store; tokens that are right are remembered for two seconds."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._known: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._last: OrderedDict[str, Caller] = OrderedDict()

    def remembered(self, text: str) -> Caller | None:
        """Return who a token stands for, if it was looked up within two seconds."""
        found = self._known.get(text)
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def of_token(self, text: str) -> Caller:
        """Return who a token stands for.

        Raises:
            Problem: It is wrong, has ended or was revoked.
        """
        token = self.store.tokens.authenticate(text, datetime.now(UTC).replace(tzinfo=None))
        if token is None:
            self._known.pop(text, None)
            raise unauthorized("unknown-token")
        self._note_use(token)
        caller = Caller(f"token:{token.token_id}", token.role, token.manager_id)
        self._known[text] = (time.monotonic() + TOKEN_SECONDS, caller)
        while len(self._known) > MAX_TOKENS:
            self._known.popitem(last=False)
        return caller

    def _note_use(self, token: Token) -> None:
        """Note the first use of a day where the store takes it; nobody is refused because it does not."""
        now = datetime.now(UTC).replace(tzinfo=None)
        if token.used_date != now.date():
            with suppress(VipRecoError):
                self.store.tokens.used(token.token_id, now)

    def of_session(self, secret: str) -> Caller | None:
        """Return who is logged in, or None when the log-in has ended."""
        session = self.store.sessions.read(secret, datetime.now(UTC).replace(tzinfo=None))
        if session is None:
            return None
        user = session.user
        return Caller(f"user:{user.user_id}", user.role, user.manager_id, session)


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
