"""Attacks with texts and bytes: injection, scripts in pages, headers, paths, bodies that are no requests."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from html.parser import HTMLParser

from tests.attack.attacks import Tries, attack
from tests.attack.target import CANARY, FOREIGN, OWN, Target
from vipreco.store import Role

TEXTS = (
    "' OR '1'='1",
    "'; DROP TABLE contacts; --",
    '" OR ""="',
    "1) UNION SELECT password_hash FROM users --",
    "{{7*7}}${7*7}<%=7*7%>#{7*7}",
    "%0d%0aSet-Cookie:%20x=1",
    "a\r\nSet-Cookie: x=1",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "http://169.254.169.254/latest",
    "$(id)`id`;id|id",
    "*)(uid=*))(|(uid=*",
    "\u202e\u2066evil\u2069",
    "\ufeff\u200b\u00a0",
    "\U0001f600" * 10,
    "A" * 5_000,
    "%s%n%x",
    "__import__('os').system('id')",
    "=cmd|' /C calc'!A0",
)
SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</title><script>alert(1)</script>",
)
OUR_SCRIPT = "/static/"
PATHS = (
    "/static/../vipreco.toml",
    "/static/..%2fvipreco.toml",
    "/static/%2e%2e/vipreco.toml",
    "/static/%2e%2e%2f%2e%2e%2fdata/store.db",
    "/static/....//vipreco.toml",
    "/static/..\\vipreco.toml",
    "/static//etc/passwd",
    "/static/%00.css",
    "/static/page.css%00.js",
    "/..%c0%af..%c0%afetc/passwd",
    "/.git/config",
    "/vipreco.toml",
    "/data/store.db",
    "/docs",
    "/docs.json",
    "/schema.json",
    "/v1/customers/..%2f..%2fmetrics/sheet",
    "/v1//metrics",
    "/metrics/",
    "/METRICS",
    "/static",
)
HEAD = b"Host: localhost\r\n"
SMUGGLED = b"GET /v1/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Scripts(HTMLParser):
    """What a browser would run of a page: scripts that are not our file, handlers, addresses that run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    @classmethod
    def of(cls, page: str) -> list[str]:
        reader = cls()
        reader.feed(page)
        return reader.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in {"img", "iframe", "object", "embed", "base"}:
            self.found.append(tag)
        if tag == "script" and not (given.get("src") or "").startswith(OUR_SCRIPT):
            self.found.append(tag)
        self.found += [name for name, value in attrs if name.startswith("on") or name == "style"]
        addresses = (given.get(name) or "" for name in ("href", "src", "action", "formaction"))
        self.found += [address for address in addresses if address.lower().startswith("javascript:")]


@attack("injected texts")
def texts(target: Target, tries: Tries) -> None:
    """Put what an interpreter would run into every text that programs and people may send."""
    with target.store() as store:
        before = store.counts()
    session, handle = target.sessions[Role.MANAGER], target.handle(OWN)
    for text in (*TEXTS, *SCRIPTS):
        answers = [
            target.ask("POST", "/v1/offers", Role.CHANNEL, json={"customer_id": text, "channel": "app"}),
            target.ask("POST", "/v1/offers", Role.CHANNEL, json={"segment": text, "channel": "app"}),
            target.ask(
                "POST", "/v1/offers:batch", Role.MANAGER, json={"customer_ids": [text], "channel": "app"}
            ),
            target.ask("POST", "/v1/outcomes", Role.MANAGER, json=_outcome(customer_id=text)),
            target.ask("POST", "/v1/outcomes", Role.MANAGER, json=_outcome(product_id=text)),
            target.ask("POST", "/v1/outcomes", Role.MANAGER, json=_outcome(outcome=text)),
            target.post("/search", session, {"text": text}),
            target.post("/language", session, {"language": text, "back": text}),
            target.post(f"/customers/{handle}/outcome", session, {"outcome": text, "product_id": text}),
            target.ask("GET", "/", session, params={"kind": text}),
        ]
        for answer in answers:
            path = answer.request.url.path
            tries.expect(answer.status_code < 500, f"{path} with {text[:20]!r}: {answer.status_code}")
            tries.expect(not re.search(r">49<|49\$49", answer.text), f"{path} computed {text[:20]!r}")
            tries.expect("set-cookie: x" not in str(answer.headers).lower(), f"{path} took a header in")
            tries.expect("root:" not in answer.text, f"{path} gave a file")
        location = answers[7].headers.get("location", "/")
        tries.expect(location.startswith("/") and not location.startswith("//"), f"led to {location}")
    with target.store() as store:
        after = store.counts()
    grown = {name for name in before if after[name] != before[name]}
    tries.expect(grown <= {"audit", "decisions", "changes"}, f"rows changed in {sorted(grown)}")


