"""Months as banks count them."""

from datetime import date

import pytest
from hypothesis import given, strategies as st

from vipreco.history import add_months, window


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2015, 5, 31), 1, date(2015, 6, 30)),
        (date(2015, 6, 30), 1, date(2015, 7, 31)),
        (date(2015, 2, 28), 1, date(2015, 3, 31)),
        (date(2016, 1, 30), 1, date(2016, 2, 29)),
        (date(2016, 1, 28), 1, date(2016, 2, 28)),
        (date(2015, 5, 28), -1, date(2015, 4, 28)),
        (date(2015, 1, 31), -2, date(2014, 11, 30)),
        (date(2015, 12, 1), 13, date(2017, 1, 1)),
    ],
)
def test_a_last_day_of_a_month_stays_a_last_day(day, months, expected):
    assert add_months(day, months) == expected


@given(st.dates(date(1990, 1, 1), date(2050, 1, 1)), st.integers(0, 24), st.integers(1, 12))
def test_a_window_opens_after_the_gap_and_is_as_long_as_the_horizon(as_of, gap, horizon):
    after, until = window(as_of, horizon, gap)
    assert (after.year - as_of.year) * 12 + after.month - as_of.month == gap
    assert (until.year - after.year) * 12 + until.month - after.month == horizon
