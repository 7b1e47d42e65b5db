"""Months as banks count them: a month's last day stays a last day."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date, timedelta

DAYS_LATE = timedelta(days=7)  # covers a weekend with holidays, and a month of five weeks


def add_months(day: date, months: int) -> date:
    """Return `day` moved by `months`; the last day of a month moves to the last day of a month.

    >>> add_months(date(2015, 5, 31), 1), add_months(date(2015, 2, 28), 1)
    (datetime.date(2015, 6, 30), datetime.date(2015, 3, 31))
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = days_in_month(year, month + 1)
    is_last = day.day == days_in_month(day.year, day.month)
    return date(year, month + 1, last if is_last else min(day.day, last))


def label_window(
    as_of: date, snapshot_dates: Sequence[date], horizon_months: int, gap_months: int = 0
) -> tuple[date, date] | None:
    """Return `(after, until)` of the label window of a date; None where nobody was observed at its end.

    The one rule for usable dates, for every calendar of snapshots: at the end of the window there is a
    snapshot, in its last month or a few days later. Later ones come of last working days and of months of
    five weeks; the window then lasts until that snapshot.

    >>> days = [date(2025, 10, 31), date(2025, 11, 28), date(2025, 12, 31)]
    >>> label_window(days[0], days, 1), label_window(days[1], days, 1)[1], label_window(days[2], days, 1)
    ((datetime.date(2025, 10, 31), datetime.date(2025, 11, 30)), datetime.date(2025, 12, 31), None)
    """
    after, until = window(as_of, horizon_months, gap_months)
    start = max(after, add_months(until, -1))
    if any(start < day <= until for day in snapshot_dates):
        return after, until
    late = [day for day in snapshot_dates if until < day <= until + DAYS_LATE]
    return (after, min(late)) if late else None


def label_windows(
    snapshot_dates: Sequence[date], horizon_months: int, gap_months: int = 0
) -> dict[date, tuple[date, date]]:
    """Return the label window of each snapshot date that has one, ascending (see `label_window`)."""
    days = sorted(set(snapshot_dates))
    found = {day: label_window(day, days, horizon_months, gap_months) for day in days}
    return {day: ends for day, ends in found.items() if ends is not None}


def days_in_month(year: int, month: int) -> int:
    """Return how many days a calendar month has."""
    return calendar.monthrange(year, month)[1]


def window(as_of: date, horizon_months: int, gap_months: int = 0) -> tuple[date, date]:
    """Return `(after, until)` of the label window: it opens after the gap and is `horizon_months` long.

    >>> window(date(2015, 5, 31), 1)
    (datetime.date(2015, 5, 31), datetime.date(2015, 6, 30))
    """
    return add_months(as_of, gap_months), add_months(as_of, gap_months + horizon_months)
