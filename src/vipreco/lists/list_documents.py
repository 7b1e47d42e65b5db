"""The call list as a document."""

from __future__ import annotations

import polars as pl

from vipreco.arbitration import NoAction
from vipreco.columns import CUSTOMER_ID
from vipreco.documents import Column, Document, Holds, Part
from vipreco.lists.call_plan import BLOCKED, MINUTES, WORTH
from vipreco.lists.day import Day, told
from vipreco.lists.lines import amount, lines
from vipreco.lists.texts import Wording

MOST_LATER = 50
WIDTHS = {
    "place": (5, Holds.COUNT),
    "kind": (11, Holds.TEXT),
    "customer": (13, Holds.TEXT),
    "tier": (13, Holds.TEXT),
    "assets": (11, Holds.AMOUNT),
    "why": (34, Holds.TEXT),
    "offers": (44, Holds.TEXT),
    "avoid": (30, Holds.TEXT),
    "caution": (24, Holds.TEXT),
    "minutes": (6, Holds.COUNT),
    "worth": (9, Holds.AMOUNT),
    "last_contact": (19, Holds.TEXT),
}
ONLY_TODAY = {"place", "offers", "avoid", "caution"}
NAMES = {"customer": "customer_id"}


def call_list_document(day: Day, manager: str, model: str, say: Wording) -> Document:
    """Return the call list of a day: today's calls, what did not fit, whom not to call, and why not others.

    Args:
        day: The day.
        manager: Whose.
        model: Version of the model, for the line below the title.
        say: The words.
    """
    used, worth = int(day.today[MINUTES].sum()), float(day.today[WORTH].sum())
    about = say(
        "list.about", calls=day.today.height, used=used, minutes=day.settings.minutes, amount=amount(worth)
    )
    return Document(
        title=say("list.title", manager=manager, date=day.date),
        about=(about, say("list.basis", day=day.date, model=model)),
        parts=(*_calls(day, say), blocked_part(day, say), idle_part(day, say)),
        language=say.language,
        page=say.template("list.page"),
    )


def _calls(day: Day, say: Wording) -> tuple[Part, Part]:
    """Return today's calls, and the best of those that did not fit."""
    later = day.later.head(MOST_LATER)
    today = lines(day, day.today, told(day, day.today[CUSTOMER_ID], say.language), say)
    columns = _columns(say)
    brief = tuple(column for column in columns if column.name not in ONLY_TODAY)
    note = say("list.later_note", shown=later.height, total=day.later.height)
    return (
        Part("today", say("list.today"), columns, today),
        Part("later", say("list.later"), brief, lines(day, later, {}, say), note),
    )


def blocked_part(day: Day, say: Wording) -> Part:
    """Return how many customers must not be called, by reason."""
    rules = day.decisions[0].policy.rules
    words = [
        say(f"blocked.{row[BLOCKED]}", rule=rules[row["rule"] - 1].reason_code)
        for row in day.blocked.iter_rows(named=True)
    ]
    rows = day.blocked.select(pl.Series("reason", words, dtype=pl.String), "customers")
    return Part("blocked", say("list.blocked"), _counts(say), rows)


def idle_part(day: Day, say: Wording) -> Part:
    """Return for how many customers nothing speaks for a call, by cause."""
    causes = [_cause(day, row["cause"], row["stopped_by"], say) for row in day.idle.iter_rows(named=True)]
    rows = day.idle.select(pl.Series("reason", causes, dtype=pl.String), "customers")
    return Part("idle", say("list.idle"), _counts(say), rows)


def _cause(day: Day, cause: int, stopped_by: int, say: Wording) -> str:
    if cause != NoAction.ALL_STOPPED or not stopped_by:
        return say("cause.nothing_worth")
    rule = day.decisions[0].policy.rules[stopped_by - 1]
    return say("cause.all_stopped", reason=rule.reason_code)


def _columns(say: Wording) -> tuple[Column, ...]:
    return tuple(
        Column(NAMES.get(key, key), say(f"column.{key}"), width, holds)
        for key, (width, holds) in WIDTHS.items()
    )


def _counts(say: Wording) -> tuple[Column, ...]:
    return (
        Column("reason", say("column.reason"), 90),
        Column("customers", say("column.customers"), 12, Holds.COUNT),
    )
