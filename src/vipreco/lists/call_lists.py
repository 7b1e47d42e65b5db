"""The call list of a day, from the plan to what a reader is shown."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from vipreco.arbitration import NoAction
from vipreco.columns import CUSTOMER_ID
from vipreco.lists.call_lines import call_lines
from vipreco.lists.call_plan import BLOCKED, MINUTES
from vipreco.lists.day import Day
from vipreco.lists.presentation import CallLine, CallList, ReasonCount
from vipreco.lists.texts import Wording

MAX_LATER = 50
NO_OUTCOMES: Mapping[str, str] = MappingProxyType({})


def call_list(
    day: Day,
    manager_id: str,
    model: str,
    say: Wording,
    *,
    outcomes: Mapping[str, str] = NO_OUTCOMES,
    with_reasons: bool = True,
) -> CallList:
    """Return the call list of a day; calls that were made today stay on it, at its end.

    Args:
        day: The plan.
        manager_id: Whose list.
        model: Version of the model.
        say: The words.
        outcomes: Code of the outcome recorded today by customer, in the order in which they were recorded.
        with_reasons: Offers come with reasons, which take longer than everything else.
    """
    made = day.calls.filter(pl.col(CUSTOMER_ID).is_in(list(outcomes)))
    today, moved = _open(day, made, outcomes)
    waiting = day.later.filter(~pl.col(CUSTOMER_ID).is_in(list(outcomes)))
    later = pl.concat([moved, waiting])
    return CallList(
        date=day.date,
        known_on=day.date,
        manager_id=manager_id,
        model=model,
        minutes=day.settings.minutes,
        calls=(
            *call_lines(day, today, say, with_reasons=with_reasons, outcomes=outcomes),
            *call_lines(day, made, say, with_reasons=False, outcomes=outcomes),
        ),
        later=call_lines(day, later.head(MAX_LATER), say, with_reasons=False, outcomes=outcomes),
        later_total=later.height,
        blocked=blocked_counts(day, say),
        idle=idle_counts(day, say),
        customers=day.calls.height,
    )


def matching_calls(day: Day, text: str, most: int, say: Wording) -> tuple[tuple[CallLine, ...], int]:
    """Return the customers of the book whose id or tier holds a text, and how many there are in all."""
    found = day.calls.filter(
        pl.col(CUSTOMER_ID).str.contains(text, literal=True)
        | pl.col("tier").str.to_lowercase().str.contains(text.lower(), literal=True)
    )
    lines = call_lines(day, found.head(most), say, with_reasons=False, outcomes=NO_OUTCOMES)
    return lines, found.height


def _open(day: Day, made: pl.DataFrame, outcomes: Mapping[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the calls still to be made within the minutes that are left, and those that fit no more.

    Minutes go to every customer called today, on the list or beside it: a day ends.
    """
    planned = day.today.filter(~pl.col(CUSTOMER_ID).is_in(list(outcomes)))
    left = day.settings.minutes - int(made[MINUTES].sum())
    fits = []
    for minutes in planned[MINUTES]:
        fits.append(minutes <= left)
        left -= minutes if fits[-1] else 0
    mask = pl.Series(fits, dtype=pl.Boolean)
    return planned.filter(mask), planned.filter(~mask)


def blocked_counts(day: Day, say: Wording) -> tuple[ReasonCount, ...]:
    """Return how many customers must not be called, by reason."""
    rules = day.decisions[0].policy.rules
    return tuple(
        ReasonCount(say(f"blocked.{row[BLOCKED]}", rule=rules[row["rule"] - 1].reason_code), row["customers"])
        for row in day.blocked.iter_rows(named=True)
    )


def idle_counts(day: Day, say: Wording) -> tuple[ReasonCount, ...]:
    """Return for how many customers there is no reason to call, by cause."""
    return tuple(
        ReasonCount(_cause(day, row["cause"], row["stopped_by"], say), row["customers"])
        for row in day.idle.iter_rows(named=True)
    )


def _cause(day: Day, cause: int, stopped_by: int, say: Wording) -> str:
    if cause != NoAction.ALL_STOPPED or not stopped_by:
        return say("cause.no_reason")
    rule = day.decisions[0].policy.rules[stopped_by - 1]
    return say("cause.all_stopped", reason=rule.reason_code)
