"""The call list of a day, from the plan to what a reader is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import polars as pl

from vipreco.arbitration import NoAction
from vipreco.columns import CUSTOMER_ID, PRIORITY
from vipreco.lists.call_columns import BLOCKED, DEADLINE, DUTY, EXPECTED, KIND, MINUTES
from vipreco.lists.call_lines import Row, call_lines, gate_notices
from vipreco.lists.day import Day
from vipreco.lists.presentation import CallLine, CallList, PlannedDay, ReasonCount
from vipreco.lists.texts import Wording
from vipreco.propensity import USUAL
from vipreco.settings import CallKind

MAX_LATER = 50
MAX_NOTICES = 3
NO_OUTCOMES: Mapping[str, str] = MappingProxyType({})


def call_list(
    day: Day,
    manager_id: str,
    model: str,
    say: Wording,
    *,
    outcomes: Mapping[str, str] = NO_OUTCOMES,
    with_reasons: bool = True,
    days: int = 1,
) -> CallList:
    """Return the call list of a day; calls that were made today stay on it, at its end.

    Args:
        day: The plan.
        manager_id: Whose list.
        model: Version of the model.
        say: The words.
        outcomes: Code of the outcome recorded today by customer, in the order in which they were recorded.
        with_reasons: Offers come with reasons, which take longer than everything else.
        days: Working days that are shown, today included.
    """
    made = day.calls.filter(pl.col(CUSTOMER_ID).is_in(list(outcomes)))
    today, moved = _open(day, made, outcomes)
    waiting = day.later.filter(~pl.col(CUSTOMER_ID).is_in(list(outcomes)))
    later = pl.concat([moved, waiting])
    return CallList(
        date=day.list_date,
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
        notices=notices(day, say),
        days=planned_days(day, days, say, outcomes),
        rules=simple_rules(day, say),
    )


def simple_rules(day: Day, say: Wording) -> tuple[str, ...]:
    """Return which chances of attrition come from a simple rule, because the model did not beat it."""
    return tuple(
        say("rule.usual", kind=say(f"rule.{kind}"))
        if rule == USUAL
        else say("rule.by", kind=say(f"rule.{kind}"), rule=say(f"rule.{rule}"))
        for kind, rule in day.simple_rules.items()
        if rule
    )


def planned_days(day: Day, days: int, say: Wording, outcomes: Mapping[str, str]) -> tuple[PlannedDay, ...]:
    """Return the calls of the coming working days after the first; there are at most those of the plan."""
    if day.plan is None or days == 1:
        return ()
    plan, numbers = day.plan, pl.Series(day.plan.day_numbers(days))
    waiting = ~plan.calls[CUSTOMER_ID].is_in(list(outcomes))

    def lines(number: int) -> tuple[CallLine, ...]:
        calls = in_order(plan.calls.filter((numbers == number) & waiting))
        return call_lines(day, calls, say, with_reasons=False, outcomes=NO_OUTCOMES)

    return tuple(PlannedDay(date, lines(number)) for number, date in enumerate(plan.days[1:days], start=1))


def in_order(calls: pl.DataFrame) -> pl.DataFrame:
    """Return calls of a coming day in their order: agreed talks first, then by value for their minutes."""
    is_promise = pl.col(KIND) == CallKind.FOLLOW_UP
    return calls.sort(
        is_promise, pl.col(PRIORITY) / pl.col(MINUTES), CUSTOMER_ID, descending=[True, True, False]
    )


def notices(day: Day, say: Wording) -> tuple[str, ...]:
    """Return the notices at the top of a list: failed gates, displaced calls by name and value, deadlines."""
    gates = gate_notices(day, say)
    if day.plan is None:
        return gates
    displaced = [
        say("notice.displaced", customer=row[CUSTOMER_ID], amount=say.amount(row[EXPECTED]))
        for row in day.plan.displaced.head(MAX_NOTICES).iter_rows(named=True)
    ]
    missed = day.plan.missed
    named = [_missed_text(row, say) for row in missed.head(MAX_NOTICES).iter_rows(named=True)]
    more = missed.height - MAX_NOTICES
    rest = [say.counted("notice.other", more)] if more > 0 else []
    waiting = day.plan.waiting
    last = waiting[DEADLINE].max()
    later = [say.counted("notice.waiting", waiting.height, date=last)] if last else []
    return (*gates, *displaced, *named, *rest, *later)


def _missed_text(row: Row, say: Wording) -> str:
    words = {"kind": say.of("kind", row[DUTY]), "customer": row[CUSTOMER_ID], "date": row[DEADLINE]}
    if row[BLOCKED] is None:
        return say("notice.missed", **words)
    return say("notice.missed_blocked", reason=say(f"blocked.{row[BLOCKED]}", rule=""), **words)


def matching_calls(
    day: Day, text: str, limit: int, say: Wording, named: Collection[str] = ()
) -> tuple[tuple[CallLine, ...], int]:
    """Return the customers of the book who match a text, and how many there are in all.

    Args:
        day: The plan of the book.
        text: Part of an id or of a tier.
        limit: Maximum number of customers.
        say: The words.
        named: Customers whose name in the directory matches.
    """
    found = day.calls.filter(
        pl.col(CUSTOMER_ID).is_in(list(named))
        | pl.col(CUSTOMER_ID).str.contains(text, literal=True)
        | pl.col("tier").str.to_lowercase().str.contains(text.lower(), literal=True)
    )
    lines = call_lines(day, found.head(limit), say, with_reasons=False, outcomes=NO_OUTCOMES)
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
        ReasonCount(
            say(f"blocked.{row[BLOCKED]}", rule=rules[row["rule"] - 1].named(say.language)), row["customers"]
        )
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
    return say("cause.all_stopped", reason=rule.named(say.language))
