"""A manager's book after hand-overs and leave covers."""

from __future__ import annotations

from datetime import date

import polars as pl
import pyarrow as pa
import pytest

from vipreco.columns import CUSTOMER_ID, MANAGER_ID
from vipreco.errors import InputRejectedError
from vipreco.history import View
from vipreco.lists import Availability, ManagerBook, holders

END = date(2026, 1, 9)


@pytest.fixture(scope="module")
def ids(view: View) -> list[str]:
    """Ids of the customers of the bank, all of whom are M1's by the tables."""
    found = view.query("SELECT customer_id, manager_id FROM customers_now ORDER BY customer_id")
    assert set(found["manager_id"].to_pylist()) == {"M1"}
    return [str(one) for one in found["customer_id"].to_pylist()]


def test_a_customer_who_was_handed_over_is_in_the_new_book_alone(view: View, ids: list[str]) -> None:
    moved = {ids[0]: ("M1", "M2")}
    assert list(ManagerBook("M1", moved).customers(view)) == ids[1:]
    assert ManagerBook("M2", moved).customers(view) == {ids[0]: "M2"}


def test_a_hand_over_ends_when_the_tables_name_another_giver(view: View, ids: list[str]) -> None:
    moved = {ids[0]: ("M3", "M2")}
    assert ManagerBook("M2", moved).customers(view) == {}
    assert list(ManagerBook("M1", moved).customers(view)) == ids


def test_a_deputy_has_the_covered_book_until_the_leave_ends(view: View, ids: list[str]) -> None:
    book = ManagerBook("M2", {ids[0]: ("M1", "M2"), ids[1]: ("M1", "M3")}, {"M1": END}, ((END, END),))
    held = book.customers(view)
    assert list(held) == [ids[0], *ids[2:]]
    assert book.availability(held) == Availability(((END, END),), dict.fromkeys(ids[2:], END))


def test_an_audience_names_the_customers_where_the_tables_do_not_say_it(view: View, ids: list[str]) -> None:
    plain = ManagerBook("M1").audience(view, tiers=("GOLD",))
    assert (plain.manager, plain.customers, plain.tiers) == ("M1", None, ("GOLD",))
    moved = ManagerBook("M1", {ids[0]: ("M1", "M2")})
    assert moved.audience(view).customers == pa.array(ids[1:], pa.string())
    chosen = moved.audience(view, pa.array(ids[:2], pa.string()))
    assert (chosen.manager, chosen.customers) == (None, pa.array([ids[1]], pa.string()))


def test_a_foreign_customer_and_nobody_are_told_the_same(view: View, ids: list[str]) -> None:
    book = ManagerBook("M1", {ids[0]: ("M1", "M2")})
    book.check(view, ids[1])
    for customer in (ids[0], "nobody"):
        with pytest.raises(InputRejectedError, match="not in your book"):
            book.check(view, customer)


def test_an_availability_is_read_as_it_was_written() -> None:
    known = Availability(((END, END),), {"a": END})
    assert Availability.from_record(known.record()) == known
    assert Availability.from_record({"absences": []}) == Availability()


def test_the_rule_of_a_frame_is_that_of_one_customer() -> None:
    moved = {"a": ("M1", "M2"), "b": ("M3", "M2"), "gone": ("M1", "M2")}
    rows = pl.DataFrame({CUSTOMER_ID: ["a", "b", "c", "a"], MANAGER_ID: ["M1", "M1", None, None]})
    book = ManagerBook("", moved)
    expected = [book.holder(*row) for row in rows.iter_rows()]
    assert expected == ["M2", "M1", None, None]
    assert rows.with_columns(holders(moved))[MANAGER_ID].to_list() == expected
    assert rows.lazy().with_columns(holders(moved)).collect()[MANAGER_ID].to_list() == expected
