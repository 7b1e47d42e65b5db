"""Log-in with the bank's own account: OpenID Connect, authorization code with PKCE, state and nonce.

The issuer is contacted only when somebody logs in with it: while it does not answer, the service starts, and
local accounts can log in. No other host is contacted: the addresses in its description must be on its own
host, and no redirect is followed.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from vipreco.errors import DependencyDownError, UsageError, VipRecoError
from vipreco.key_files import check_private
from vipreco.settings import OidcSettings
from vipreco.store import Keys

DESCRIPTION = "/.well-known/openid-configuration"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
WAY_SECONDS = 600  # from the button to the way back
KNOWN_SECONDS, AGAIN_SECONDS = 600.0, 10.0  # how long the description counts, and the pause before a new look
ANSWER_SECONDS = 5.0
LEEWAY_SECONDS = 60
MAX_SUBJECT = 255
DOWN = "oidc-down"
PURPOSE = b"vipreco: the way to the bank's log-in and back"


class NotLetInError(VipRecoError):
    """A log-in with the bank's account failed; `code` names the check."""


class LoginRedirect(NamedTuple):
    """The redirect to the bank's log-in: its address, and the state that the browser keeps meanwhile."""

    address: str
    kept: str


@dataclass
class _Known:
    """Endpoints and keys that the bank's log-in publishes."""

    endpoints: Mapping[str, str]
    keys: KeySet
    at: float


@dataclass
class BankLogin:
    """The bank's log-in.

    Args:
        settings: Its address and our name there.
        secret: What proves that it is we who ask; empty for a client without one.
        key: Signs what the browser keeps.
    """

    settings: OidcSettings
    secret: str
    key: OctKey
    _known: _Known | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: OidcSettings, root: Path, keys: Keys) -> BankLogin:
        """Return the bank's log-in of a project.

        Raises:
            UsageError: The file of the secret is not there, empty, or others can read it.
        """
        signing = hmac.new(keys.pseudonym, PURPOSE, hashlib.sha256).digest()
        return cls(settings, read_secret(settings, root), OctKey.import_key(signing))

    def away(self, back: str) -> LoginRedirect:
        """Return the way to the bank's log-in.

        Args:
            back: Address to which it leads back.

        Raises:
            DependencyDownError: It does not answer.
        """
        kept = {name: generate_token(43) for name in ("state", "nonce", "verifier")}
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": back,
            "scope": "openid",
            "state": kept["state"],
            "nonce": kept["nonce"],
            "code_challenge": create_s256_code_challenge(kept["verifier"]),
            "code_challenge_method": "S256",
        }
        address = self._described().endpoints["authorization_endpoint"]
        mark = "&" if urlsplit(address).query else "?"
        ends = int(time.time()) + WAY_SECONDS
        return LoginRedirect(
            f"{address}{mark}{urlencode(query)}",
            jwt.encode({"alg": "HS256"}, {**kept, "exp": ends}, self.key),
        )

    def subject(self, given: Mapping[str, str], kept: str, back: str) -> str:
        """Return who came back from the bank's log-in.

        Args:
            given: Parameters of the address under which they came back.
            kept: What the browser kept.
            back: Address to which it led back.

        Raises:
            NotLetInError: They do not come from a way that began here, or the bank did not say who they are.
            DependencyDownError: The bank's log-in does not answer.
        """
        way = self._way(kept)
        if not hmac.compare_digest(way["state"].encode(), given.get("state", "").encode()):
            raise _refused("state")
        if "error" in given or not given.get("code"):
            raise _refused("issuer")
        return self._subject_in(self._token_of(given["code"], way["verifier"], back), way["nonce"])

    def _way(self, kept: str) -> dict[str, str]:
        try:
            way = jwt.decode(kept, self.key, algorithms=["HS256"]).claims
            jwt.JWTClaimsRegistry(exp={"essential": True}).validate(way)
        except (JoseError, ValueError) as error:
            raise _refused("way") from error
        return way

    def _token_of(self, code: str, verifier: str, back: str) -> str:
        """Give the code back for the statement who it is."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        mine = (quote_plus(self.settings.client_id), quote_plus(self.secret)) if self.secret else None
        address = self._described().endpoints["token_endpoint"]
        answer = _ask("POST", address, data=form, auth=mine, refusals=True)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused("code")
        return token

    def _subject_in(self, token: str, nonce: str) -> str:
        """Return the subject of an ID token, after all that has to be checked."""
        client = self.settings.client_id
        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.settings.issuer},
            "aud": {"essential": True, "value": client},
            "nonce": {"essential": True, "value": nonce},
        }
        try:
            found = self._decoded(token)
            params = {"nonce": nonce, "client_id": client}
            CodeIDToken(found.claims, found.header, wanted, params).validate(leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise _refused(getattr(error, "claim", None) or "signature") from error
        subject = found.claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT:
            raise _refused("sub")
        return subject

    def _decoded(self, token: str) -> jwt.Token:
        """Check the signature; keys that are not known may be new ones."""
        try:
            return jwt.decode(token, self._described().keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(token, self._described(AGAIN_SECONDS).keys, algorithms=ALGORITHMS)

    def _described(self, at_most: float = KNOWN_SECONDS) -> _Known:
        """Return what the bank's log-in says of itself, not older than so many seconds."""
        with self._lock:
            if self._known is None or time.monotonic() - self._known.at > at_most:
                self._known = self._look()
            return self._known

    def _look(self) -> _Known:
        issuer = self.settings.issuer
        said = _ask("GET", issuer.rstrip("/") + DESCRIPTION)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        endpoints = {name: str(said.get(name, "")) for name in names}
        if said.get("issuer") != issuer or any(_host(each) != _host(issuer) for each in endpoints.values()):
            raise _down("describes itself as another place")
        try:
            keys = KeySet.import_key_set({"keys": _public(_ask("GET", endpoints["jwks_uri"]))})
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _down("has no keys that can be read") from error
        return _Known(endpoints, keys, time.monotonic())


def read_secret(settings: OidcSettings, root: Path) -> str:
    """Return the secret of the client; a file that others can read is no secret.

    Raises:
        UsageError: The file is not there, empty, or others can read it.
    """
    if settings.client_secret_file is None:
        return ""
    path = root / settings.client_secret_file
    check_private(path, "the client's secret for the bank's log-in")
    secret = path.read_text(encoding="utf-8").strip()
    if not secret:
        raise UsageError(
            "the client's secret for the bank's log-in is empty", where=str(path), code="empty-secret"
        )
    return secret


def _public(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the keys that check signatures of people's log-ins: none that is shared, none for secrecy."""
    return [key for key in answer["keys"] if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]


def _host(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc


def _ask(method: str, address: str, *, refusals: bool = False, **given: Any) -> dict[str, Any]:
    """Ask the bank's log-in for a document; of a refusal nothing is kept but that it is one."""
    try:
        # Settings of the environment could lead it past the issuer: a proxy, credentials of a file.
        with httpx.Client(timeout=ANSWER_SECONDS, follow_redirects=False, trust_env=False) as client:
            answer = client.request(method, address, headers={"Accept": "application/json"}, **given)
        if refusals and 400 <= answer.status_code < 500:
            return {}
        answer.raise_for_status()
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _down("does not answer") from error
    if answer.is_redirect or not isinstance(found, dict):
        raise _down("does not answer")
    return found


def _refused(check: str) -> NotLetInError:
    return NotLetInError("the bank's log-in refused this person", code=f"oidc-{check}")


def _down(what: str) -> DependencyDownError:
    return DependencyDownError(f"the bank's log-in {what}", code=DOWN)
