"""A bank's log-in on loopback: real HTTP, real signatures, and every way in which it can be wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET, SUBJECT = "vipreco-page", "s3cret/&+ 1", "ann@bank"


@cache
def key(name: str) -> RSAKey:
    """Return a key pair by name; each is made once a process."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@dataclass
class Provider:
    """The bank's log-in.

    Attributes:
        claims: What is changed in the ID token; None takes a claim away.
        signs: Name of the key that signs; `published` are those that it tells.
        forge: Makes the whole token otherwise.
        described: What is changed in the description.
        asked: Paths that were asked for, in order.
    """

    address: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    signs: str = "one"
    published: tuple[str, ...] = ("one",)
    forge: Callable[[dict[str, Any]], str] | None = None
    described: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            **self.described,
        }

    def keys(self) -> dict[str, Any]:
        return KeySet([key(name) for name in self.published]).as_dict(private=False)

    def authorize(self, query: dict[str, str]) -> str:
        """Log a person in who needs no persuasion, and return where they are sent back to."""
        assert query["response_type"] == "code"
        assert query["scope"] == "openid"
        assert query["client_id"] == CLIENT
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Give the ID token for a code, once, to who can prove that they asked for it."""
        query = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        basic = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        right = (
            query is not None
            and query["code_challenge"] == challenge
            and query["redirect_uri"] == form["redirect_uri"]
            and form["grant_type"] == "authorization_code"
            and basic == f"{CLIENT}:s3cret%2F%26%2B+1"
        )
        if not right or query is None:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.id_token(query["nonce"])}

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        full = {
            "iss": self.address,
            "sub": SUBJECT,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.claims,
        }
        told = {name: value for name, value in full.items() if value is not None}
        if self.forge is not None:
            return self.forge(told)
        return jwt.encode({"alg": "RS256", "kid": self.signs}, told, key(self.signs))


@contextmanager
def serving() -> Iterator[Provider]:
    """Run a bank's log-in on a free port of this machine."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(303)
                self.send_header("Location", provider.authorize(query))
                self.end_headers()
                return
            found = {"/.well-known/openid-configuration": provider.description, "/keys": provider.keys}
            self.answer(200, found[parts.path]()) if parts.path in found else self.answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(*provider.token(form, self.headers.get("Authorization", "")))

        def answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