@attack("scripts in pages", short=True)
def scripts(target: Target, tries: Tries) -> None:
    """Store and send texts that a browser would run, and look for them in pages."""
    session, handle = target.sessions[Role.MANAGER], target.handle(OWN)
    for text in SCRIPTS:
        form = {"outcome": "postponed", "product_id": "", "next_date": "x", "note": text, "contact_id": text}
        pages = [
            target.post(f"/customers/{handle}/outcome", session, form),
            target.post("/search", session, {"text": text}),
            target.post("/search", session, {"text": text}, headers={"HX-Request": "true"}),
            target.ask("GET", f"/customers/{text.replace('/', '')}", session),
            target.ask("GET", "/", session, headers={"Accept-Language": text}),
        ]
        for page in pages:
            found = Scripts.of(page.text)
            tries.expect(not found, f"{page.request.url.path} runs {text[:20]!r}: {found}")
            policy = page.headers.get("content-security-policy", "")
            tries.expect(
                policy.startswith("default-src 'none'"), f"{page.request.url.path}: policy {policy[:30]}"
            )
            tries.expect("unsafe" not in policy, f"{page.request.url.path}: policy {policy}")


@attack("paths", short=True)
def paths(target: Target, tries: Tries) -> None:
    """Ask for files and routes that nobody may have, in every spelling."""
    for path in PATHS:
        sent = f"GET {path} HTTP/1.1\r\n".encode() + HEAD + b"Connection: close\r\n\r\n"
        answer = target.raw(sent)
        status = answer[9:12]
        tries.expect(status in {b"400", b"401", b"404", b"405", b""}, f"{path}: {status!r}")
        tries.expect(b"[project]" not in answer and b"root:" not in answer, f"{path} gave a file")
    long = b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n"
    tries.expect(target.raw(long)[9:12] in {b"400", b"414", b""}, "a path of 9,000 characters")


@attack("headers and smuggling", short=True)
def headers(target: Target, tries: Tries) -> None:
    """Send requests that two servers would read differently; never is a second one answered."""
    body = b"POST /v1/offers HTTP/1.1\r\n" + HEAD
    chunked = b"Transfer-Encoding: chunked\r\n"
    cases = {
        "both lengths": body + b"Content-Length: 4\r\n" + chunked + b"\r\n0\r\n\r\n" + SMUGGLED,
        "two lengths": body + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + SMUGGLED,
        "length with a sign": body + b"Content-Length: +0\r\n\r\n" + SMUGGLED,
        "length in hexadecimal": body + b"Content-Length: 0x0\r\n\r\n" + SMUGGLED,
        "negative length": body + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
        "chunked, twice": body + chunked + chunked + b"\r\n0\r\n\r\n" + SMUGGLED,
        "other coding": body + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "coding with a space": body + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "coding after a tab": body + b"Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n" + SMUGGLED,
        "bad chunk": body + chunked + b"\r\nzz\r\n\r\n" + SMUGGLED,
        "negative chunk": body + chunked + b"\r\n-1\r\n\r\n" + SMUGGLED,
        "folded header": body + b"X: a\r\n b: c\r\nContent-Length: 0\r\n\r\n",
        "null in a header": body + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
        "two hosts": b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        "foreign host": b"GET /readyz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "host in the target": b"GET http://evil.example/readyz HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "no host": b"GET /readyz HTTP/1.1\r\n\r\n",
        "a thousand headers": b"GET /readyz HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 1_000 + b"\r\n",
        "a header of 20 KB": b"GET /readyz HTTP/1.1\r\n" + HEAD + b"X: " + b"y" * 20_000 + b"\r\n\r\n",
        "no method": b"\r\n\r\n",
        "an upgrade": b"GET / HTTP/1.1\r\n" + HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n\r\n",
        "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    }
    with ThreadPoolExecutor(len(cases)) as pool:
        answers = list(pool.map(lambda sent: target.raw(sent, seconds=1.0), cases.values()))
    for name, answer in zip(cases, answers, strict=True):
        statuses = re.findall(rb"HTTP/1\.1 (\d{3})", answer)
        tries.expect(not any(status == b"200" for status in statuses), f"{name}: {statuses}")
        tries.expect(b'"openapi"' not in answer, f"{name}: the smuggled request was answered")
    claimed = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "X-Original-URL": "/metrics"}
    claimed |= {"X-Forwarded-Host": "evil.example", "Forwarded": "for=127.0.0.1;host=evil.example"}
    answer = target.ask("GET", "/", headers=claimed)
    tries.expect(answer.headers.get("location") == "/login", f"led to {answer.headers.get('location')}")
    answer = target.ask("GET", "/login", headers={**claimed, "X-HTTP-Method-Override": "DELETE"})
    tries.expect("evil.example" not in answer.text, "the page believes a claimed host")


