"""The figures as documents: all of a branch, one by month and by manager, all definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from vipreco.documents import Column, Document, Holds, Part
from vipreco.kpi.definitions import FIGURES, Each, Figure, Shows
from vipreco.kpi.model_rows import DRAIN, STOPPED
from vipreco.kpi.numbers import by_manager, measures
from vipreco.kpi.rows import FigureRows
from vipreco.kpi.texts import limits_text, number_text, part_text, trend_text
from vipreco.lists import Wording

Measured = Mapping[str, list[dict[str, Any]]]
YEAR = 12


def overview_document(
    rows: FigureRows, scope: str, say: Wording, measured: pl.DataFrame | None = None
) -> Document:
    """Return all figures of a bank, a branch or a book.

    Args:
        rows: Theirs.
        scope: Whose figures these are, in words.
        say: The words.
        measured: Their measures, where they are there already.
    """
    found = measures(rows) if measured is None else measured
    by_key: Measured = {key: found.filter(pl.col("figure") == key).to_dicts() for key in FIGURES}
    makers = (_states, _changes, _flow, _contacts, _ahead, _stopped, _missing)
    parts = [part for make in makers if (part := make(rows, by_key, say)).rows.height]
    hints = (say("kpi.list_hint"), say("kpi.definition_hint"))
    return _document(say("kpi.title", scope=scope), rows, tuple(parts), say, *hints)


def figure_document(
    rows: FigureRows, figure: Figure, scope: str, say: Wording, *, managers: bool = False
) -> Document:
    """Return one figure by month, with its definition.

    Args:
        rows: Of a bank, a branch or a book.
        figure: Which.
        scope: Whose figures these are, in words.
        say: The words.
        managers: Whether managers are told beside, for help.
    """
    name = f"{figure.name(say.language)}: {scope}"
    told = measures(rows, [figure.key]).to_dicts()
    lines = [{**_told(row, figure, say), "of": f"{row['month_date']:%Y-%m}"} for row in told]
    parts = [_part("months", say("figure_column.month"), lines, say, ("of", "figure_column.month"))]
    if managers and figure.key not in rows.missing:
        found = [
            {**_told(row, figure, say), "of": row["manager_id"] or say("kpi.none")}
            for row in by_manager(rows, figure.key).to_dicts()
        ]
        note = say("kpi.managers_note")
        parts.append(
            _part("managers", say("kpi.managers"), found, say, ("of", "figure_column.manager"), note=note)
        )
    parts.append(_missing(rows, {}, say, (figure.key,)))
    definition = figure.definition(say.language)
    return _document(name, rows, tuple(part for part in parts if part.rows.height), say, definition)


def definitions_document(say: Wording) -> Document:
    """Return the definitions of all figures."""
    lines = [
        {"key": key, "figure": figure.name(say.language), "definition": figure.definition(say.language)}
        for key, figure in FIGURES.items()
    ]
    columns = _columns(say, ("key", 22), ("figure", 28), ("definition", 60))
    part = Part("definitions", say("kpi.definitions"), columns, pl.DataFrame(lines))
    return Document(say("kpi.definitions"), (), (part,), say.language)


def _document(title: str, rows: FigureRows, parts: tuple[Part, ...], say: Wording, *about: str) -> Document:
    snapshot = rows.months[0] if rows.months else rows.as_of
    lines = (say("kpi.as_of", date=rows.as_of, snapshot=snapshot), say("kpi.owners"), *about)
    return Document(title, lines, parts, say.language, currency=say.currency)


def _states(rows: FigureRows, found: Measured, say: Wording) -> Part:
    """Return what stands at the end of the month, beside the month before and the year before."""
    lines = []
    for figure, told in _of(found, Each.MONTH_END):
        text = {
            name: number_text(told[place]["number"], figure.shows, say) if place < len(told) else ""
            for name, place in (("now", 0), ("before", 1), ("year_ago", YEAR))
        }
        assets = say.amount(told[0]["total_amount"])
        lines.append({**_named(figure, say), **text, "trend": _trend(told), "assets": assets})
    columns = _columns(
        say, ("figure", 32), ("now", 9), ("before", 9), ("year_ago", 9), ("trend", 14), ("assets", 16)
    )
    return _frame("month_end", say("kpi.month_end"), columns, lines)


def _changes(rows: FigureRows, found: Measured, say: Wording) -> Part:
    """Return who came, rose, sank and left."""
    lines = []
    for figure, told in _of(found, Each.MONTH):
        numbers = [row["number"] for row in told]
        if figure.only_if_any and not any(numbers):
            continue
        text = {
            "now": number_text(numbers[0], figure.shows, say),
            "before": number_text(numbers[1], figure.shows, say) if len(numbers) > 1 else "",
            "year": number_text(sum(numbers[:YEAR]), figure.shows, say),
        }
        assets = say.amount(told[0]["total_amount"])
        lines.append({**_named(figure, say), **text, "trend": _trend(told), "assets": assets})
    columns = _columns(
        say, ("figure", 32), ("now", 9), ("before", 9), ("year", 9), ("trend", 14), ("assets", 16)
    )
    return _frame("month", say("kpi.month"), columns, lines)


def _flow(rows: FigureRows, found: Measured, say: Wording) -> Part:
    """Return where the assets of VIP customers went."""
    lines = []
    for figure, told in _of(found, Each.WINDOW):
        numbers = [row["total_amount"] for row in told]
        lines.append(
            {
                **_named(figure, say),
                "now": say.amount(numbers[0]),
                "before": say.amount(numbers[1]) if len(numbers) > 1 else "",
                "year": say.amount(sum(numbers[: YEAR // rows.flow_months])),
                "trend": trend_text(numbers[::-1]),
                "customers": f"{told[0]['customers']:,}",
            }
        )
    columns = _columns(
        say, ("figure", 24), ("now", 15), ("before", 15), ("year", 15), ("trend", 8), ("customers", 9)
    )
    title = say("kpi.window", months=rows.flow_months, date=rows.months[0]) if rows.months else ""
    return _frame("window", title, columns, lines, say("kpi.window_note"))


def _contacts(rows: FigureRows, found: Measured, say: Wording) -> Part:
    """Return what came of the contacts of the last months."""
    lines = []
    due = next((row["number"] for row in found.get("contacts_due", ())), 0) or 0
    for figure, told in _of(found, Each.PERIOD):
        row, is_rate = told[0], figure.shows is Shows.RATE
        share = "" if is_rate or not due else f"{row['number'] / due:.0%}"
        lines.append(
            {
                **_named(figure, say),
                "number": number_text(row["number"], figure.shows, say),
                "limits": limits_text(row["number_low"], row["number_high"], figure.shows, say),
                "share": share,
                "rows": f"{row['rows']:,}" if is_rate else "",
                "assets": say.amount(row["total_amount"]),
            }
        )
    columns = _columns(
        say, ("figure", 30), ("number", 9), ("limits", 18), ("share", 8), ("rows", 7), ("assets", 16)
    )
    return _frame("period", say("kpi.period", date=rows.as_of), columns, lines)


def _ahead(rows: FigureRows, found: Measured, say: Wording) -> Part:
    """Return the expected drain, with its interval."""
    figure, told = FIGURES[DRAIN], found[DRAIN]
    unscored = rows.of_figure(DRAIN)["value"].null_count()
    lines = [
        {
            **_named(figure, say),
            "customers": number_text(row["number"], figure.shows, say),
            "limits": limits_text(row["number_low"], row["number_high"], Shows.CUSTOMERS, say),
            "amount": say.amount(row["total_amount"]),
            "limits_amount": limits_text(row["low_amount"], row["high_amount"], Shows.AMOUNT, say),
        }
        for row in told
    ]
    columns = (
        *_columns(say, ("figure", 18), ("customers", 9), ("limits", 12), ("amount", 16)),
        Column("limits_amount", say("figure_column.limits"), 32, Holds.COUNT),
    )
    note = say("kpi.unscored", count=unscored) if unscored else ""
    return _frame("ahead", say("kpi.ahead", months=rows.horizon_months), columns, lines, note)


def _stopped(rows: FigureRows, found: Measured, say: Wording) -> Part:
    """Return what each rule stops."""
    by_rule = (
        rows.of_figure(STOPPED)
        .group_by("part")
        .agg(pl.len().alias("customers"), pl.col("value").sum().alias("products"), pl.col("amount").sum())
        .sort("amount", "part", descending=[True, False])
    )
    lines = [
        {
            "key": STOPPED,
            "reason": part_text(rows, FIGURES[STOPPED], row["part"], say),
            "customers": f"{row['customers']:,}",
            "products": f"{row['products']:,.0f}",
            "value": say.amount(row["amount"]),
        }
        for row in by_rule.to_dicts()
    ]
    columns = _columns(say, ("reason", 40), ("customers", 10), ("products", 10), ("value", 18))
    return _frame("stopped", say("kpi.stopped"), columns, lines)


def _missing(rows: FigureRows, found: Measured, say: Wording, keys: Sequence[str] = tuple(FIGURES)) -> Part:
    """Return which figures are not told, and what a bank would have to bring."""
    lines = [
        {**_named(FIGURES[key], say), "lacks": say(f"figure_missing.{code}")}
        for key, code in rows.missing.items()
        if key in keys
    ]
    return _frame("missing", say("kpi.missing"), _columns(say, ("figure", 32), ("lacks", 64)), lines)


def _of(found: Measured, each: Each) -> list[tuple[Figure, list[dict[str, Any]]]]:
    return [(FIGURES[key], told) for key, told in found.items() if FIGURES[key].each is each and told]


def _named(figure: Figure, say: Wording) -> dict[str, str]:
    """Return name and key of a figure; the key stands in no column, and leads a page to the customers."""
    return {"figure": figure.name(say.language), "key": figure.key}


def _trend(told: list[dict[str, Any]]) -> str:
    return trend_text([row["number"] for row in reversed(told)])


def _told(row: dict[str, Any], figure: Figure, say: Wording) -> dict[str, str]:
    shows = figure.shows
    number = row["number"] if shows is not Shows.AMOUNT else row["total_amount"]
    return {
        "number": number_text(number, shows, say),
        "limits": limits_text(row["number_low"], row["number_high"], shows, say),
        "customers": f"{row['customers']:,}",
        "amount": say.amount(row["total_amount"]),
    }


def _part(
    key: str, title: str, lines: list[dict[str, str]], say: Wording, first: tuple[str, str], note: str = ""
) -> Part:
    rest = _columns(say, ("number", 16), ("limits", 22), ("customers", 10), ("amount", 18))
    told = tuple(column for column in rest if any(line[column.name] for line in lines))
    return _frame(key, title, (Column(first[0], say(first[1]), 14), *told), lines, note)


def _columns(say: Wording, *widths: tuple[str, int]) -> tuple[Column, ...]:
    numbers = {"figure", "definition", "key", "lacks", "reason", "trend"}
    return tuple(
        Column(name, say(f"figure_column.{name}"), width, Holds.TEXT if name in numbers else Holds.COUNT)
        for name, width in widths
    )


def _frame(
    key: str, title: str, columns: tuple[Column, ...], lines: list[dict[str, str]], note: str = ""
) -> Part:
    schema = {"key": pl.String, **{column.name: pl.String for column in columns}}
    return Part(key, title, columns, pl.DataFrame(lines, schema=schema), note)
