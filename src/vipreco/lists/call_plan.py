"""Purpose of each call, customers who must not be called, and calls that fit into the minutes of a day."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRIORITY
from vipreco.lists.knapsack import packed
from vipreco.settings import CallKind, CallListSettings

Mask = NDArray[np.bool_]
KIND, MINUTES, EXPECTED, BLOCKED, PLACE = "kind", "minutes", "expected_amount", "blocked", "place"
DUTIES = (CallKind.FOLLOW_UP, CallKind.COVERAGE)
TALKS = (CallKind.ASSESSMENT, CallKind.KEEP, CallKind.GROW, CallKind.DEVELOP)


class Blocked(StrEnum):
    """Reasons not to call a customer today."""

    NO_CONSENT = "no_consent"
    OPTED_OUT_OF_CALLS = "opted_out_of_calls"
    POLICY = "policy"
    COOLING_OFF = "cooling_off"
    RESTING = "resting"


def planned(
    facts: pl.DataFrame, values: pl.DataFrame, day: date, vip: tuple[str, ...], settings: CallListSettings
) -> pl.DataFrame:
    """Return one row a customer with the plan of the day; no step drops a row.

    Columns beside those of `facts` and `values`: a flag for the occasion of each `CallKind`; `kind` (purpose
    of the call, null without a reason to call), `minutes`, `expected_amount` (expected value in currency) and
    `priority` (the same with context and levers, by which calls compete), `blocked` (of `Blocked`, null where
    the customer may be called), `place` (in today's list from 1, null = not today).

    Args:
        facts: Of `book_facts`.
        values: Of `call_values`, the same customers.
        day: Date of the list.
        vip: VIP tiers.
        settings: Of the project; `minutes` is what the day has.
    """
    joined = facts.join(values, on=CUSTOMER_ID, how="left", validate="1:1", maintain_order="left")
    flagged = joined.with_columns(occasions(day, vip, settings))
    calls = flagged.with_columns(
        total("priority").alias(PRIORITY),
        total("amount").alias(EXPECTED),
        blocked(day, settings).alias(BLOCKED),
        kind().alias(KIND),
    )
    return _placed(calls.with_columns(minutes(settings).alias(MINUTES)), settings)


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
    """Return what a call is worth: it keeps, sells and develops, and renews the assessment if that is due."""
    parts = [_part(name, unit) for name in (CallKind.KEEP, CallKind.GROW, CallKind.DEVELOP)]
    return parts[0] + parts[1] + parts[2] + _part(CallKind.ASSESSMENT, unit)


def _part(name: CallKind, unit: str) -> pl.Expr:
    """Return one part of the worth, 0 where it is unknown; `unit` is priority or amount."""
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


def kind() -> pl.Expr:
    """Return what heads the call: a duty, a maturity, else what weighs most; null where nothing does."""
    parts = {name: _part(name, "priority") for name in TALKS}
    best = pl.max_horizontal(*parts.values())
    special = (CallKind.FOLLOW_UP, CallKind.COVERAGE, CallKind.MATURITY)
    order = [(name, pl.col(name.value)) for name in special]
    order += [(name, (part == best) & (best > 0)) for name, part in parts.items()]
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


def _placed(calls: pl.DataFrame, settings: CallListSettings) -> pl.DataFrame:
    """Add the place in today's list: duties first, then the greatest priority per minute."""
    able = calls[KIND].is_not_null().to_numpy() & calls[BLOCKED].is_null().to_numpy()
    today = chosen(
        able & calls[CallKind.FOLLOW_UP.value].to_numpy(),
        able & calls[CallKind.COVERAGE.value].to_numpy(),
        able,
        (calls[PRIORITY].to_numpy(), calls[MINUTES].to_numpy()),
        settings,
    )
    return calls.with_columns(pl.Series(PLACE, places(calls, today), dtype=pl.Int64, nan_to_null=True))


def places(calls: pl.DataFrame, today: Mask) -> NDArray[np.float64]:
    """Return the place of each call of today from 1, NaN for the others; equals keep the order of the ids."""
    duties = {name.value: place for place, name in enumerate(DUTIES)}
    rate = (calls[PRIORITY] / calls[MINUTES]).to_numpy()
    duty = calls[KIND].replace_strict(duties, default=len(duties), return_dtype=pl.Int64).to_numpy()
    order = np.lexsort((-rate, duty, ~today))
    found = np.full(len(calls), np.nan)
    found[order] = np.arange(1, len(calls) + 1)
    return np.where(today, found, np.nan)


def chosen(
    follow_up: Mask,
    coverage: Mask,
    able: Mask,
    call: tuple[NDArray[np.float64], NDArray[np.int64]],
    settings: CallListSettings,
) -> Mask:
    """Return the calls of today, shape (n,): follow-ups, then coverage within its share, then by worth.

    Args:
        follow_up: Calls that were promised.
        coverage: Calls to customers whom nobody reached for long.
        able: Calls that may be made at all.
        call: Priority and minutes of each.
        settings: Minutes of the day, and the share of the coverage duty.
    """
    worths, length = call
    counted = worths + worths.sum() + 1.0  # the more duties the better, then the more worth
    today = np.zeros(len(worths), bool)
    share = settings.coverage_rate
    for among, weight, rate in (
        (follow_up, counted, 1.0),
        (coverage, counted, share),
        (able, worths, 1.0),
        (coverage, counted, 1.0),
    ):
        left = int((settings.minutes - length[today].sum()) * rate)
        today |= packed(np.where(among & ~today, weight, 0.0), length, left)
    return today