@attack("bodies", short=True)
def bodies(target: Target, tries: Tries) -> None:
    """Send bodies that are too large, too deep, of another kind, or say a thing twice."""
    right = b'{"customer_id": "00001", "channel": "app"}'
    cases: dict[str, tuple[bytes, dict[str, str], set[int]]] = {
        "deep": (b"[" * 50_000, {}, {400}),
        "not a number": (b'{"customer_id": "1", "channel": "app", "limit": NaN}', {}, {400, 422}),
        "a key twice": (b'{"customer_id": "00001", "customer_id": "00050", "channel": "app"}', {}, {400}),
        "half a surrogate": (b'{"customer_id": "\\ud800", "channel": "app"}', {}, {400, 422}),
        "null in an id": (b'{"customer_id": "a\\u0000", "channel": "app"}', {}, {400, 422}),
        "another field": (right[:-1] + b', "role": "admin"}', {}, {422}),
        "a number as text": (right[:-1] + b', "limit": "3"}', {}, {422}),
        "a huge number": (right[:-1] + b', "limit": 9223372036854775808}', {}, {400, 422}),
        "as XML": (
            b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
            {"Content-Type": "text/xml"},
            {415},
        ),
        "pickled": (b"cos\nsystem\n(S'id'\ntR.", {"Content-Type": "application/octet-stream"}, {415}),
        "compressed": (right, {"Content-Encoding": "gzip"}, {415}),
        "100 KB": (b" " * 100_000 + right, {}, {413}),
    }
    for name, (content, given, statuses) in cases.items():
        headers = {"Content-Type": "application/json", **given}
        answer = target.ask("POST", "/v1/offers", Role.CHANNEL, content=content, headers=headers)
        tries.expect(answer.status_code in statuses, f"{name}: {answer.status_code}")
        tries.expect(
            "passwd" not in answer.text and "00001" not in answer.text, f"{name}: the body came back"
        )
    before = target.resident_mib()
    for declared in (b"Content-Length: 200000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
        token = target.tokens[Role.CHANNEL].encode()
        head = b"POST /v1/offers HTTP/1.1\r\nContent-Type: application/json\r\nAuthorization: Bearer " + token
        flood = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        answer = target.raw(head + b"\r\n" + HEAD + declared + flood * 64, seconds=2.0)
        tries.expect(answer[9:12] in {b"413", b"400", b""}, f"200 MB as {declared[:8]!r}: {answer[9:12]!r}")
    grown = target.resident_mib() - before
    tries.expect(grown < 20, f"a worker grew by {grown:.0f} MiB")
    tries.measured.append(f"largest worker grew by {grown:.1f} MiB")


@attack("slow bodies")
def slow_bodies(target: Target, tries: Tries) -> None:
    """Send forty bodies byte by byte, which the service behind its proxy never sees; others are answered."""
    stop = threading.Event()

    token = target.tokens[Role.CHANNEL].encode()
    head = (
        b"Content-Type: application/json\r\nAuthorization: Bearer "
        + token
        + b"\r\nContent-Length: 60\r\n\r\n"
    )

    def slow() -> None:
        address = ("127.0.0.1", target.port)
        with suppress(OSError), socket.create_connection(address) as connection:
            connection.sendall(b"POST /v1/offers HTTP/1.1\r\n" + HEAD + head)
            while not stop.wait(0.5):
                connection.sendall(b" ")

    threads = [threading.Thread(target=slow, daemon=True) for _ in range(40)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        began = time.monotonic()
        status = target.ask("GET", "/readyz").status_code
        tries.expect(status == 200 and time.monotonic() - began < 2, f"others wait: {status}")
    stop.set()
    for thread in threads:
        thread.join(5)


@attack("customers in logs and numbers")
def logs(target: Target, tries: Tries) -> None:
    """Send words of a customer everywhere, and look for them in log, metrics and addresses."""
    session, handle = target.sessions[Role.MANAGER], target.handle(OWN)
    answers = [
        target.post("/search", session, {"text": CANARY}),
        target.log_in(CANARY, CANARY, "10.2.0.2"),
        target.post(f"/customers/{handle}/outcome", session, {"outcome": "none", "note": CANARY}),
        target.ask("GET", f"/{CANARY}"),
        target.ask("GET", f"/v1/customers/{CANARY}/sheet", Role.MANAGER),
        target.ask("POST", "/v1/offers", Role.CHANNEL, json={"customer_id": CANARY, "channel": "app"}),
        target.ask("POST", "/v1/offers", Role.CHANNEL, json={"customer_id": [CANARY], "channel": "app"}),
        target.ask(
            "POST",
            "/v1/offers",
            Role.CHANNEL,
            content=f'{{"{CANARY}'.encode(),
            headers={"Content-Type": "application/json"},
        ),
        target.ask("POST", "/v1/outcomes", Role.MANAGER, json=_outcome(note=CANARY, outcome="none")),
    ]
    for answer in answers[5:]:
        tries.expect(
            CANARY not in answer.text.replace(f'"customer_id":"{CANARY}"', ""), "a refusal repeats its input"
        )
    numbers = target.ask("GET", "/metrics", Role.ADMIN).text
    written = {"log": target.log(), "metrics": numbers}
    written["addresses"] = "".join(answer.headers.get("location", "") for answer in answers)
    for place, text in written.items():
        tries.expect(CANARY not in text, f"words of a customer are in the {place}")
        named = re.search(rf"(?<![0-9a-f.]){FOREIGN}(?![0-9a-f])", text)
        tries.expect(named is None, f"the id of a customer is in the {place}")
    rows = json.dumps(target.audit())
    tries.expect(CANARY not in rows and f'"{OWN}"' not in rows, "the audit names a customer")


def _outcome(**changed: str) -> dict[str, str]:
    return {"customer_id": OWN, "channel": "call", "outcome": "unreachable", **changed}
