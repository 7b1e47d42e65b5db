"""Log-in with the bank's account: who is let in, who is not, and that nobody else is asked."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from argon2 import PasswordHasher
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import ValidationError
from starlette.requests import Request

from serving.api.application import create_app
from serving.auth import oidc
from serving.auth.cookies import COOKIE
from serving.auth.sessions import log_in_by_subject
from serving.http.app_state import clock
from serving.http.operation import HttpRequest
from serving.page.login_redirect import COOKIE as WAY
from serving.page.pages import make_pages
from serving.service import bank_login
from tests.serving.fake_oidc import CLIENT, SECRET, SUBJECT, Provider, key, serving
from tests.serving.small_bank import PASSWORD, Bank
from vipreco.errors import UsageError
from vipreco.settings import OidcSettings
from vipreco.store import Role, User, users

BASE = "http://localhost"


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords hashed with little memory and one round."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    """The bank's log-in, as it should be."""
    fresh = Provider()
    for name in ("claims", "signs", "published", "forge", "described"):
        setattr(running, name, getattr(fresh, name))
    running.asked.clear()
    running.codes.clear()
    return running


@dataclass
class Visit:
    """A browser with its cookies at the page of a bank."""

    app: Any
    cookies: httpx.Cookies

    def get(self, address: str) -> httpx.Response:
        return asyncio.run(self._ask("GET", address))

    def post(self, address: str, **data: str) -> httpx.Response:
        return asyncio.run(self._ask("POST", address, data=data))

    async def _ask(self, method: str, address: str, **given: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, cookies=self.cookies) as client:
            answer = await client.request(method, address, **given)
            self.cookies = httpx.Cookies(client.cookies)
            return answer

    def at_bank(self) -> str:
        """Press the button, log in there, and return the address to which one is led back."""
        away = self.get("/login/bank")
        assert away.status_code == 303
        return httpx.get(away.headers["location"], trust_env=False).headers["location"]

    @property
    def is_in(self) -> bool:
        return COOKIE in self.cookies and self.get("/").headers.get("location") != "/login"


@pytest.fixture
def visit(make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path) -> Visit:
    """A browser at a bank that knows one person by their subject."""
    return visited(make_bank, tmp_path, provider.address)[1]


def visited(make_bank: Callable[..., Bank], folder: Path, issuer: str) -> tuple[Bank, Visit]:
    secret = folder / "oidc.secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)
    settings = OidcSettings(
        issuer=issuer, client_id=CLIENT, client_secret_file="oidc.secret", name="Bank <SSO>"
    )
    bank = make_bank(oidc=settings)
    bank.state.store.users.create(User("eva", Role.AUDITOR, subject=SUBJECT))
    pages = make_pages(bank.state, None, bank_login(bank.state))  # type: ignore[arg-type]
    return bank, Visit(create_app(bank.state, pages), httpx.Cookies())


