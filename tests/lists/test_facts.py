"""Facts of a book from the tables, customer by customer."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from vipreco.history import View
from vipreco.lists.facts import book_facts
from vipreco.settings import CallListSettings

SETTINGS = CallListSettings()


@pytest.fixture(scope="module")
def book(view: View) -> dict[str, dict[str, Any]]:
    rows = book_facts(view, SETTINGS)
    return {row["customer_id"]: row for row in rows.iter_rows(named=True)}


def test_a_talk_that_was_put_off_is_due_on_its_day(book: dict[str, dict[str, Any]]):
    assert book["c01"]["follow_up_date"] == date(2025, 12, 20)
    assert book["c01"]["follow_up_from_date"] == date(2025, 12, 1)
    assert book["c01"]["follow_up_product_id"] == "fund"


def test_another_product_or_an_unanswered_call_does_not_do_it(book: dict[str, dict[str, Any]]):
    assert book["c02"]["follow_up_date"] == date(2025, 12, 20)


def test_a_talk_on_its_day_or_later_does_it_whatever_it_was_about(book: dict[str, dict[str, Any]]):
    assert book["c04"]["follow_up_date"] is None


def test_a_purchase_does_it_and_without_a_date_it_is_due_after_a_month(book: dict[str, dict[str, Any]]):
    assert book["c03"]["follow_up_date"] is None


def test_who_asked_not_to_be_contacted_is_not_followed_up(book: dict[str, dict[str, Any]]):
    assert book["c05"]["follow_up_date"] is None
    assert book["c05"]["opted_out_of_calls"] is True
    assert book["c01"]["opted_out_of_calls"] is False


def test_an_old_promise_lapses(view: View):
    rows = book_facts(view, CallListSettings(lapse_days=10))
    assert rows["follow_up_date"].null_count() == rows.height


def test_what_is_due_tomorrow_is_not_due_yet(book: dict[str, dict[str, Any]]):
    assert book["c06"]["follow_up_date"] is None


def test_the_last_contacts_are_told_apart_by_how_they_ended(book: dict[str, dict[str, Any]]):
    second = book["c02"]
    assert (second["last_contact_date"], second["last_outcome"]) == (date(2025, 12, 21), "unreachable")
    assert (second["reached_date"], second["called_date"]) == (date(2025, 12, 10), date(2025, 12, 1))
    assert second["declined_date"] is None
    assert book["c04"]["declined_date"] == date(2025, 12, 15)


def test_maturities_are_those_of_the_newest_month_alone(book: dict[str, dict[str, Any]]):
    assert (book["c01"]["maturing_amount"], book["c01"]["maturing_month_date"]) == (
        50_000.0,
        date(2025, 12, 31),
    )
    assert book["c02"]["maturing_amount"] is None


@pytest.mark.parametrize("column", ["", "not_there"])
def test_without_such_a_column_nothing_matures(view: View, column: str):
    rows = book_facts(view, CallListSettings(maturing_column=column))
    assert rows["maturing_amount"].null_count() == rows.height == 6


def test_rows_come_in_the_order_of_the_ids(view: View):
    rows = book_facts(view, SETTINGS)
    assert rows["customer_id"].to_list() == ["c01", "c02", "c03", "c04", "c05", "c06"]
    assert rows["age"].to_list() == [65] * 6
    assert rows.schema["aum_amount"] == pl.Float64
