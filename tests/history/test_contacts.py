"""Contacts of a window: both ends of it, and what has no product."""

from datetime import date, datetime, time

import pyarrow as pa

from vipreco.history import History

NINE = time(9)


def test_contacts_of_a_window_are_open_at_its_start_and_closed_at_its_end():
    days = [(2020, 2, 29), (2020, 3, 1), (2020, 3, 31), (2020, 4, 1), (2020, 3, 5)]
    contacts = pa.table(
        {
            "contact_id": ["a", "b", "c", "d", "e"],
            "customer_id": ["1"] * 5,
            "product_id": ["p", "p", "q", "p", None],
            "channel": ["call", "sms", "call", "call", "call"],
            "outcome": ["declined", "accepted", None, "declined", "declined"],
            "contacted_at": [datetime.combine(date(*day), NINE) for day in days],
        }
    )
    found = History.from_frames({"contacts": contacts}).contacts(date(2020, 2, 29), date(2020, 3, 31))
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        ("1", "p", "sms", date(2020, 3, 1), "accepted"),
        ("1", "q", "call", date(2020, 3, 31), None),
    ]


def test_a_bank_without_contacts_has_none():
    assert History.from_frames({}).contacts(date(2020, 2, 29), date(2020, 3, 31)).num_rows == 0


def test_who_was_called_in_a_window_is_named_once_with_or_without_a_product():
    days = [(2020, 2, 29), (2020, 3, 1), (2020, 3, 1), (2020, 3, 31), (2020, 4, 1), (2020, 3, 7)]
    contacts = pa.table(
        {
            "contact_id": ["a", "b", "c", "d", "e", "f"],
            "customer_id": ["1", "2", "2", "3", "4", "5"],
            "product_id": ["p", "p", "q", None, "p", "p"],
            "channel": ["call", "call", "call", "call", "call", "sms"],
            "contacted_at": [datetime.combine(date(*day), NINE) for day in days],
        }
    )
    found = History.from_frames({"contacts": contacts}).called(date(2020, 2, 29), date(2020, 3, 31))
    assert found["customer_id"].to_pylist() == ["2", "3"]
    assert History.from_frames({}).called(date(2020, 2, 29), date(2020, 3, 31)).num_rows == 0
