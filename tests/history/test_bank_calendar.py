"""The dates of a bank: those of all customers, by both clocks, for whomever a view is opened."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from vipreco.history import BankCalendar, History

FIRST, SECOND, THIRD = date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30)


def history() -> History:
    """Customer a has all months, the newest of which came late; b has the first alone."""
    customers = {"customer_id": ["a", "b", "a"], "snapshot_date": [FIRST, FIRST, SECOND], "tier": ["A"] * 3}
    activity = {
        "customer_id": ["a", "b", "a"],
        "month_date": [FIRST, FIRST, SECOND],
        "recorded_date": [FIRST, SECOND, THIRD],
        "inflow_amount": [1.0, 2.0, 3.0],
    }
    return History.from_frames({"customers": pa.table(customers), "activity": pa.table(activity)})


def test_a_date_is_known_from_the_day_on_which_it_was_first_recorded():
    found = history().calendar
    assert found == BankCalendar({FIRST: FIRST, SECOND: SECOND}, {FIRST: FIRST, SECOND: THIRD})
    assert found.known_snapshots(THIRD) == (SECOND, FIRST)
    assert [found.newest_month(day) for day in (date(2025, 9, 1), FIRST, SECOND, THIRD)] == [
        None,
        FIRST,
        FIRST,
        SECOND,
    ]


def test_a_calendar_of_both_knows_a_date_as_early_as_either():
    left = BankCalendar({FIRST: SECOND}, {SECOND: THIRD})
    right = BankCalendar({FIRST: FIRST, THIRD: THIRD}, {})
    both = BankCalendar({FIRST: FIRST, THIRD: THIRD}, {SECOND: THIRD})
    assert left.merged(right) == right.merged(left) == both
    assert BankCalendar.from_record(both.record()) == both


def test_a_view_of_one_customer_has_the_clock_of_the_bank():
    clock = "SELECT * FROM clock"
    everybody, alone = history().as_of(THIRD), history().as_of(THIRD).of(pa.array(["b"]))
    assert alone.query(clock) == everybody.query(clock)
    assert everybody.query(clock).to_pylist() == [
        {"as_of_date": THIRD, "snapshot_date": SECOND, "newest_month_date": SECOND}
    ]
