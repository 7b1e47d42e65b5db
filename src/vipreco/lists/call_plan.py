"""Purpose of each call, customers who must not be called, and calls that fit into the minutes of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRIORITY
from vipreco.lists.call_columns import (
    BLOCKED,
    DEADLINE,
    DUTY,
    EXPECTED,
    FIRST_DATE,
    KIND,
    MINUTES,
    OVERDUE,
    PLACE,
    Blocked,
)
from vipreco.lists.duties import call_tasks, duties_of, first_date
from vipreco.lists.knapsack import packed
from vipreco.lists.schedule import NO_DAY, CallTasks, fits, schedule
from vipreco.lists.workdays import ALWAYS, Availability, plan_days
from vipreco.settings import CallKind, CallListSettings

Mask = NDArray[np.bool_]
TOLERANCE = 1e-9
DUTIES = (CallKind.FOLLOW_UP, CallKind.COVERAGE)
TALKS = (CallKind.ASSESSMENT, CallKind.KEEP, CallKind.GROW, CallKind.DEVELOP)


@dataclass(frozen=True)
class CallPlan:
    """The calls of a book over the coming working days.

    Args:
        calls: One row a customer; no step drops a row. Columns beside those of facts and values: a flag for
            the occasion of each `CallKind`; `kind` (purpose of the call, null without a reason to call),
            `minutes`, `expected_amount` (expected value in currency) and `priority` (the same with context
            and levers, by which calls compete), `blocked` (of `Blocked`, null where the customer may be
            called), `first_date` (from which the customer may be called), `place` (in today's list from 1,
            null = not today).
        duties: The duty that comes first for each row, its deadline, and whether it was overdue before.
        days: Working days of the plan; the first one is that of today's list.
        tasks: The calls as they were scheduled.
        minutes: Minutes for calls of each day.
    """

    calls: pl.DataFrame
    duties: pl.DataFrame
    days: tuple[date, ...]
    tasks: CallTasks
    minutes: int

    def day_numbers(self, days: int | None = None) -> NDArray[np.int64]:
        """Return the number of the day of each row, `NO_DAY` for later days than asked for and for none."""
        return schedule(self.tasks, capacity(self.days, self.minutes), days)

    @cached_property
    def today(self) -> Mask:
        """Rows of today's list."""
        return self.calls[PLACE].is_not_null().to_numpy()

    @cached_property
    def best_today(self) -> Mask:
        """Rows of the most valuable list of the same minutes, if there were no duties."""
        value = np.where(self.tasks.callable_on(0), self.tasks.value, 0.0)
        return packed(value, self.tasks.minutes, self.minutes)

    @property
    def displaced(self) -> pl.DataFrame:
        """Calls that duties keep from today's list, the most valuable first."""
        value, best = self.tasks.value, self.best_today
        if value[best].sum() <= value[self.today].sum() * (1 + TOLERANCE):
            return self.calls.clear()
        return self.calls.filter(best & ~self.today).sort(PRIORITY, CUSTOMER_ID, descending=[True, False])

    @property
    def waiting(self) -> pl.DataFrame:
        """Overdue duties whose turn comes after the days of the plan, with its date."""
        rows = self.calls.with_columns(self.duties)
        return rows.filter(pl.col(OVERDUE) & (pl.col(DEADLINE) > self.days[-1]))

    @cached_property
    def missed(self) -> pl.DataFrame:
        """Rows with duties that meet no deadline: too few minutes, or a promise to a blocked customer.

        A keep call that finds no room has no deadline of its own; it is among the displaced calls.
        """
        late = self._late() & (self.duties[DUTY] != CallKind.KEEP).fill_null(value=False).to_numpy()
        promised = self.calls[CallKind.FOLLOW_UP.value] & self.calls[BLOCKED].is_not_null()
        due = (self.calls["follow_up_date"] <= self.days[0]).fill_null(value=False)
        named = pl.Series(late) | (promised & due)
        kind = pl.when(promised & due).then(pl.lit(CallKind.FOLLOW_UP.value)).otherwise(DUTY)
        deadline = pl.when(promised & due).then("follow_up_date").otherwise(DEADLINE)
        rows = self.calls.with_columns(self.duties)
        return rows.with_columns(kind.alias(DUTY), deadline.alias(DEADLINE)).filter(named)

    def _late(self) -> Mask:
        """Return the duties that miss their deadline; the whole plan is made only where room may be short."""
        tasks, room = self.tasks, capacity(self.days, self.minutes)
        today = tasks.is_duty & ~self.today & (tasks.deadline == 0)
        others = tasks.is_duty & ~self.today & ~today
        if fits(tasks, np.flatnonzero(others), room, 1):
            return np.asarray(today)
        numbers = self.day_numbers()
        late: Mask = tasks.is_duty & ((numbers == NO_DAY) | (numbers > tasks.deadline))
        return late