def test_who_has_an_account_is_let_in_as_with_a_password(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    assert provider.asked == []  # nothing is asked before somebody wants to log in
    assert "Bank &lt;SSO&gt;" in visit.get("/login").text
    back = visit.at_bank()
    assert not visit.is_in
    answer = visit.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert visit.is_in
    assert WAY not in visit.cookies
    session = bank.state.store.sessions.read(visit.cookies[COOKIE], clock())
    assert session is not None
    assert session.user == User("eva", Role.AUDITOR, subject=SUBJECT)
    assert [row["actor"] for row in bank.audit()] == ["user:eva"]


def test_what_is_asked_of_the_bank_is_what_the_standard_says(visit: Visit, provider: Provider) -> None:
    away = urlsplit(visit.get("/login/bank").headers["location"])
    asked = {name: values[0] for name, values in parse_qs(away.query).items()}
    assert f"{away.scheme}://{away.netloc}{away.path}" == f"{provider.address}/authorize"
    assert asked["redirect_uri"] == f"{BASE}/login/bank/back"
    assert len({asked[name] for name in ("state", "nonce", "code_challenge")}) == 3
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    again = parse_qs(urlsplit(visit.get("/login/bank").headers["location"]).query)
    assert again["state"][0] != asked["state"]
    assert again["nonce"][0] != asked["nonce"]


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"nonce": "other"}, "oidc-nonce"),
        ({"nonce": None}, "oidc-nonce"),
        ({"aud": "other"}, "oidc-aud"),
        ({"aud": None}, "oidc-aud"),
        ({"aud": [CLIENT, "other"]}, "oidc-azp"),
        ({"aud": [CLIENT, "other"], "azp": "other"}, "oidc-azp"),
        ({"iss": "http://127.0.0.1:1"}, "oidc-iss"),
        ({"iss": None}, "oidc-iss"),
        ({"exp": NOW - 120, "iat": NOW - 300}, "oidc-exp"),
        ({"exp": None}, "oidc-exp"),
        ({"exp": "soon"}, "oidc-exp"),
        ({"iat": NOW + 3_600, "exp": NOW + 7_200}, "oidc-iat"),
        ({"nbf": NOW + 3_600}, "oidc-nbf"),
        ({"sub": None}, "oidc-sub"),
        ({"sub": ""}, "oidc-sub"),
        ({"sub": "x" * 256}, "oidc-sub"),
    ],
)
def test_a_statement_that_is_not_for_this_log_in_is_refused(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path, claims: dict[str, Any], code: str
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    provider.claims = claims
    refuse(bank, visit, visit.at_bank(), code)


def refuse(bank: Bank, visit: Visit, back: str, code: str) -> None:
    answer = visit.get(back)
    assert answer.status_code == 401, answer.text
    assert "was not completed" in answer.text
    assert COOKIE not in visit.cookies
    found = [(row["actor"], row["action"], row["result"], row["purpose"]) for row in bank.audit()]
    assert found == [("nobody", "login", "denied", bank.state.reason(code, "127.0.0.1"))]


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none"}, claims)
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts) + "."
    )


