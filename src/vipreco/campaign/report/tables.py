"""The report as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from vipreco.campaign.report.report_text import Group, ReportText, count, points, rate
from vipreco.documents import Column, Document, Part

NUMBERS = ("treated", "control", "treated_rate", "control_rate", "lift")


def document(words: ReportText) -> Document:
    """Return the report as a document of tables."""
    say = words.say
    about = (words.about, "", words.headline, words.because)
    return Document(words.title, about, tuple(_parts(words)), say.language, say.template("report.page"))


def _parts(words: ReportText) -> Iterable[Part]:
    say = words.say
    numbers = [(one.label, one.text) for one in (*words.main, *words.money)]
    yield _part(words, "main", ("what", "estimate"), (62, 40), [*numbers, (say("figure.cost"), words.costs)])
    none = "" if words.groups else say("note.no_groups")
    names = ("by", "group", *NUMBERS, "interval", "remark")
    yield _part(
        words, "groups", names, (9, 26, 8, 8, 9, 9, 9, 18, 26), [_group(one) for one in words.groups], none
    )
    steps = [(name, count(customers), share) for name, customers, share in words.funnel]
    yield _part(words, "funnel", ("step", "customers", "share"), (34, 12, 16), steps)
    yield _part(words, "forecast", ("what", "estimate"), (62, 40), words.forecast)
    yield _part(words, "checks", ("check", "verdict"), (44, 60), [one[:2] for one in words.checks])
    if words.order is not None:
        yield _part(words, "order", ("what", "estimate"), (62, 40), [(words.order.label, words.order.text)])
    if words.other:
        yield _part(words, "other", ("what", "estimate"), (62, 40), words.other)
    yield _part(words, "notes", (), (), (), "\n".join(f"- {note}" for note in words.notes))


def _group(one: Group) -> tuple[str, ...]:
    ends = "" if one.low is None or one.high is None else f"[{points(one.low)}, {points(one.high)}]"
    lift = points(one.lift) if ends else "–"
    rates = rate(one.treated_rate), rate(one.control_rate)
    return one.dimension, one.name, count(one.treated), count(one.control), *rates, lift, ends, one.remark


def _part(
    words: ReportText,
    section: str,
    names: Sequence[str],
    widths: Sequence[int],
    rows: Iterable[Sequence[str]],
    note: str = "",
) -> Part:
    columns = tuple(
        Column(name, words.say(f"column.{name}"), width) for name, width in zip(names, widths, strict=True)
    )
    frame = pl.DataFrame([list(row) for row in rows], dict.fromkeys(names, pl.String), orient="row")
    return Part(section, words.say(f"section.{section}"), columns, frame, note)
