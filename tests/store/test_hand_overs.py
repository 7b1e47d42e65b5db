"""Hand-overs of customers: in force at once, through new tables, until the bank says otherwise."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from vipreco.errors import UsageError
from vipreco.store import HandOver, Role, Scope, Store

DAY = date(2026, 3, 2)
HEAD = Scope("user:head", Role.BRANCH_HEAD, branch_id="B1")
ROWS = [("a", "M1", "B1"), ("b", "M1", "B1"), ("c", "M1", "B2"), ("d", "M2", "B1"), ("e", None, "B1")]


def fill(store: Store, rows: list[tuple[str, str | None, str]], snapshot: str = "s1") -> None:
    store.books.replace(
        snapshot, pl.DataFrame(rows, ["customer_id", "manager_id", "branch_id"], orient="row")
    )


def managers(store: Store) -> dict[str, str | None]:
    everybody = Scope("test", Role.CHANNEL)
    return {member.customer_id: member.manager_id for member in store.books.of(everybody)}


def test_a_book_is_handed_over_as_a_whole_and_back(store: Store) -> None:
    fill(store, ROWS)
    assert store.hand_overs.make("M1", "M2", "user:head", DAY) == 3
    assert managers(store) == {"a": "M2", "b": "M2", "c": "M2", "d": "M2", "e": None}
    assert store.hand_overs.all() == [HandOver("M1", "M2", 3, "user:head", DAY)]
    assert store.hand_overs.make("M2", "M1", "user:head", DAY, customer_ids=["a", "b", "c"]) == 3
    assert managers(store) == {one: manager for one, manager, _ in ROWS}
    assert store.hand_overs.all() == []


def test_a_branch_head_moves_the_customers_of_the_branch_alone(store: Store) -> None:
    fill(store, ROWS)
    assert store.hand_overs.make("M1", "M2", "user:head", DAY, scope=HEAD) == 2
    assert managers(store)["c"] == "M1"
    with pytest.raises(UsageError, match="not all of these customers"):
        store.hand_overs.make("M1", "M2", "user:head", DAY, customer_ids=["c"], scope=HEAD)
    assert [one.customers for one in store.hand_overs.all(HEAD)] == [2]
    assert store.hand_overs.all(Scope("user:far", Role.BRANCH_HEAD, branch_id="B2")) == []


def test_it_holds_through_new_tables_until_they_name_another_manager(store: Store) -> None:
    fill(store, ROWS)
    store.hand_overs.make("M1", "M2", "user:head", DAY)
    fill(store, [("a", "M1", "B1"), ("b", "M3", "B1"), ("d", "M2", "B1")], "s2")
    assert managers(store) == {"a": "M2", "b": "M3", "d": "M2"}
    assert store.hand_overs.moved(DAY) == {"a": ("M1", "M2")}
    assert store.hand_overs.moved(date(2026, 3, 1)) == {}


def test_a_customer_who_moves_on_is_still_the_first_managers_by_the_tables(store: Store) -> None:
    fill(store, ROWS)
    store.hand_overs.make("M1", "M2", "user:head", DAY, customer_ids=["a"])
    store.hand_overs.make("M2", "M3", "user:head", DAY, customer_ids=["a"])
    assert store.hand_overs.all() == [HandOver("M1", "M3", 1, "user:head", DAY)]
    fill(store, ROWS, "s2")
    assert managers(store)["a"] == "M3"


@pytest.mark.parametrize(("giver", "taker"), [("M1", "M1"), ("M1", ""), ("M9", "M1")])
def test_what_is_no_hand_over_is_refused_and_changes_nothing(store: Store, giver: str, taker: str) -> None:
    fill(store, ROWS)
    with pytest.raises(UsageError):
        store.hand_overs.make(giver, taker, "user:head", DAY)
    assert managers(store) == {one: manager for one, manager, _ in ROWS}
