"""Requests that are wrong: told so by code and place, never by their own words, and never by a 500."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.serving.small_bank import OWN, Bank
from vipreco.store import Role

CANARY = "Zhang-Wei-13800138000"
JSON = {"Content-Type": "application/json"}


def send(bank: Bank, body: bytes | str, path: str = "/v1/offers", **headers: str) -> httpx.Response:
    return bank.ask("POST", path, Role.CHANNEL, content=body, headers={**JSON, **headers})


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nonsense",
        '{"customer_id": "0001", "channel": "app"} x',
        "[" * 60_000,
        '{"a":' * 5_000,
        '{"customer_id": "0001", "channel": "app", "limit": NaN}',
        '{"customer_id": "0001", "channel": "app", "limit": Infinity}',
        '{"customer_id": "0001", "customer_id": "0002", "channel": "app"}',
        '{"customer_id": "0001", "customer\\u005fid": "0002", "channel": "app"}',
        '{"customer_id": "0001", "channel": "app", "facts": {"attributes": {"tier": "A", "tier" : "B"}}}',
        '{"customer_id": "a\\":b", "channel" \t: "app", "channel":"app"}',
        '{"customer_id": "\\ud800", "channel": "app"}',
        b'{"customer_id": "\xff", "channel": "app"}',
        '{"limit": ' + "9" * 5_000 + "}",
    ],
)
def test_what_is_no_json_is_malformed(bank: Bank, body: bytes | str) -> None:
    """B68, B74."""
    answer = send(bank, body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"channel": None}, "channel", "literal-error"),
        ({"channel": 3}, "channel", "literal-error"),
        ({"limit": "3"}, "limit", "int-type"),
        ({"limit": 3.0}, "limit", "int-type"),
        ({"limit": True}, "limit", "int-type"),
        ({"limit": 0}, "limit", "greater-than-equal"),
        ({"limit": -1}, "limit", "greater-than-equal"),
        ({"limit": 51}, "limit", "less-than-equal"),
        ({"limit": 10**9}, "limit", "less-than-equal"),
        ({"limit": 2**63}, "limit", "less-than-equal"),
        ({"customer_id": "a\0b"}, "customer_id", "string-pattern-mismatch"),
        ({"customer_id": ""}, "customer_id", "string-too-short"),
        ({"customer_id": ["0001"]}, "customer_id", "string-type"),
        ({CANARY: 1}, "*", "extra-forbidden"),
        ({"facts": {"attributes": {CANARY: 1}}}, "facts.attributes.*.*", "string-pattern-mismatch"),
        ({"facts": []}, "facts", "model-type"),
    ],
)
def test_a_wrong_field_is_named_by_its_place(
    bank: Bank, change: dict[str, Any], field: str, code: str
) -> None:
    """B71, B72, B74."""
    answer = bank.offers(**change)
    assert answer.status_code == 422
    assert {"field": field, "code": code} in answer.json()["errors"]
    assert CANARY not in answer.text


def test_a_missing_field_is_named(bank: Bank) -> None:
    answer = send(bank, json.dumps({"customer_id": OWN}))
    assert answer.json()["errors"] == [{"field": "channel", "code": "missing"}]


@pytest.mark.parametrize("body", ["[]", '"0001"', "3", "null", "true"])
def test_json_that_is_no_object_is_refused(bank: Bank, body: str) -> None:
    """B68."""
    assert send(bank, body).status_code == 422


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-python-pickle",
        "multipart/form-data; boundary=x",
        "application/vnd.apache.arrow.stream",
        "application/x-www-form-urlencoded",
        "application/json; charset=gb18030",
    ],
)
def test_another_content_type_is_refused(bank: Bank, kind: str) -> None:
    """B69."""
    assert send(bank, b"{}", **{"Content-Type": kind}).status_code == 415


def test_a_compressed_body_is_refused_unread(bank: Bank) -> None:
    """B77."""
    assert send(bank, b"\x1f\x8b" * 10, **{"Content-Encoding": "gzip"}).status_code == 415


def test_a_body_that_says_it_is_too_large_is_not_read(bank: Bank) -> None:
    """B75."""
    answer = send(bank, b"x" * (64 * 1024 + 1))
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"


def test_an_endless_body_is_given_up_after_the_limit(bank: Bank) -> None:
    """F28."""
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 4096
            yield b" " * 4096

    async def ask() -> int:
        """The transport of httpx reads a request whole, so the application is called as a server does."""
        parts = endless()
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": await anext(parts), "more_body": True}

        async def take(message: Any) -> None:
            sent.append(message)

        await bank.app(scope_of(bank), receive, take)
        return int(sent[0]["status"])

    assert asyncio.run(ask()) == 413
    assert taken <= 68 * 1024


def scope_of(bank: Bank, *headers: tuple[bytes, bytes], path: str = "/v1/offers") -> dict[str, Any]:
    token = f"Bearer {bank.tokens[Role.CHANNEL]}".encode()
    given = [(b"host", b"localhost"), (b"content-type", b"application/json"), (b"authorization", token)]
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [*given, *headers],
    }


def status_of(bank: Bank, scope: dict[str, Any]) -> int:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take(message: Any) -> None:
        sent.append(message)

    asyncio.run(bank.app(scope, receive, take))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"x-filler", b"x" * 17_000)], 431),
        ([(b"x-filler-%d" % number, b"x") for number in range(1000)], 431),
        ([(b"content-length", b"2"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"authorization", b"Bearer other")], 400),
        ([(b"host", b"evil.example")], 400),
        ([(b"content-length", b"-1")], 413),
        ([(b"content-length", b"9" * 30)], 413),
    ],
)
def test_headers_out_of_order_are_refused(
    bank: Bank, headers: list[tuple[bytes, bytes]], status: int
) -> None:
    """B78."""
    assert status_of(bank, scope_of(bank, *headers)) == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/customers/..%2f..%2fetc%2fpasswd/sheet", 404),
        ("/v1/customers/%00/sheet", 404),
        ("/v1/customers/a%5cb/sheet", 404),
        ("/v1/customers/" + "a" * 8192 + "/sheet", 400),
        ("/v1/offers/", 404),
        ("/schema.json", 404),
        ("/docs.json", 404),
        ("/", 404),
        ("/static_content/x", 404),
        ("/healthz", 404),
    ],
)
def test_odd_paths_and_the_frameworks_own_are_not_there(bank: Bank, path: str, status: int) -> None:
    """B70, B85."""
    answer = bank.ask("GET", path, Role.MANAGER)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost:x"])
def test_another_host_is_misdirected(bank: Bank, host: str) -> None:
    """B85."""
    assert bank.ask("GET", "/livez", headers={"Host": host}).status_code == 421


def test_the_proxys_name_is_ours_when_the_settings_say_so(make_bank: Any) -> None:
    bank = make_bank(hosts=("offers.bank.example",))
    assert bank.ask("GET", "/livez", headers={"Host": "offers.bank.example:443"}).status_code == 200


def test_another_method_is_told_those_that_there_are(bank: Bank) -> None:
    """B70."""
    answer = bank.ask("DELETE", "/v1/offers", Role.CHANNEL)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_batch_answers_each_customer_once_and_those_that_are_none_as_not_found(bank: Bank) -> None:
    """B75, B76."""
    ids = [OWN, "9999", OWN, "a\0b", ""]
    answer = bank.ask(
        "POST", "/v1/offers:batch", Role.MARKETING, json={"customer_ids": ids, "channel": "app"}
    )
    found = [(item["customer_id"], item["status"]) for item in answer.json()["answers"]]
    assert found == [(OWN, 200), ("9999", 404), ("a\0b", 404), ("", 404)]


def test_a_batch_of_more_than_five_hundred_is_refused(bank: Bank) -> None:
    """B75."""
    sent = {"customer_ids": [str(number) for number in range(501)], "channel": "app"}
    answer = bank.ask("POST", "/v1/offers:batch", Role.MARKETING, json=sent)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "customer_ids", "code": "too-long"}]


def test_a_fault_of_ours_is_a_500_without_its_text(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> None:
        raise KeyError(CANARY)

    bank.release.offers = broken  # type: ignore[assignment,method-assign]
    answer = bank.offers()
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:vipreco:problem:internal"
    logged = capsys.readouterr().err
    assert "KeyError" in logged
    assert CANARY not in logged + answer.text


def test_no_word_of_a_request_gets_into_the_log(bank: Bank, capsys: pytest.CaptureFixture[str]) -> None:
    bank.offers(customer_id=CANARY)
    bank.ask("GET", f"/v1/customers/{CANARY}/sheet", Role.MANAGER)
    bank.ask("GET", f"/{CANARY}?name={CANARY}")
    send(bank, "{" + CANARY, **{"X-Name": CANARY})
    bank.ask("GET", "/metrics", headers={"Authorization": f"Bearer {CANARY}"})
    logged = capsys.readouterr().err
    assert len(logged.splitlines()) == 5
    assert CANARY not in logged
    assert CANARY not in bank.ask("GET", "/metrics", Role.ADMIN).text


def test_a_text_that_looks_like_a_key_is_none(bank: Bank) -> None:
    body = '{"customer_id": "0001", "channel" : "app", "segment": "a\\": \\"segment\\": b"}'
    assert send(bank, body).status_code == 200
