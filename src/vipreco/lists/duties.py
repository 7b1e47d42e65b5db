"""Duties of a book: calls with a deadline, and the days on which each customer may be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRIORITY
from vipreco.lists.call_columns import (
    BLOCKED,
    DEADLINE,
    DUTY,
    FIRST_DATE,
    KIND,
    MINUTES,
    OVERDUE,
    Blocked,
)
from vipreco.lists.pace import PACED, DayValue, overdue_order, paced
from vipreco.lists.schedule import NEVER, CallTasks
from vipreco.lists.workdays import first_not_overdue
from vipreco.settings import CallKind, CallListSettings

Integers = NDArray[np.int64]
LONG_AGO = date(1900, 1, 1)
FORCED_KEEP_CALLS = 3  # a keep call among so many of the most valuable calls stands on today's list
# A missed promise weighs more than a missed date of our own.
WEIGHTS = {
    CallKind.FOLLOW_UP: 8,
    CallKind.KEEP: 6,
    CallKind.MATURITY: 4,
    CallKind.ASSESSMENT: 3,
    CallKind.COVERAGE: 2,
}


def duties_of(
    calls: pl.DataFrame, days: Sequence[date], vip: tuple[str, ...], settings: CallListSettings
) -> pl.DataFrame:
    """Return the duty that comes first for each customer, its deadline, and whether it is overdue.

    Duty and deadline are null where there is none. Overdue duties would fill every day at once: each gets a
    date of its own, today's or that of a later day.

    Args:
        calls: Rows with occasions, purpose, minutes, blocks and first dates.
        days: Working days of the plan.
        vip: VIP tiers; assessments are renewed in time, and contact is kept, for them.
        settings: Of the project.
    """
    is_vip, today = pl.col("tier").is_in(vip), pl.lit(days[0])
    matures = _when(CallKind.MATURITY, "maturing_month_date", settings.maturity_days)
    expires = _when(CallKind.ASSESSMENT, "risk_assessed_date", settings.assessment_days)
    deadlines = {
        CallKind.FOLLOW_UP: pl.col("follow_up_date"),
        # An expired assessment or a matured amount has no date left that could be kept.
        CallKind.MATURITY: pl.when(matures >= today).then(matures),
        CallKind.ASSESSMENT: pl.when(is_vip & (expires > today)).then(expires - pl.duration(days=1)),
        CallKind.COVERAGE: coverage_due(settings),
        CallKind.KEEP: pl.when(pl.lit(forced_keep_calls(calls, days[0]))).then(today),
    }
    able = pl.col(FIRST_DATE).is_not_null()
    due = calls.select(
        pl.when(able).then(deadline).cast(pl.Date).alias(kind.value) for kind, deadline in deadlines.items()
    )
    dated, overdue = with_pace(calls, due, days, settings)
    first = pl.min_horizontal(*deadlines)
    duty = pl.coalesce(pl.when(pl.col(kind.value) == first).then(pl.lit(kind.value)) for kind in deadlines)
    found = dated.select(duty.alias(DUTY), first.alias(DEADLINE))
    return found.with_columns(pl.Series(OVERDUE, overdue))


def coverage_due(settings: CallListSettings) -> pl.Expr:
    """Return the date by which a customer without contact is called; long ago where that is unknown."""
    if not settings.coverage_rate:
        return pl.lit(None, pl.Date)
    days = settings.coverage_days + settings.coverage_grace_days
    since = pl.coalesce("reached_date", "joined_date", pl.lit(LONG_AGO)) + pl.duration(days=days)
    return pl.when(CallKind.COVERAGE.value).then(since)


def with_pace(
    calls: pl.DataFrame, due: pl.DataFrame, days: Sequence[date], settings: CallListSettings
) -> tuple[pl.DataFrame, NDArray[np.bool_]]:
    """Return the dates of all duties, a column a kind, and which are overdue; those come from today on."""
    # A promise that fell due since the last working day is due today; a date of our own may be moved.
    later = days[1] if len(days) > 1 else days[0] + timedelta(days=1)
    since = {
        CallKind.FOLLOW_UP: first_not_overdue(days[0], settings.working_days),
        CallKind.COVERAGE: later,
    }
    overdue = overdue_order(calls, due.select(*PACED), days[0], since, settings.minute_amount)
    is_paced = np.zeros(calls.height, bool)
    if overdue.is_empty():
        return due, is_paced
    is_paced[overdue["row"].to_numpy()] = True
    able = (calls[FIRST_DATE] <= days[0]).fill_null(value=False).to_numpy()
    fixed = due.select(
        pl.any_horizontal(
            *(
                (pl.col(kind).is_between(since.get(CallKind(kind), days[0]), later, closed="left")).fill_null(
                    value=False
                )
                for kind in due.columns
            )
        )
    ).to_series()
    value = np.where(able, calls[PRIORITY].to_numpy(), 0.0)
    minutes = np.maximum(calls[MINUTES].to_numpy(), 1)
    day = DayValue(np.maximum(value, 0.0), minutes, settings.minutes)
    dates = paced(overdue, fixed.to_numpy() & able, day, days, settings)
    slots = overdue.select("row", "kind").with_columns(pl.Series("date", dates, dtype=pl.Date))
    changed = []
    for kind in PACED:
        own = dict(slots.filter(pl.col("kind") == kind.value).select("row", "date").iter_rows())
        late = pl.lit(pl.Series(is_paced)) & (pl.col(kind.value) < since[kind])
        kept = pl.when(late.fill_null(value=False)).then(None).otherwise(pl.col(kind.value))
        slot = pl.lit(pl.Series([own.get(row) for row in range(calls.height)], dtype=pl.Date))
        changed.append(pl.coalesce(slot, kept).alias(kind.value))
    return due.with_columns(changed), is_paced


def _when(kind: CallKind, column: str, days: int) -> pl.Expr:
    return pl.when(kind.value).then(pl.col(column) + pl.duration(days=days))


def first_date(today: date, settings: CallListSettings) -> pl.Expr:
    """Return the first date on which a customer may be called; null where a block has no end.

    A customer with an agreed talk is not called before its day.
    """
    rested = pl.col("called_date") + pl.duration(days=settings.rest_days)
    cooled = pl.col("declined_date") + pl.duration(days=settings.cooling_off_days)
    ends = {Blocked.RESTING: rested, Blocked.COOLING_OFF: pl.max_horizontal(cooled, rested)}
    block = pl.col(BLOCKED)
    free = pl.max_horizontal(pl.lit(today), "follow_up_date")
    dated = [pl.when(block == cause.value).then(end) for cause, end in ends.items()]
    found = pl.coalesce(pl.when(block.is_null()).then(free), *dated)
    return pl.when(pl.col(KIND).is_not_null()).then(found).cast(pl.Date)


def forced_keep_calls(calls: pl.DataFrame, today: date) -> pl.Series:
    """Return the keep calls that rank among the most valuable calls of today, shape (n,)."""
    able = (calls[FIRST_DATE] <= today) & (calls[PRIORITY] > 0)
    order = calls.with_row_index("row").filter(able).sort(-pl.col(PRIORITY), CUSTOMER_ID)
    first = order.head(FORCED_KEEP_CALLS)
    rows = first.filter(pl.col(KIND) == CallKind.KEEP)["row"].to_list()
    return pl.Series([row in rows for row in range(calls.height)], dtype=pl.Boolean)


def call_tasks(
    calls: pl.DataFrame, duties: pl.DataFrame, days: Sequence[date], cover_ends: Mapping[str, date]
) -> CallTasks:
    """Return the calls as the schedule takes them.

    A duty that is overdue, or due before the customer may be called, is due on the first possible day.
    """
    first = day_numbers(calls[FIRST_DATE], days, from_date=True)
    first = np.where(calls[FIRST_DATE].is_null(), NEVER, first)
    ends = calls[CUSTOMER_ID].replace_strict(dict(cover_ends), default=None, return_dtype=pl.Date)
    deadline = np.maximum(day_numbers(duties[DEADLINE], days, from_date=False), first)
    within = (duties[DEADLINE] <= days[-1]).fill_null(value=False).to_numpy() & (first < len(days))
    weights = {kind.value: weight for kind, weight in WEIGHTS.items()}
    return CallTasks(
        value=calls[PRIORITY].to_numpy(),
        minutes=np.maximum(calls[MINUTES].to_numpy(), 1),
        first_day=first,
        last_day=np.where(ends.is_null(), NEVER, day_numbers(ends, days, from_date=False)),
        deadline=np.where(within, deadline, NEVER),
        weight=duties[DUTY].replace_strict(weights, default=1, return_dtype=pl.Int64).to_numpy(),
    )


def day_numbers(dates: pl.Series, days: Sequence[date], *, from_date: bool) -> Integers:
    """Return the number of the first day that is not before each date, or of the last one not after it."""
    numbers = dates.cast(pl.Int32).fill_null(0).to_numpy()
    ordered = np.array([(day - date(1970, 1, 1)) // timedelta(days=1) for day in days])
    if from_date:
        return np.searchsorted(ordered, numbers, side="left").astype(np.int64)
    return (np.searchsorted(ordered, numbers, side="right") - 1).astype(np.int64)
