"""Refused accesses are in the audit: who claimed to ask, for what, from where, and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from serving.auth import refusals
from serving.auth.cookies import COOKIE
from serving.http.app_state import clock
from serving.http.shared_limits import Rate
from tests.serving.small_bank import FOREIGN, MANAGER, NOBODY, Bank
from vipreco.store import Role, User

ADDRESS = "127.0.0.1"


def refused(bank: Bank) -> list[tuple[str, ...]]:
    names = ("actor", "object", "result", "purpose")
    return [tuple(row[name] for name in names) for row in bank.audit() if row["action"] == "access.refused"]


def test_no_token_a_wrong_one_and_a_wrong_role_are_recorded(bank: Bank) -> None:
    body = {"customer_ids": [FOREIGN], "channel": "app"}
    bank.ask("POST", "/v1/offers:batch", json=body)
    token = bank.tokens[Role.CHANNEL]
    wrong = token[:-9] + ("A" if token[-9] != "A" else "B") + token[-8:]
    bank.ask("POST", "/v1/offers:batch", json=body, headers={"Authorization": f"Bearer {wrong}"})
    bank.ask("POST", "/v1/offers:batch", Role.CHANNEL, json=body)
    number = token.split("_")[2]
    what = "POST /v1/offers:batch"
    assert refused(bank) == [
        ("nobody", what, "denied", bank.state.reason("not-authenticated", ADDRESS)),
        (f"nobody/token:{number}", what, "denied", bank.state.reason("unknown-token", ADDRESS)),
        (f"token:{number}", what, "denied", bank.state.reason("wrong-role", ADDRESS)),
    ]


@pytest.mark.parametrize("customer", [FOREIGN, NOBODY])
def test_another_managers_customer_is_recorded_by_a_pseudonym_as_one_that_does_not_exist(
    bank: Bank, customer: str
) -> None:
    bank.offers(Role.MANAGER, customer_id=customer)
    bank.ask("GET", f"/v1/customers/{customer}/sheet", Role.MANAGER)
    rows = [row for row in bank.audit() if row["action"] in {"offers.read", "sheet.read"}]
    found = sorted((row["action"], row["object"], row["result"]) for row in rows)
    pseudonym = bank.state.keys.pseudonym_of(customer)
    assert found == [("offers.read", pseudonym, "unknown"), ("sheet.read", pseudonym, "unknown")]


def test_a_flood_of_refusals_leaves_a_bounded_number_of_records(
    make_bank: Callable[..., Bank], monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = make_bank()
    monkeypatch.setattr(refusals, "BY_ADDRESS", Rate(3.0, 0.0001))
    for _ in range(20):
        assert bank.offers(None).status_code == 401
    reasons = [purpose.split()[0] for *_, purpose in refused(bank)]
    assert reasons == ["not-authenticated"] * 3 + ["further-refusals"]


def test_a_token_that_sends_too_much_is_told_when_the_next_request_is_allowed(
    make_bank: Callable[..., Bank],
) -> None:
    bank = make_bank(requests_per_second=2)
    answers = [bank.offers() for _ in range(12)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:2] == [200, 200]
    assert 429 in statuses
    limited = next(answer for answer in answers if answer.status_code == 429)
    assert limited.headers["retry-after"] == "1"
    assert limited.json()["type"].endswith("rate-limited")
    assert bank.offers(Role.MANAGER).status_code == 200


def test_a_quota_of_a_day_is_told_with_its_true_wait(make_bank: Callable[..., Bank]) -> None:
    bank = make_bank(requests_per_day=3)
    answers = [bank.offers() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) == pytest.approx(86_400 / 3, abs=5)
    assert bank.offers(Role.MANAGER).status_code == 200


def test_a_person_who_sends_too_much_waits_as_a_program_does(make_bank: Callable[..., Bank]) -> None:
    bank = make_bank(requests_per_second_of_people=2)
    secret = bank.state.store.sessions.begin(User("ann", Role.MANAGER, MANAGER), clock())
    cookie = {"Cookie": f"{COOKIE}={secret}"}
    path = f"/v1/customers/{FOREIGN}/sheet"
    statuses = [bank.ask("GET", path, headers=cookie).status_code for _ in range(12)]
    assert statuses[:2] == [404, 404]
    assert 429 in statuses