def signed_with_the_public_key(claims: dict[str, Any]) -> str:
    body = unsigned(claims).split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    seal = hmac.new(key("one").as_pem(private=False), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"


def changed_after_signing(claims: dict[str, Any]) -> str:
    head, _, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims, key("one")).split(".")
    body = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "root"}).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def signed_by_a_stranger(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key("stranger"))


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        signed_with_the_public_key,
        changed_after_signing,
        signed_by_a_stranger,
        lambda _: "no token",
        lambda _: "a.b.c",
    ],
)
def test_a_statement_that_the_bank_did_not_sign_is_refused(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path, forge: Callable[[dict[str, Any]], str]
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    provider.forge = forge
    refuse(bank, visit, visit.at_bank(), "oidc-signature")


def test_a_new_key_of_the_bank_is_looked_up(visit: Visit, provider: Provider, monkeypatch: Any) -> None:
    visit.get(visit.at_bank())
    monkeypatch.setattr(oidc, "AGAIN_SECONDS", 0.0)
    provider.signs, provider.published = "two", ("one", "two")
    visit.cookies = httpx.Cookies()
    assert visit.get(visit.at_bank()).headers["location"] == "/"
    assert provider.asked.count("/keys") == 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda back: back.replace("state=", "state=x"), "oidc-state"),
        (lambda back: back.partition("&state")[0], "oidc-state"),
        (lambda back: back.replace("code=", "code=x"), "oidc-code"),
        (lambda back: back.replace("code=", "error=access_denied&x="), "oidc-issuer"),
    ],
)
def test_a_way_back_that_was_changed_is_refused(
    make_bank: Callable[..., Bank],
    provider: Provider,
    tmp_path: Path,
    change: Callable[[str], str],
    code: str,
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    refuse(bank, visit, change(visit.at_bank()), code)


def test_a_way_back_without_the_way_there_is_refused(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path
) -> None:
    """Nobody is logged in by a link that somebody else sends them."""
    bank, visit = visited(make_bank, tmp_path, provider.address)
    back = visit.at_bank()
    visit.cookies = httpx.Cookies()
    refuse(bank, visit, back, "oidc-way")


def test_a_way_of_another_browser_or_one_that_was_made_up_is_refused(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    other = Visit(visit.app, httpx.Cookies())
    theirs, mine = other.at_bank(), visit.at_bank()
    assert theirs != mine
    refuse(bank, visit, theirs, "oidc-state")
    forged = jwt.encode({"alg": "HS256"}, {"state": "s", "exp": NOW + 600}, OctKey.import_key("0" * 32))
    other.cookies = httpx.Cookies({WAY: forged})
    assert other.get(mine).status_code == 401


def test_a_way_back_counts_once_and_for_ten_minutes(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    back, kept = visit.at_bank(), visit.cookies
    assert visit.get(back).status_code == 303
    visit.cookies = httpx.Cookies(kept)
    assert visit.get(back).status_code == 401
    monkeypatch.setattr(oidc, "WAY_SECONDS", -1)
    late = Visit(visit.app, httpx.Cookies())
    assert late.get(late.at_bank()).status_code == 401
    reasons = [bank.state.reason(code, "127.0.0.1") for code in ("oidc-code", "oidc-way")]
    assert [row["purpose"] for row in bank.audit()] == ["", *reasons]


def test_whom_the_bank_knows_and_we_do_not_is_refused(
    make_bank: Callable[..., Bank], provider: Provider, tmp_path: Path
) -> None:
    bank, visit = visited(make_bank, tmp_path, provider.address)
    provider.claims = {"sub": "somebody"}
    answer = visit.get(visit.at_bank())
    assert (answer.status_code, COOKIE in visit.cookies) == (403, False)
    assert "no account here" in answer.text
    assert "somebody" not in answer.text
    (row,) = bank.audit()
    known = (row["actor"], row["object"], row["result"], row["purpose"])
    reason = bank.state.reason("oidc-unknown", "127.0.0.1")
    assert known == ("nobody", bank.state.keys.pseudonym_of("somebody"), "denied", reason)
    bank.state.store.users.disable("eva")
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("127.0.0.1", 1)}
    assert log_in_by_subject(HttpRequest(Request(scope), bank.state, "1"), SUBJECT) is None


def test_while_the_banks_log_in_is_dead_the_page_starts_and_a_password_gets_in(
    make_bank: Callable[..., Bank], tmp_path: Path
) -> None:
    bank, visit = visited(make_bank, tmp_path, "http://127.0.0.1:9")
    answer = visit.get("/login/bank")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert 'name="password"' in answer.text
    assert visit.post("/login", user="ann", password=PASSWORD).headers["location"] == "/"
    assert COOKIE in visit.cookies
    assert [row["actor"] for row in bank.audit()] == ["user:ann"]


def test_nobody_but_the_issuer_is_asked(visit: Visit, provider: Provider) -> None:
    with serving() as trap:
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            provider.described = {name: f"{trap.address}/x"}
            assert visit.get("/login/bank").status_code == 503
        provider.described = {"issuer": trap.address}
        assert visit.get("/login/bank").status_code == 503
        assert trap.asked == []
    assert set(provider.asked) == {oidc.DESCRIPTION}


def test_without_settings_there_is_no_button_and_no_way(make_bank: Callable[..., Bank]) -> None:
    bank = make_bank()
    assert bank_login(bank.state) is None
    visit = Visit(create_app(bank.state, make_pages(bank.state, None)), httpx.Cookies())  # type: ignore[arg-type]
    assert "/login/bank" not in visit.get("/login").text
    assert visit.get("/login/bank").status_code == 404


@pytest.mark.parametrize(
    ("content", "mode", "code"),
    [(None, 0, "no-secret-file"), ("x", 0o644, "key-readable"), (" \n", 0o600, "empty-secret")],
)
def test_a_secret_that_is_none_is_refused_at_the_start(
    make_bank: Callable[..., Bank], tmp_path: Path, content: str | None, mode: int, code: str
) -> None:
    settings = OidcSettings(issuer="https://bank", client_id=CLIENT, client_secret_file="secret")
    if content is not None:
        (tmp_path / "secret").write_text(content)
        (tmp_path / "secret").chmod(mode)
    bank = make_bank(oidc=settings)
    with pytest.raises(UsageError) as refused:
        bank_login(bank.state)
    assert (refused.value.exit_code, refused.value.code) == (2, code)


@pytest.mark.parametrize(
    "issuer",
    ["http://bank.example", "ftp://bank", "bank", "https://", "https://a:b@bank", "https://bank?x=1", ""],
)
def test_an_issuer_is_a_safe_address(issuer: str) -> None:
    with pytest.raises(ValidationError):
        OidcSettings(issuer=issuer, client_id=CLIENT)
