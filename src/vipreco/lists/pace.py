"""Dates for overdue duties: some today, within what the list can spare, the others on later days."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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


def overdue_order(calls: pl.DataFrame, due: pl.DataFrame, today: date, since: date) -> pl.DataFrame:
    """Return the overdue duties in the order in which they are made up for: row, kind.

    Promises come first; then, by whole weeks, who has waited longest; of these the most valuable. Customers
    who cannot be called today keep their date.

    Args:
        calls: Of the book.
        due: Date of each duty of `PACED`, a column a kind; null where there is none.
        today: First day of the plan.
        since: The first date that is not overdue today.
    """
    rows = calls.select(CUSTOMER_ID, PRIORITY, FIRST_DATE, MINUTES, "reached_date")
    rows = rows.with_row_index("row").hstack(due)
    never = pl.col("reached_date").is_null()
    parts = [
        rows.filter((pl.col(kind.value) < since) & (pl.col(FIRST_DATE) <= today)).select(
            "row",
            CUSTOMER_ID,
            PRIORITY,
            MINUTES,
            pl.lit(kind.value).alias("kind"),
            pl.lit(place).alias(KIND_ORDER),
            pl.when(never & (kind is CallKind.COVERAGE))
            .then(NEVER_REACHED)
            .otherwise((pl.lit(today) - pl.col(kind.value)).dt.total_days() // DAYS_OF_WEEK)
            .alias(WEEKS),
        )
        for place, kind in enumerate(PACED)
    ]
    found = pl.concat(parts).unique("row", keep="first", maintain_order=True)
    return found.sort(
        KIND_ORDER, WEEKS, PRIORITY, CUSTOMER_ID, descending=[False, True, True, False], nulls_last=True
    )


def paced(
    overdue: pl.DataFrame, fixed: Mask, day: DayValue, days: Sequence[date], settings: CallListSettings
) -> list[date]:
    """Return the date of each overdue duty, in their order.

    Today come as many as leave the list `min_value_share` of the best list of the same minutes, or cost it
    nothing more, and at least one, or none would ever be made; talks of our own schedule claim at most
    `coverage_rate` of the minutes. The others follow at the pace of today.

    Args:
        overdue: Of `overdue_order`.
        fixed: Calls that are due today anyway, shape (n,).
        day: Value of today's lists.
        days: Working days of the plan.
        settings: Of the project.
    """
    today = _today(overdue, fixed, day, settings)
    rows, minutes = overdue["row"].to_numpy(), overdue[MINUTES].to_numpy()
    pace = max(int(minutes[today].sum()), int(minutes.max(initial=1)))
    turns = np.zeros(len(rows), np.int64)
    turns[~today] = 1 + (np.cumsum(minutes[~today]) - 1) // pace
    last = int(turns.max(initial=0))
    ahead = days if last < len(days) else working_days(days[0], last + 1, settings.working_days)
    dates = [*days, *ahead[len(days) :]]
    return [dates[min(turn, len(dates) - 1)] for turn in turns.tolist()]


def _today(overdue: pl.DataFrame, fixed: Mask, day: DayValue, settings: CallListSettings) -> Mask:
    """Return which overdue duties are made up for today, the first ones of their order, shape (overdue,)."""
    rows, minutes = overdue["row"].to_numpy(), overdue[MINUTES].to_numpy()
    own = (overdue["kind"] == CallKind.COVERAGE.value).to_numpy()
    claimed = np.cumsum(np.where(own, minutes, 0))
    able = np.flatnonzero(~fixed[rows] & (~own | (claimed <= settings.coverage_rate * day.available)))
    able = able if len(able) else np.flatnonzero(~fixed[rows])[:1]

    def value(count: int) -> float:
        held = fixed.copy()
        held[rows[able[:count]]] = True
        return day.best(held)

    spared = min(settings.min_value_share * value_of_best(day), value(1)) - TOLERANCE
    # The more duties are held, the less the list is worth: the greatest number that it can spare is bisected.
    counts = range(1, len(able) + 1)
    chosen = np.zeros(overdue.height, bool)
    if len(able) and value(1) > -np.inf:
        chosen[able[: bisect_left(counts, True, key=lambda count: value(count) < spared)]] = True
    return chosen


def value_of_best(day: DayValue) -> float:
    """Return the value of the most valuable list of a day."""
    return day.best(np.zeros(len(day.value), bool))
