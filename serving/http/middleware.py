"""HTTP middleware: checks of headers, path and host, security headers, metrics and log of each request."""

from __future__ import annotations

import re
import time
from itertools import chain

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http import logs, metrics
from serving.http.app_state import AppState
from serving.http.ids import new_id
from serving.http.load_shedding import LoadShedding
from serving.http.problems import Problem, unavailable

MAX_HEADER_BYTES, MAX_HEADERS, MAX_PATH = 16 * 1024, 100, 2048
ALWAYS = frozenset({"/livez", "/readyz", "/metrics"})
SLOW_SECONDS = 1.0
FORBIDDEN = re.compile(rb"%2f|%5c|%00|\\|[^\x21-\x7e]", re.IGNORECASE)
UNKNOWN_ROUTE = "unknown"
ANSWER_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
ONCE = (b"host", b"authorization", b"content-type", b"content-length")
CLOSE = {"Connection": "close"}


class HttpMiddleware:
    """Checks each request before the application, and completes each answer.

    Args:
        app: The application.
        state: For the names by which the service is called.
    """

    def __init__(self, app: ASGIApp, state: AppState) -> None:
        self.app = app
        self.hosts = frozenset(_host_names(state))
        self.lag = LoadShedding()
        self._right_hosts: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        scope["vipreco.request_id"] = new_id(8)
        self.lag.watch()
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = completed(message["headers"], scope["vipreco.request_id"])
            await send(message)

        try:
            problem = self._problem(scope)
            if problem is None:
                await self.app(scope, receive, sending)
            else:
                scope["vipreco.code"] = problem.code
                await problem.response(scope["vipreco.request_id"])(scope, receive, sending)
        except Exception as error:
            logs.failed(scope, error)
            await _broken(scope, receive, sending, status)
        finally:
            _count(scope, status, time.perf_counter() - started)

    def _problem(self, scope: Scope) -> Problem | None:
        scope["vipreco.headers"] = headers = dict(scope["headers"])
        found = _wrong_headers(scope["headers"], headers) or _wrong_path(scope)
        if found is not None:
            return found
        if not self._is_ours(headers.get(b"host", b"")):
            return Problem(421, "foreign-host", headers=CLOSE)
        if self.lag.overloaded and scope["path"] not in ALWAYS:
            return unavailable("overloaded")
        return None

    def _is_ours(self, host: bytes) -> bool:
        """Return whether a Host header names this service; right ones are remembered, there are few."""
        if host in self._right_hosts:
            return True
        found = _host_name(host.decode("latin-1")) in self.hosts
        if found and len(self._right_hosts) < MAX_HEADERS:
            self._right_hosts.add(host)
        return found


async def _broken(scope: Scope, receive: Receive, send: Send, status: int) -> None:
    """Answer 500 after a bug of ours, if nothing was answered yet."""
    if status == 500:  # nothing was sent: an answer that is on its way has another
        await Problem(500, "internal").response(scope["vipreco.request_id"])(scope, receive, send)


def completed(headers: list[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer and those that every answer carries, unless it has its own."""
    own = dict(headers)
    common = [header for header in ANSWER_HEADERS if header[0] not in own]
    return [*headers, *common, (b"x-request-id", request_id.encode())]


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("vipreco.route", UNKNOWN_ROUTE)
    metrics.observe(route, status, seconds)
    if status >= 400 or seconds > SLOW_SECONDS:
        logs.answered(scope, route, status, seconds)


def _wrong_headers(given: list[tuple[bytes, bytes]], headers: dict[bytes, bytes]) -> Problem | None:
    if len(given) > MAX_HEADERS or sum(map(len, chain.from_iterable(given))) > MAX_HEADER_BYTES:
        return Problem(431, "headers-too-large", headers=CLOSE)
    if b"content-length" in headers and b"transfer-encoding" in headers:
        return Problem(400, "two-lengths", headers=CLOSE)
    if len(headers) < len(given) and any(_count_of(given, name) > 1 for name in ONCE):
        return Problem(400, "header-twice", headers=CLOSE)
    return None


def _count_of(given: list[tuple[bytes, bytes]], name: bytes) -> int:
    return sum(header == name for header, _ in given)


def _wrong_path(scope: Scope) -> Problem | None:
    raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    if len(raw) + len(scope["query_string"]) > MAX_PATH:
        return Problem(400, "path-too-long", headers=CLOSE)
    if FORBIDDEN.search(raw):
        return Problem(404, "not-found")
    return None


def _host_name(host: str) -> str:
    """Return the name in a Host header without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _host_names(state: AppState) -> set[str]:
    return {"localhost", "127.0.0.1", "[::1]", state.settings.host, *state.settings.hosts}
