"""Contacts beside labelled rows: from which day they count, for how long, and which of them do not."""

from __future__ import annotations

from datetime import date, datetime, time

import numpy as np
import pyarrow as pa
import pytest

from vipreco.contact_effect import Contacted
from vipreco.history import History
from vipreco.recommender import Panel
from vipreco.recommender.contact_rows import WindowContacts

JAN, FEB, MAR, APR = (date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30))
IDS, PRODUCTS = np.array(["1", "2", "3"]), ("q", "p")


def window(
    contacts: list[tuple[str, str, date]],
    opened: list[tuple[str, str, date]] = (),
    last: date = APR,
    outcomes: list[str | None] | None = None,
) -> WindowContacts:
    """Three customers seen each month from January to `last`; contacts by call at noon."""
    months = [month for month in (JAN, FEB, MAR, APR) if month <= last]
    customers, products, days = zip(*opened, strict=True) if opened else ((), (), ())
    frames = {
        "observations": pa.table(
            {
                "customer_id": [one for one in IDS for _ in months],
                "snapshot_date": [month for _ in IDS for month in months],
            }
        ),
        "holdings": pa.table(
            {
                "customer_id": pa.array(customers, pa.string()),
                "product_id": pa.array(products, pa.string()),
                "opened_date": pa.array(days, pa.date32()),
            }
        ),
        "contacts": pa.table(
            {
                "contact_id": [str(number) for number in range(len(contacts))],
                "customer_id": [one[0] for one in contacts],
                "product_id": [one[1] for one in contacts],
                "channel": ["call"] * len(contacts),
                "outcome": pa.array(outcomes or [None] * len(contacts), pa.string()),
                "contacted_at": [datetime.combine(one[2], time(12)) for one in contacts],
            }
        ),
    }
    return WindowContacts(Panel(History.from_frames(frames), ()), FEB, MAR, IDS, PRODUCTS)


def pairs(found: Contacted) -> list[tuple[int, int, bool]]:
    return list(zip(found.row.tolist(), found.product.tolist(), found.acquired.tolist(), strict=True))


EVERYTHING = np.ones((3, 2), bool)


def test_a_contact_counts_from_its_day_for_as_many_days_as_the_window_has():
    on = date(2020, 3, 11)
    opened = [("1", "p", on), ("2", "p", date(2020, 4, 10)), ("3", "p", date(2020, 4, 11))]
    found = window([(one, "p", on) for one in IDS], opened).contacted(0, EVERYTHING)
    assert pairs(found) == [(0, 1, True), (1, 1, True), (2, 1, False)]
    assert found.followed.tolist() == [1.0, 1.0, 1.0]


def test_what_is_not_known_yet_shortens_the_time_after_a_contact():
    found = window([("1", "p", date(2020, 3, 17))], last=MAR).contacted(0, EVERYTHING)
    assert found.followed == pytest.approx([15 / 31])


def test_who_had_it_before_the_contact_takes_no_part():
    contacts = [("1", "p", date(2020, 3, 11)), ("2", "p", date(2020, 3, 11))]
    found = window(contacts, [("1", "p", date(2020, 3, 10))]).contacted(0, EVERYTHING)
    assert pairs(found) == [(1, 1, False)]
    possible = EVERYTHING.copy()
    possible[1, 1] = False
    assert not len(window(contacts, [("1", "p", date(2020, 3, 10))]).contacted(0, possible))


def test_the_first_of_several_contacts_counts():
    contacts = [
        ("1", "p", date(2020, 3, 20)),
        ("1", "p", date(2020, 3, 1)),
        ("1", "unknown", date(2020, 3, 1)),
    ]
    found = window(contacts, [("1", "p", date(2020, 4, 5))]).contacted(0, EVERYTHING)
    assert pairs(found) == [(0, 1, False)]  # by the later one it would have been acquired in time


def test_contacts_of_the_window_before_are_the_placebo_of_this_one():
    contacts = [("1", "p", date(2020, 2, 10)), ("2", "p", date(2020, 2, 10)), ("2", "p", date(2020, 3, 2))]
    found = window(contacts, [("1", "p", date(2020, 3, 20))])
    assert pairs(found.contacted(0, EVERYTHING)) == [(1, 1, False)]
    assert pairs(found.contacted(31, EVERYTHING)) == [(0, 1, True)]
    assert found.near().tolist() == [[False, True], [False, True], [False, False]]


def test_answers_are_those_of_the_window_whose_outcome_is_known():
    days = [date(2020, 2, 29), date(2020, 3, 1), date(2020, 3, 2), date(2020, 3, 3), date(2020, 3, 31)]
    found = window(
        [("1", "p", day) for day in days],
        outcomes=["declined", "unreachable", "accepted", None, "unknown"],
    )
    channels, reached = found.answers()
    assert (channels.tolist(), reached.tolist()) == (["call", "call"], [False, True])