def capacity(days: Sequence[date], minutes: int) -> NDArray[np.int64]:
    """Return the minutes of each day."""
    return np.full(len(days), minutes, np.int64)


def planned(
    facts: pl.DataFrame,
    values: pl.DataFrame,
    day: date,
    vip: tuple[str, ...],
    settings: CallListSettings,
    availability: Availability = ALWAYS,
) -> CallPlan:
    """Return the plan of the calls to a book.

    Args:
        facts: Of `book_facts`.
        values: Of `call_values`, the same customers.
        day: Date of the knowledge; the plan begins with the first working day from it on.
        vip: VIP tiers.
        settings: Of the project; `minutes` is the time for calls of each day.
        availability: Of the manager.
    """
    days = plan_days(day, settings.plan_days, settings.working_days, availability)
    joined = facts.join(values, on=CUSTOMER_ID, how="left", validate="1:1", maintain_order="left")
    is_due = pl.col("follow_up_date").is_not_null()
    promised = joined.with_columns(
        pl.when(is_due).then(f"follow_up_{name}").otherwise(f"agreed_{name}").alias(f"follow_up_{name}")
        for name in ("date", "product_id", "from_date")
    )
    flagged = promised.with_columns(occasions(days[0], vip, settings))
    calls = flagged.with_columns(
        total("priority").alias(PRIORITY),
        total("amount").alias(EXPECTED),
        blocked(days[0], settings).alias(BLOCKED),
        kind(vip).alias(KIND),
    )
    calls = calls.with_columns(
        minutes(settings).alias(MINUTES), first_date(days[0], settings).alias(FIRST_DATE)
    )
    duties = duties_of(calls, days, vip, settings)
    tasks = call_tasks(calls, duties, days, availability.cover_ends)
    today = schedule(tasks, capacity(days, settings.minutes), 1) == 0
    ranked = pl.Series(PLACE, list_positions(calls, today), dtype=pl.Int64, nan_to_null=True)
    return CallPlan(calls.with_columns(ranked), duties, days, tasks, settings.minutes)


def occasions(day: date, vip: tuple[str, ...], settings: CallListSettings) -> list[pl.Expr]:
    """Return for each kind of call whether there is an occasion for it."""
    reached = pl.coalesce("reached_date", "joined_date")
    covered = reached.is_not_null() & (reached >= day - timedelta(days=settings.coverage_days))
    ended = day - timedelta(days=settings.assessment_days)
    noticed = ended + timedelta(days=settings.assessment_notice_days)
    assessed = pl.col("risk_assessed_date")
    expiring = (assessed > ended) & (assessed <= noticed)
    found = {
        CallKind.FOLLOW_UP: pl.col("follow_up_date").is_not_null(),
        CallKind.COVERAGE: pl.col("tier").is_in(vip) & ~covered,
        CallKind.MATURITY: pl.col("maturing_amount") > 0,
        CallKind.ASSESSMENT: expiring | ((assessed <= ended) & (pl.col("unlocked_priority") > 0)),
        CallKind.KEEP: pl.col("keep_priority") > 0,
        CallKind.GROW: pl.col("grow_priority") > 0,
        CallKind.DEVELOP: pl.col("develop_priority") > 0,
    }
    return [condition.fill_null(False).alias(name.value) for name, condition in found.items()]


