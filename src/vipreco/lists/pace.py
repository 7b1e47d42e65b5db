"""Dates for overdue duties: some today, within what the list can spare, the others on later days."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRIORITY
from vipreco.lists.call_columns import FIRST_DATE, MINUTES
from vipreco.lists.knapsack import packed
from vipreco.lists.workdays import working_days
from vipreco.settings import CallKind, CallListSettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
PACED = (CallKind.FOLLOW_UP, CallKind.COVERAGE)
"""Duties that may be overdue, those with a promise to the customer first."""
TOLERANCE = 1e-9
KIND_ORDER, WEEKS = "kind_order", "weeks"
DAYS_OF_WEEK, NEVER_REACHED = 7, 10_000
EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class DayValue:
    """Value of the best list of a day that holds some calls for sure; n calls.

    Args:
        value: Of each call, 0 where it cannot be made today, shape (n,).
        minutes: Of each call, shape (n,).
        available: Minutes of the day.
    """

    value: Floats
    minutes: Integers
    available: int

    def best(self, held: Mask) -> float:
        """Return the greatest value of a list with these calls; minus infinity where they do not fit."""
        left = self.available - int(self.minutes[held].sum())
        if left < 0:
            return -np.inf
        free = np.where(held, 0.0, self.value)
        return float(self.value[held].sum() + free[packed(free, self.minutes, left)].sum())


def overdue_order(
    calls: pl.DataFrame, due: pl.DataFrame, today: date, since: Mapping[CallKind, date], minute_amount: float
) -> pl.DataFrame:
    """Return the overdue duties in the order in which they are made up for: row, kind, minutes.

    Promises come first. Within promises, and within our own schedule, a call counts its value less the cost
    of its minutes, and each week of waiting counts as a minute: who has waited long comes before who is
    worth more. Customers who cannot be called today keep their date.

    Args:
        calls: Of the book.
        due: Date of each duty of `PACED`, a column a kind; null where there is none.
        today: First day of the plan.
        since: The first date of each kind that is not overdue today.
        minute_amount: Cost of a minute.
    """
    rows = calls.select(CUSTOMER_ID, PRIORITY, FIRST_DATE, MINUTES, "reached_date")
    rows = rows.with_row_index("row").hstack(due)
    never = pl.col("reached_date").is_null()
    weeks = (pl.lit(today) - pl.col("due")).dt.total_days() // DAYS_OF_WEEK
    parts = [
        rows.with_columns(pl.col(kind.value).alias("due"))
        .filter((pl.col("due") < since[kind]) & (pl.col(FIRST_DATE) <= today))
        .with_columns(
            pl.lit(kind.value).alias("kind"),
            pl.lit(place).alias(KIND_ORDER),
            pl.when(never & (kind is CallKind.COVERAGE)).then(NEVER_REACHED).otherwise(weeks).alias(WEEKS),
        )
        for place, kind in enumerate(PACED)
    ]
    found = pl.concat(parts).unique("row", keep="first", maintain_order=True)
    urgency = pl.col(PRIORITY) + minute_amount * (pl.col(WEEKS) - pl.col(MINUTES))
    ordered = found.sort(KIND_ORDER, urgency, CUSTOMER_ID, descending=[False, True, False])
    return ordered.select("row", CUSTOMER_ID, "kind", MINUTES)


@dataclass(frozen=True)
class _MakeUp:
    """Overdue duties that a day makes up for, and the rhythm of the days.

    Args:
        count: Duties, of those that may be made up for, that such a day makes up for.
        wait: Days from one such day to the next.
        offset: Days until the next one; 0 = today.
    """

    count: int
    wait: int
    offset: int


def paced(
    overdue: pl.DataFrame, fixed: Mask, day: DayValue, days: Sequence[date], settings: CallListSettings
) -> list[date]:
    """Return the date of each overdue duty, in their order.

    A day makes up for as many as leave its list `min_value_share` of the best list of the same minutes. Where
    even the first costs more, it is made all the same, or none would ever be, but only every second day, or
    third, and so on, so that the days together keep that share; and not on a day whose own duties
    have taken what could be spared. Talks of our own schedule claim at most
    `coverage_rate` of the minutes.

    Args:
        overdue: Of `overdue_order`.
        fixed: Calls that are due today anyway, shape (n,).
        day: Value of today's lists.
        days: Working days of the plan.
        settings: Of the project.
    """
    rows, minutes = overdue["row"].to_numpy(), overdue[MINUTES].to_numpy()
    own = (overdue["kind"] == CallKind.COVERAGE.value).to_numpy()
    claimed = np.cumsum(np.where(own, minutes, 0))
    able = np.flatnonzero(~fixed[rows] & (~own | (claimed <= settings.coverage_rate * day.available)))
    able = able if len(able) else np.flatnonzero(~fixed[rows])[:1]
    found = _make_up(rows[able], fixed, day, days[0], settings)
    first = np.zeros(len(rows), bool)
    first[able[: found.count]] = True
    pace = max(int(minutes[first].sum()), int(minutes.max(initial=1)))
    turns = np.zeros(len(rows), np.int64)
    turns[~first] = 1 + (np.cumsum(minutes[~first]) - 1) // pace
    return _dates(found.offset + found.wait * turns, days, settings)


def _make_up(rows: Integers, fixed: Mask, day: DayValue, today: date, settings: CallListSettings) -> _MakeUp:
    """Return how many of the duties in `rows`, in their order, a day makes up for, and how often."""

    def value(count: int) -> float:
        held = fixed.copy()
        held[rows[:count]] = True
        return day.best(held)

    best, base, spare = day.best(np.zeros(len(fixed), bool)), day.best(fixed), 1 - settings.min_value_share
    if not len(rows) or value(1) == -np.inf:
        return _MakeUp(0, 1, 0)
    spared = min((1 - spare) * best, value(1)) - TOLERANCE
    # The more duties are held, the less the list is worth: the greatest number that it can spare is bisected.
    counts = range(1, len(rows) + 1)
    count = bisect_left(counts, True, key=lambda count: value(count) < spared)
    loss = (base - value(1)) / best if best > 0 else 0.0
    wait = max(ceil(loss / spare - TOLERANCE), 1) if spare else settings.plan_days
    offset = int(-np.busday_count(EPOCH, today) % min(wait, settings.plan_days))
    # What is due today anyway may take all that the list can spare: then the overdue ones begin tomorrow.
    is_full = loss > TOLERANCE and value(1) < (1 - spare) * best - TOLERANCE and base < best - TOLERANCE
    return _MakeUp(count, min(wait, settings.plan_days), max(offset, int(is_full)))


def _dates(turns: Integers, days: Sequence[date], settings: CallListSettings) -> list[date]:
    """Return the date of each number of a working day; those after the plan by the bank's calendar."""
    last = int(turns.max(initial=0))
    ahead = days if last < len(days) else working_days(days[0], last + 1, settings.working_days)
    dates = [*days, *ahead[len(days) :]]
    return [dates[min(turn, len(dates) - 1)] for turn in turns.tolist()]
