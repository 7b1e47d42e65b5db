"""Figures of the API: those of the own branch or book, and the customers behind them, in the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.serving.small_bank import BRANCH, DAY, FOREIGN, MANAGER, NEW_MANAGER, OWN, Bank
from vipreco.kpi import FIGURES
from vipreco.store import Role, Scope


@pytest.mark.parametrize("role", [Role.BRANCH_HEAD, Role.MANAGER])
def test_the_figures_are_those_of_the_own_branch_or_book(bank: Bank, role: Role) -> None:
    told = bank.ask("GET", "/v1/figures", role).json()
    figures = {figure["figure"]: figure for figure in told["figures"]}
    assert list(figures) == list(FIGURES)
    (number,) = figures["vip_customers"]["numbers"]
    assert (number["month_date"], number["customers"], number["total_amount"]) == (str(DAY), 1, 300.0)
    assert (figures["vip_left"]["missing"], figures["vip_left"]["numbers"]) == ("contacts", [])
    whose = (told["branch_id"], told["manager_id"])
    assert whose == ((BRANCH, None) if role is Role.BRANCH_HEAD else (None, MANAGER))


def test_a_book_that_is_handed_over_counts_for_the_new_manager_at_once(bank: Bank) -> None:
    def vips(role: Role) -> list[dict[str, Any]]:
        return list(bank.ask("GET", "/v1/figures/vip_customers/customers", role).json()["customers"])

    assert [row["manager_id"] for row in vips(Role.BRANCH_HEAD)] == [MANAGER]
    body = {"from_manager_id": MANAGER, "to_manager_id": NEW_MANAGER}
    assert bank.ask("POST", "/v1/hand-overs", Role.BRANCH_HEAD, json=body).status_code == 201
    assert [row["manager_id"] for row in vips(Role.BRANCH_HEAD)] == [NEW_MANAGER]
    assert vips(Role.MANAGER) == []
    new = bank.state.figures(None, NEW_MANAGER)
    assert new is not None
    assert new.rows["customer_id"].to_list() == [OWN]


@pytest.mark.parametrize("role", [Role.BRANCH_HEAD, Role.MANAGER])
def test_a_list_holds_no_customer_of_another_branch_and_is_audited(bank: Bank, role: Role) -> None:
    for path in ("/v1/figures/vip_customers/customers", "/v1/figures/vip_customers/customers/2025-12"):
        answer = bank.ask("GET", path, role)
        assert [row["customer_id"] for row in answer.json()["customers"]] == [OWN]
        assert FOREIGN not in answer.text
    whose = f"branch:{BRANCH}" if role is Role.BRANCH_HEAD else f"manager:{MANAGER}"
    assert [(row["action"], row["object"]) for row in bank.audit()] == [
        ("kpi.customers", f"vip_customers {whose}")
    ] * 2


@pytest.mark.parametrize(
    "path",
    [
        "vip_lost/customers",
        "vip_left/customers",
        "vip_customers/customers/2024-01",
        "vip_customers/customers/x",
    ],
)
def test_what_is_not_told_is_not_found_and_not_audited(bank: Bank, path: str) -> None:
    assert bank.ask("GET", f"/v1/figures/{path}", Role.BRANCH_HEAD).status_code == 404
    assert [row["action"] for row in bank.audit()] == []


def test_a_branch_head_sees_the_customers_of_their_branch_alone(bank: Bank) -> None:
    scope = Scope("user:li", Role.BRANCH_HEAD, None, DAY, BRANCH)
    books = bank.state.store.books
    assert [member.customer_id for member in books.of(scope)] == [OWN]
    assert books.find(scope, FOREIGN) is None
    assert books.sizes_of(scope) == {MANAGER: 1}
    assert books.of(Scope("user:li", Role.BRANCH_HEAD, None, DAY)) == []


def test_who_was_seen_by_one_role_is_not_by_another_while_the_store_is_away(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vipreco.errors import DependencyDownError

    state, day = bank.state, datetime(2025, 12, 31).date()  # noqa: DTZ001
    assert state.find_member(Scope("token:x", Role.CHANNEL, None, day), FOREIGN)

    def away(*_: object) -> None:
        raise DependencyDownError("the store does not answer")

    monkeypatch.setattr(state.store.books, "find", away)
    assert state.find_member(Scope("token:x", Role.CHANNEL, None, day), FOREIGN)
    with pytest.raises(DependencyDownError):
        state.find_member(Scope("user:li", Role.BRANCH_HEAD, None, day, BRANCH), FOREIGN)


@pytest.mark.parametrize("role", [Role.BRANCH_HEAD, Role.MANAGER])
def test_who_was_erased_is_no_longer_told(bank: Bank, role: Role) -> None:
    """F34: the release has the customer until the next nightly build."""
    state = bank.state
    state.store.subjects.erase(OWN, state.keys.pseudonym_of(OWN), DAY)
    state.refresh()
    assert bank.ask("GET", "/v1/figures/vip_customers/customers", role).json()["customers"] == []
    told = bank.ask("GET", "/v1/figures", role).json()
    assert {number["customers"] for each in told["figures"] for number in each["numbers"]} <= {0}
