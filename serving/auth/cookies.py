"""Cookies of people: bound to this host behind TLS; the session, and the device that logged in before."""

from __future__ import annotations

import hmac
import secrets
import time
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from serving.http.addresses import is_behind_tls
from vipreco.store import SESSION_HOURS, Keys

COOKIE, DEVICE = "vipreco_session", "vipreco_device"
# A browser takes a cookie of this prefix over TLS and from this host alone: no other host can set it.
PREFIX = "__Host-"
DEVICE_DAYS = 90
PURPOSE = b"vipreco: device that logged in"


def session_secret(http: Request) -> str | None:
    """Return the secret of the session that a request carries."""
    return read_cookie(http, COOKIE) or None


def remember_session(response: Response, http: Request, secret: str) -> None:
    """Give the browser the cookie of a session."""
    put_cookie(response, http, COOKIE, secret, SESSION_HOURS * 3600)


def forget_session(response: Response, http: Request) -> None:
    """Take the cookie of a session away."""
    forget_cookie(response, http, COOKIE)


def remember_device(response: Response, http: Request, keys: Keys, user_id: str) -> None:
    """Give the browser the proof that this account logged in from it."""
    number, ends = secrets.token_hex(8), int(time.time()) + DEVICE_DAYS * 86_400
    value = f"{number}.{ends}.{_seal(keys, user_id, number, ends)}"
    put_cookie(response, http, DEVICE, value, DEVICE_DAYS * 86_400)


def known_device(http: Request, keys: Keys, user_id: str) -> str | None:
    """Return the number of the device if this account logged in from it before."""
    number, _, rest = read_cookie(http, DEVICE).partition(".")
    ends, _, seal = rest.partition(".")
    if not ends.isdigit() or len(ends) > 12 or int(ends) < time.time():
        return None
    right = _seal(keys, user_id, number, int(ends))
    return number if hmac.compare_digest(right.encode(), seal.encode()) else None


def read_cookie(http: Request, name: str) -> str:
    """Return the value of a cookie of ours; empty without it."""
    return http.cookies.get(_name(http, name), "")


def put_cookie(response: Response, http: Request, name: str, value: str, seconds: int) -> None:
    """Give the browser a cookie that no script can read and, behind TLS, no other host can set."""
    response.set_cookie(
        _name(http, name),
        value,
        seconds,
        path="/",
        secure=is_behind_tls(http),
        httponly=True,
        samesite="lax",
    )


def forget_cookie(response: Response, http: Request, name: str) -> None:
    """Take a cookie of ours away."""
    secure = is_behind_tls(http)
    response.delete_cookie(_name(http, name), path="/", secure=secure, httponly=True, samesite="lax")


def _seal(keys: Keys, user_id: str, number: str, ends: int) -> str:
    key = hmac.new(keys.pseudonym, PURPOSE, sha256).digest()
    return hmac.new(key, f"{number}.{ends}.{user_id}".encode("utf-8", "surrogatepass"), sha256).hexdigest()


def _name(http: Request, name: str) -> str:
    return f"{PREFIX}{name}" if is_behind_tls(http) else name
