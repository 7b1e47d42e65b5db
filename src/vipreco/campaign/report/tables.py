"""The report as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from vipreco.campaign.report.telling import Group, Told, count, points, rate
from vipreco.documents import Column, Document, Part

NUMBERS = ("treated", "control", "treated_rate", "control_rate", "lift")


def document(told: Told) -> Document:
    """Return the report as a document of tables."""
    say = told.say
    about = (told.about, "", told.headline, told.because)
    return Document(told.title, about, tuple(_parts(told)), say.language, say.template("report.page"))


def _parts(told: Told) -> Iterable[Part]:
    say = told.say
    numbers = [(one.label, one.told) for one in (*told.main, *told.money)]
    yield _part(told, "main", ("what", "estimate"), (62, 40), [*numbers, (say("figure.cost"), told.costs)])
    none = "" if told.groups else say("note.no_groups")
    names = ("by", "group", *NUMBERS, "interval", "remark")
    yield _part(
        told, "groups", names, (9, 26, 8, 8, 9, 9, 9, 18, 26), [_group(one) for one in told.groups], none
    )
    steps = [(name, count(customers), share) for name, customers, share in told.funnel]
    yield _part(told, "funnel", ("step", "customers", "share"), (34, 12, 16), steps)
    yield _part(told, "promised", ("what", "estimate"), (62, 40), told.promised)
    yield _part(told, "checks", ("check", "verdict"), (44, 60), [one[:2] for one in told.checks])
    if told.order is not None:
        yield _part(told, "order", ("what", "estimate"), (62, 40), [(told.order.label, told.order.told)])
    if told.other:
        yield _part(told, "other", ("what", "estimate"), (62, 40), told.other)
    yield _part(told, "notes", (), (), (), "\n".join(f"- {note}" for note in told.notes))


def _group(one: Group) -> tuple[str, ...]:
    ends = "" if one.low is None or one.high is None else f"[{points(one.low)}, {points(one.high)}]"
    lift = points(one.lift) if ends else "–"
    rates = rate(one.treated_rate), rate(one.control_rate)
    return one.dimension, one.name, count(one.treated), count(one.control), *rates, lift, ends, one.remark


def _part(
    told: Told,
    section: str,
    names: Sequence[str],
    widths: Sequence[int],
    rows: Iterable[Sequence[str]],
    note: str = "",
) -> Part:
    columns = tuple(
        Column(name, told.say(f"column.{name}"), width) for name, width in zip(names, widths, strict=True)
    )
    frame = pl.DataFrame([list(row) for row in rows], dict.fromkeys(names, pl.String), orient="row")
    return Part(section, told.say(f"section.{section}"), columns, frame, note)
