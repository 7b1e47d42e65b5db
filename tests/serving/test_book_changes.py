"""Covers and hand-overs over the API: the books of the branch alone, once a key, in the audit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.serving.small_bank import (
    BRANCH,
    FOREIGN,
    MANAGER,
    NEW_MANAGER,
    OTHER_BRANCH,
    OTHER_MANAGER,
    OWN,
    PASSWORD,
    Bank,
)
from vipreco.store import Role, Scope, User

HEAD, ADMIN = Role.BRANCH_HEAD, Role.ADMIN
DAYS = {"from_date": "2025-12-31", "until_date": "2026-01-09"}
COVER = {"manager_id": MANAGER, "deputy_id": NEW_MANAGER, **DAYS}
HAND_OVER = {"from_manager_id": MANAGER, "to_manager_id": NEW_MANAGER}


def post(bank: Bank, path: str, body: Any, role: Role = HEAD, key: str = "") -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return bank.ask("POST", path, role, json=body, headers=headers)


def test_a_cover_is_granted_listed_and_ended_and_each_change_is_in_the_audit(bank: Bank) -> None:
    answer = post(bank, "/v1/covers", COVER)
    assert answer.status_code == 201
    number = answer.json()["cover_id"]
    (told,) = bank.ask("GET", "/v1/covers", HEAD).json()["covers"]
    head = bank.tokens[HEAD].split("_")[2]
    assert told == {"cover_id": number, **COVER, "granted_by": f"token:{head}"}
    assert bank.ask("POST", f"/v1/covers/{number}/end", HEAD).json() == {"cover_id": number}
    assert bank.ask("GET", "/v1/covers", HEAD).json() == {"covers": []}
    found = [(row["action"], row["object"], row["result"]) for row in bank.audit()]
    assert found[-2:] == [
        ("cover.grant", f"{MANAGER}>{NEW_MANAGER}", "ok"),
        ("cover.end", str(number), "ok"),
    ]


def test_a_book_is_handed_over_and_its_new_manager_is_on_the_sheet(bank: Bank) -> None:
    """The sheet named the manager of the bank's tables after a hand-over."""
    assert post(bank, "/v1/hand-overs", HAND_OVER).json() == {"customers": 1}
    (told,) = bank.ask("GET", "/v1/hand-overs", HEAD).json()["hand_overs"]
    assert (told["from_manager_id"], told["to_manager_id"], told["customers"]) == (MANAGER, NEW_MANAGER, 1)
    assert bank.ask("GET", f"/v1/customers/{OWN}/sheet", Role.MANAGER).status_code == 404
    back = {"from_manager_id": NEW_MANAGER, "to_manager_id": MANAGER, "customer_ids": [OWN]}
    assert post(bank, "/v1/hand-overs", back).status_code == 201
    sheet = bank.ask("GET", f"/v1/customers/{OWN}/sheet", Role.MANAGER).json()["sheet"]
    assert sheet["who"] == [["customer", OWN], ["manager", MANAGER]]
    assert bank.ask("GET", "/v1/hand-overs", HEAD).json() == {"hand_overs": []}


def test_the_same_key_moves_customers_once_and_gives_the_same_bytes(bank: Bank) -> None:
    first, again = (post(bank, "/v1/hand-overs", HAND_OVER, key="k1") for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert [row["action"] for row in bank.audit()].count("book.hand_over") == 1
    other = post(bank, "/v1/covers", COVER, key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "urn:vipreco:problem:other-content")


def test_the_head_hands_over_within_the_branch_by_book_or_by_the_branch_of_the_account(bank: Bank) -> None:
    """A manager without a book could be of any branch."""
    bank.state.store.users.create(User("far", Role.MANAGER, "M4", branch_id=OTHER_BRANCH), PASSWORD)
    bank.state.store.users.create(User("nowhere", Role.MANAGER, "M5"), PASSWORD)
    for taker in (OTHER_MANAGER, "M4", "M5", "M9"):
        assert post(bank, "/v1/hand-overs", {**HAND_OVER, "to_manager_id": taker}).status_code == 404
    assert {(row["object"], row["result"]) for row in bank.audit() if row["action"] == "book.hand_over"} == {
        ("of another branch", "denied")
    }
    assert post(bank, "/v1/hand-overs", {**HAND_OVER, "to_manager_id": "M9"}, ADMIN).status_code == 404
    for taker in ("M4", "M5", OTHER_MANAGER):
        giver = next(iter(managers(bank)[OWN]))
        moved = {"from_manager_id": giver, "to_manager_id": taker, "customer_ids": [OWN]}
        assert post(bank, "/v1/hand-overs", moved, ADMIN).status_code == 201
    assert managers(bank) == {OWN: {OTHER_MANAGER}, FOREIGN: {OTHER_MANAGER}}
    back = {"from_manager_id": OTHER_MANAGER, "to_manager_id": MANAGER, "customer_ids": [OWN]}
    assert post(bank, "/v1/hand-overs", back).status_code == 201  # the head's own customer comes home


def managers(bank: Bank) -> dict[str, set[str | None]]:
    everybody = bank.state.store.books.of(Scope("test", Role.CHANNEL))
    return {member.customer_id: {member.manager_id} for member in everybody}


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/covers", {**COVER, "until_date": "2025-12-30"}, 409, "dates"),
        ("/v1/covers", {**COVER, "deputy_id": MANAGER}, 409, "deputy"),
        ("/v1/covers", {**COVER, "from_date": "soon"}, 422, "wrong-fields"),
        ("/v1/covers", {"manager_id": MANAGER}, 422, "wrong-fields"),
        ("/v1/hand-overs", {**HAND_OVER, "to_manager_id": MANAGER}, 409, "hand-over"),
        ("/v1/hand-overs", {**HAND_OVER, "customer_ids": [FOREIGN]}, 409, "hand-over"),
        ("/v1/hand-overs", {**HAND_OVER, "customer_ids": []}, 422, "wrong-fields"),
    ],
)
def test_what_is_wrong_is_told_as_a_problem_and_changes_nothing(
    bank: Bank, path: str, body: Any, status: int, code: str
) -> None:
    answer = post(bank, path, body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:vipreco:problem:{code}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert bank.state.store.books.covers() == []
    assert bank.state.store.hand_overs.all() == []


def test_a_manager_of_a_branch_sees_the_own_book_alone_and_no_figures_of_the_branch(bank: Bank) -> None:
    state = bank.state
    from serving.http.operation import Caller

    scope = Caller("user:new", Role.MANAGER, NEW_MANAGER, branch_id=BRANCH).scope(state.today())
    assert (scope.branch_id, state.store.books.of(scope)) == (None, [])
