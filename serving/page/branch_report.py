"""The figures of a branch as its page shows them: headlines, charts, and the tables of `vipreco kpi`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl

from serving.page.charts import Bar, BarChart, LineChart, Series, axis_text, bar_chart, line_chart
from vipreco.documents import Part
from vipreco.kpi import (
    FIGURES,
    Figure,
    FigureRows,
    Shows,
    limits_text,
    measures,
    number_text,
    overview_document,
)
from vipreco.lists import Wording

FLOW: Final = ("flow_came_in", "flow_bought", "flow_matured_stayed", "flow_matured_left", "flow_moved_out")
FUNNEL: Final = (
    "contacts_due", "contacts_reached", "contacts_considering", "contacts_declined", "contacts_bought"
)  # fmt: skip
NOT_REACHED: Final = ("not_reached_3_months", "not_reached_6_months")
YEAR: Final = 12
Measured = Mapping[str, Sequence[dict[str, Any]]]


@dataclass(frozen=True)
class Headline:
    """One figure in large letters.

    Args:
        key: Of the figure, whose customers it opens.
        label: Its name.
        value: Its number.
        note: What stands below.
    """

    key: str
    label: str
    value: str
    note: str


@dataclass(frozen=True)
class BranchReport:
    """Everything on the page of a branch.

    Args:
        as_of: Date of the nightly build.
        headlines: Figures in large letters.
        charts: Charts by the key of the part whose table stands beside them, each with its title.
        parts: The tables.
    """

    as_of: date
    headlines: tuple[Headline, ...]
    charts: Mapping[str, tuple[tuple[str, LineChart | BarChart], ...]]
    parts: tuple[Part, ...]


def branch_report(rows: FigureRows, say: Wording) -> BranchReport:
    """Return the page of a branch from the rows behind its figures."""
    frame = measures(rows)
    found: Measured = {key: frame.filter(pl.col("figure") == key).to_dicts() for key in FIGURES}
    document = overview_document(rows, "", say, frame)
    return BranchReport(rows.as_of, tuple(_headlines(rows, found, say)), _charts(found, say), document.parts)


def figure_chart(rows: FigureRows, figure: Figure, say: Wording) -> LineChart | None:
    """Return one figure by month; None for fewer than two months."""
    told = measures(rows, [figure.key]).to_dicts()
    return _lines({figure.key: told}, [figure.key], say, amount=figure.shows is Shows.AMOUNT)


def _headlines(rows: FigureRows, found: Measured, say: Wording) -> list[Headline]:
    notes = {
        "vip_customers": _since_last_month,
        "products_used": _year_ago,
        "vip_left": _left_note,
        "drain_expected": _drain_note,
        "not_reached_3_months": _six_months,
        "follow_ups_kept": _kept_of,
    }
    made = []
    for key, note in notes.items():
        if not found[key]:
            continue
        figure, newest = FIGURES[key], found[key][0]
        label = figure.name(say.language)
        if key == "drain_expected":
            label = say("branch.drain", name=label, months=rows.horizon_months)
        made.append(Headline(key, label, number_text(newest["number"], figure.shows, say), note(found, say)))
    return made


def _since_last_month(found: Measured, say: Wording) -> str:
    told = found["vip_customers"]
    assets = _whole(say.amount(told[0]["total_amount"]))
    if len(told) < 2:
        return assets
    return say("branch.since", change=f"{told[0]['number'] - told[1]['number']:+,.0f}", assets=assets)


def _year_ago(found: Measured, say: Wording) -> str:
    told = found["products_used"]
    oldest = told[min(YEAR, len(told) - 1)]
    text = number_text(oldest["number"], Shows.MEAN, say)
    return say("branch.then", number=text, month=f"{oldest['month_date']:%Y-%m}") if len(told) > 1 else ""


def _left_note(found: Measured, say: Wording) -> str:
    told = found["vip_left"][:YEAR]
    return say("branch.left_year", count=f"{sum(row['number'] for row in told):,.0f}", months=len(told))


def _drain_note(found: Measured, say: Wording) -> str:
    row = found["drain_expected"][0]
    count = limits_text(row["number_low"], row["number_high"], Shows.CUSTOMERS, say)
    limits = say(
        "kpi.interval", **{name: _whole(say.amount(row[f"{name}_amount"])) for name in ("low", "high")}
    )
    return say(
        "branch.drain_note", count=count, amount=_whole(say.amount(row["total_amount"])), limits=limits
    )


def _whole(amount: str) -> str:
    """Return an amount that no line end parts from its currency."""
    return amount.replace(" ", "\u00a0")


def _six_months(found: Measured, say: Wording) -> str:
    told = found["not_reached_6_months"]
    return say("branch.six_months", rate=number_text(told[0]["number"], Shows.RATE, say)) if told else ""


def _kept_of(found: Measured, say: Wording) -> str:
    row = found["follow_ups_kept"][0]
    return say("branch.kept_of", rows=row["rows"]) if row["rows"] else say("branch.none_due")


def _charts(found: Measured, say: Wording) -> dict[str, tuple[tuple[str, LineChart | BarChart], ...]]:
    assets = _lines(found, ["vip_customers"], say, amount=True)
    charts: dict[str, list[tuple[str, LineChart | BarChart | None]]] = {
        "month_end": [
            (say("branch.customers_chart"), _lines(found, ["vip_customers"], say)),
            (say("branch.assets_chart"), assets),
            (say("branch.products_chart"), _lines(found, ["products_used"], say)),
            (say("branch.coverage_chart"), _lines(found, NOT_REACHED, say)),
        ],
        "month": [
            (say("branch.moves_chart"), _lines(found, ("vip_risen", "vip_sunk", "vip_left"), say)),
        ],
        "window": [(say("branch.flow_chart"), _bars(found, FLOW, say, amount=True))],
        "period": [(say("branch.contacts_chart"), _bars(found, FUNNEL, say))],
    }
    return {
        key: tuple((title, chart) for title, chart in drawn if chart is not None)
        for key, drawn in charts.items()
    }


def _lines(found: Measured, keys: Sequence[str], say: Wording, *, amount: bool = False) -> LineChart | None:
    column = "total_amount" if amount else "number"
    series = [
        Series(
            FIGURES[key].name(say.language),
            [(row["month_date"], row[column]) for row in reversed(found[key])],
        )
        for key in keys
        if found[key]
    ]
    if not series or all(value is None for one in series for _, value in one.points):
        return None
    shows = Shows.AMOUNT if amount else FIGURES[keys[0]].shows

    def label(value: float) -> str:
        return number_text(value, shows, say)

    def axis(value: float) -> str:
        short = shows in {Shows.AMOUNT, Shows.CUSTOMERS}
        return (
            axis_text(value, say.language)
            if short
            else f"{value:.0%}"
            if shows is Shows.RATE
            else f"{value:g}"
        )

    return line_chart(series, label, axis=axis)


def _bars(found: Measured, keys: Sequence[str], say: Wording, *, amount: bool = False) -> BarChart | None:
    bars = [
        Bar(
            FIGURES[key].name(say.language),
            float(found[key][0]["total_amount" if amount else "number"] or 0.0),
            text=axis_text(found[key][0]["total_amount"] or 0.0, say.language) if amount else "",
        )
        for key in keys
        if found[key]
    ]
    return bar_chart(bars, lambda value: number_text(value, Shows.CUSTOMERS, say))