def total(unit: str) -> pl.Expr:
    """Return the value of a call: it keeps, sells and develops, and renews the assessment if that is due."""
    parts = [_part(name, unit) for name in (CallKind.KEEP, CallKind.GROW, CallKind.DEVELOP)]
    return parts[0] + parts[1] + parts[2] + _part(CallKind.ASSESSMENT, unit)


def _part(name: CallKind, unit: str) -> pl.Expr:
    """Return one part of the value, 0 where it is unknown; `unit` is priority or amount."""
    if name is CallKind.ASSESSMENT:
        return pl.when(name.value).then(pl.col(f"unlocked_{unit}").fill_null(0.0)).otherwise(0.0)
    return pl.col(f"{name.value}_{unit}").fill_null(0.0)


def blocked(day: date, settings: CallListSettings) -> pl.Expr:
    """Return why a customer is not called today; consent that is not on record is none."""
    declined = pl.col("declined_date") > day - timedelta(days=settings.cooling_off_days)
    called = pl.col("called_date") > day - timedelta(days=settings.rest_days)
    causes = (
        (Blocked.NO_CONSENT, ~pl.col("consent_call").fill_null(False)),
        (Blocked.OPTED_OUT_OF_CALLS, pl.col("opted_out_of_calls").fill_null(False)),
        (Blocked.POLICY, pl.col("stopped_whole") != 0),
        (Blocked.COOLING_OFF, declined.fill_null(False)),
        (Blocked.RESTING, called.fill_null(False) & ~pl.col(CallKind.FOLLOW_UP.value)),
    )
    return pl.coalesce(pl.when(holds).then(pl.lit(cause.value)) for cause, holds in causes)


def kind(vip: tuple[str, ...]) -> pl.Expr:
    """Return the purpose of a call: a promise, another duty, else the greatest part of its value.

    It is null without a reason to call.
    """
    parts = {name: _part(name, "priority") for name in TALKS}
    best = pl.max_horizontal(*parts.values())
    keep = parts[CallKind.KEEP]
    keeps_first = (keep > 0) & (keep == best)  # staying in touch is no purpose beside the risk of losing them
    order = [
        (CallKind.FOLLOW_UP, pl.col(CallKind.FOLLOW_UP.value)),
        (CallKind.COVERAGE, pl.col(CallKind.COVERAGE.value) & ~keeps_first),
        (CallKind.MATURITY, pl.col(CallKind.MATURITY.value)),
    ]
    order += [(name, (part == best) & (best > 0)) for name, part in parts.items()]
    order += [(CallKind.ASSESSMENT, pl.col(CallKind.ASSESSMENT.value) & pl.col("tier").is_in(vip))]
    return pl.coalesce(pl.when(holds).then(pl.lit(name.value)) for name, holds in order)


def minutes(settings: CallListSettings) -> pl.Expr:
    """Return the minutes of a call: those of its longest occasion; a talk about offers is what heads it."""
    special = (CallKind.FOLLOW_UP, CallKind.COVERAGE, CallKind.MATURITY, CallKind.ASSESSMENT)
    longest = pl.max_horizontal(
        *(pl.when(name.value).then(settings.each.of(name)).otherwise(0) for name in special)
    )
    talks = {name.value: settings.each.of(name) for name in TALKS}
    talk = pl.col(KIND).replace_strict(talks, default=0, return_dtype=pl.Int64)
    return pl.max_horizontal(longest, talk).cast(pl.Int64)


def list_positions(calls: pl.DataFrame, today: Mask) -> NDArray[np.float64]:
    """Return the place of each call of today from 1, NaN for the others; equals keep the order of the ids."""
    duties = {name.value: place for place, name in enumerate(DUTIES)}
    rate = (calls[PRIORITY] / calls[MINUTES]).to_numpy()
    duty = calls[KIND].replace_strict(duties, default=len(duties), return_dtype=pl.Int64).to_numpy()
    order = np.lexsort((-rate, duty, ~today))
    found = np.full(len(calls), np.nan)
    found[order] = np.arange(1, len(calls) + 1)
    return np.where(today, found, np.nan)
