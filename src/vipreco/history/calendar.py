"""Months as banks count them: a month's last day stays a last day."""

from __future__ import annotations

import calendar
from datetime import date


def add_months(day: date, months: int) -> date:
    """Return `day` moved by `months`; the last day of a month moves to the last day of a month.

    >>> add_months(date(2015, 5, 31), 1), add_months(date(2015, 2, 28), 1)
    (datetime.date(2015, 6, 30), datetime.date(2015, 3, 31))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = days_in_month(year, month + 1)
    is_last = day.day == days_in_month(day.year, day.month)
    return date(year, month + 1, last if is_last else min(day.day, last))


def days_in_month(year: int, month: int) -> int:
    """Return how many days a calendar month has."""
    return calendar.monthrange(year, month)[1]


def window(as_of: date, horizon_months: int, gap_months: int = 0) -> tuple[date, date]:
    """Return `(after, until)` of the label window: it opens after the gap and is `horizon_months` long.

    >>> window(date(2015, 5, 31), 1)
    (datetime.date(2015, 5, 31), datetime.date(2015, 6, 30))
    """
    return add_months(as_of, gap_months), add_months(as_of, gap_months + horizon_months)
