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
    Blocked,
)
from vipreco.lists.schedule import NEVER, CallTasks
from vipreco.settings import CallKind, CallListSettings

Integers = NDArray[np.int64]
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
    """Return the duty that comes first for each customer and its deadline, both null where there is none.

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
        CallKind.COVERAGE: pl.lit(coverage_deadlines(calls, days, settings)),
        CallKind.KEEP: pl.when(pl.lit(forced_keep_calls(calls, days[0]))).then(today),
    }
    able = pl.col(FIRST_DATE).is_not_null()
    dated = calls.select(
        pl.when(able).then(deadline).cast(pl.Date).alias(kind.value) for kind, deadline in deadlines.items()
    )
    first = pl.min_horizontal(*deadlines)
    duty = pl.coalesce(pl.when(pl.col(kind.value) == first).then(pl.lit(kind.value)) for kind in deadlines)
    return dated.select(duty.alias(DUTY), first.alias(DEADLINE))


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


def coverage_deadlines(calls: pl.DataFrame, days: Sequence[date], settings: CallListSettings) -> pl.Series:
    """Return the date by which each customer without contact is called.

    Overdue customers would fill every day at once: they come one after the other, the longest without contact
    first and then the most valuable, within the share of each day's minutes that those in time leave.
    """
    able = pl.col(CallKind.COVERAGE.value) & (pl.col(FIRST_DATE) <= days[0])
    due = pl.coalesce("reached_date", "joined_date") + pl.duration(
        days=settings.coverage_days + settings.coverage_grace_days
    )
    waiting = calls.with_row_index("row").filter(able).with_columns(due.cast(pl.Date).alias("due"))
    in_time = waiting.filter(pl.col("due") >= days[0])
    late = waiting.filter(pl.col("due").is_null() | (pl.col("due") < days[0]))
    late = late.sort("reached_date", -pl.col(PRIORITY), CUSTOMER_ID, nulls_last=False)
    turns = _turns(in_time, late, days, settings).tolist()
    slots = [days[turn] if turn < len(days) else None for turn in turns]
    rows = [*in_time["row"].to_list(), *late["row"].to_list()]
    found = dict(zip(rows, [*in_time["due"].to_list(), *slots], strict=True))
    return pl.Series([found.get(row) for row in range(calls.height)], dtype=pl.Date)


def _turns(
    in_time: pl.DataFrame, late: pl.DataFrame, days: Sequence[date], settings: CallListSettings
) -> Integers:
    """Return the number of the day of each overdue customer, in their order; that after the last for none."""
    if not settings.coverage_rate:
        return np.full(late.height, len(days), np.int64)
    last_days = day_numbers(in_time["due"], days, from_date=False)
    taken = np.bincount(last_days, weights=in_time[MINUTES].to_numpy(), minlength=len(days))
    room = settings.coverage_rate * settings.minutes * np.arange(1, len(days) + 1) - taken.cumsum()
    turns = np.searchsorted(np.maximum.accumulate(room), late[MINUTES].cum_sum().to_numpy(), side="left")
    if not taken[0]:
        turns[:1] = 0  # one a day, however short the day is, or none would ever be called
    return turns.astype(np.int64)


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
