"""The report as a spreadsheet: numbers as numbers, charts of the program's own, no live cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from vipreco.campaign.report.measures import Measures
from vipreco.campaign.report.privacy import SMALLEST
from vipreco.campaign.report.report_text import AMOUNTS, PRIMARY, RATES, Figure, Group, ReportText, count
from vipreco.documents import A4, FONTS, safe
from vipreco.export import open_workbook

BLUE, GREY = "#1F5FA8", "#8A8A8A"
Cell = str | int | float | None
CHART = {"width": 620, "height": 300}


@dataclass(frozen=True)
class _Book:
    """A workbook with its formats."""

    workbook: Any
    formats: dict[str, Any]

    @classmethod
    def of(cls, workbook: Any, font: str) -> _Book:
        base = {"font_name": font, "font_size": 10, "valign": "top"}
        kinds: dict[str, dict[str, Any]] = {
            "title": {"font_size": 15, "bold": True},
            "headline": {"font_size": 13, "bold": True, "text_wrap": True, "bg_color": "#EEF2F7"},
            "text": {"text_wrap": True, "num_format": "@"},
            "head": {"bold": True, "bg_color": "#E6E6E6", "border": 1, "text_wrap": True},
            "cell": {"border": 1, "text_wrap": True},
            "count": {"border": 1, "num_format": "#,##0"},
            "number": {"border": 1, "num_format": "#,##0.00"},
            "small": {"border": 1, "num_format": "0.0000"},
            "rate": {"border": 1, "num_format": "0.00%"},
        }
        return cls(workbook, {name: workbook.add_format({**base, **kind}) for name, kind in kinds.items()})

    def sheet(self, title: str, widths: Sequence[int]) -> Any:
        sheet = self.workbook.add_worksheet(title)
        for place, width in enumerate(widths):
            sheet.set_column(place, place, width)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.hide_gridlines(2)
        return sheet

    def row(self, sheet: Any, row: int, cells: Iterable[Cell], kinds: Sequence[str]) -> None:
        for place, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
            style = self.formats[kind]
            if cell is None:
                sheet.write_blank(row, place, None, style)
            elif isinstance(cell, str):
                sheet.write_string(row, place, safe(cell), style)
            else:
                sheet.write_number(row, place, cell, style)


def write_workbook(words: ReportText, measures: Measures, stream: BinaryIO) -> None:
    """Write the report as XLSX; the same report gives the same bytes."""
    with open_workbook(stream, words.title) as workbook:
        book = _Book.of(workbook, FONTS[words.say.language])
        _summary(book, words, measures.money.cost)
        _groups(book, words)
        _funnel(book, words)
        _forecast(book, words, measures)
        _order(book, words, measures)


def _summary(book: _Book, words: ReportText, cost: float) -> None:
    say = words.say
    sheet = book.sheet(say("sheet.main"), (62, 16, 16, 16, 46))
    sheet.write_string(0, 0, safe(words.title), book.formats["title"])
    sheet.write_string(1, 0, safe(words.about), book.formats["text"])
    sheet.merge_range(3, 0, 3, 4, safe(words.headline), book.formats["headline"])
    sheet.set_row(3, 34)
    sheet.merge_range(4, 0, 4, 4, safe(words.because), book.formats["text"])
    sheet.set_row(4, 44)
    head = [say(f"column.{name}") for name in ("what", "estimate", "low", "high", "remark")]
    book.row(sheet, 6, head, ["head"] * 5)
    row = 7
    for one in (*words.main, *words.money):
        book.row(sheet, row, _figure_cells(one), ["cell", *[_kind(one)] * 3, "cell"])
        row += 1
    book.row(sheet, row, (say("figure.cost"), cost), ("cell", "number"))
    row = _lines(book, sheet, row + 2, say("section.checks"), [f"{one[0]}: {one[1]}" for one in words.checks])
    if words.other:
        row = _lines(book, sheet, row + 1, say("section.other"), [": ".join(one) for one in words.other])
    _lines(book, sheet, row + 1, say("section.notes"), words.notes)


def _lines(book: _Book, sheet: Any, row: int, title: str, lines: Iterable[str]) -> int:
    """Write a heading and lines below it, each across the width; return the row after them."""
    sheet.merge_range(row, 0, row, 4, title, book.formats["head"])
    for line in lines:
        row += 1
        sheet.merge_range(row, 0, row, 4, safe(line), book.formats["text"])
        sheet.set_row(row, 30 if len(line) > 120 else 16)
    return row + 1


def _figure_cells(one: Figure) -> list[Cell]:
    found = one.estimate
    if not found.known:
        return [one.label, None, None, None, one.text]
    ends = (found.value, found.low, found.high)
    return [one.label, *(value if abs(value) != float("inf") else None for value in ends), None]


def _kind(one: Figure) -> str:
    if one.key in RATES:
        return "rate"
    return "count" if one.key == PRIMARY or one.key in AMOUNTS else "number"


def _groups(book: _Book, words: ReportText) -> None:
    say = words.say
    names = (
        "by",
        "group",
        "treated",
        "control",
        "treated_rate",
        "control_rate",
        "lift",
        "low",
        "high",
        "remark",
    )
    sheet = book.sheet(say("sheet.groups"), (10, 30, 10, 10, 12, 12, 12, 12, 12, 34))
    book.row(sheet, 0, [say(f"column.{name}") for name in names], ["head"] * len(names))
    kinds = ("cell", "cell", "count", "count", *["rate"] * 5, "cell")
    for row, one in enumerate(words.groups, start=1):
        book.row(sheet, row, _group_cells(one), kinds)
    sheet.freeze_panes(1, 2)
    if words.groups:
        _interval_chart(book, sheet, words)


def _group_cells(one: Group) -> list[Cell]:
    return [
        one.dimension, one.name, one.treated, one.control, one.treated_rate, one.control_rate, one.lift,
        one.low, one.high, one.remark,
    ]  # fmt: skip


def _interval_chart(book: _Book, sheet: Any, words: ReportText) -> None:
    """Draw the differences with their intervals, one bar a group."""
    last = len(words.groups)
    known = [(one.lift, one.low, one.high) for one in words.groups]
    plus, minus = (
        [abs(one[end] - one[0]) if None not in one else 0.0 for one in known]  # type: ignore[operator]
        for end in (2, 1)
    )
    chart = book.workbook.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": words.say("column.lift"),
            "categories": [sheet.name, 1, 0, last, 1],
            "values": [sheet.name, 1, 6, last, 6],
            "fill": {"color": BLUE},
            "y_error_bars": {"type": "custom", "plus_values": plus, "minus_values": minus},
        }
    )
    chart.set_title({"name": words.say("section.groups"), "name_font": {"size": 11}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "label_position": "low"})
    chart.set_x_axis({"num_format": "0.0%"})
    chart.set_size({"width": 820, "height": 120 + 26 * last})
    sheet.insert_chart(last + 2, 0, chart)


def _funnel(book: _Book, words: ReportText) -> None:
    say = words.say
    sheet = book.sheet(say("sheet.funnel"), (34, 14, 18))
    book.row(sheet, 0, [say(f"column.{name}") for name in ("step", "customers", "share")], ["head"] * 3)
    for row, (name, customers, share) in enumerate(words.funnel, start=1):
        shown: Cell = count(customers) if 0 < customers < SMALLEST else customers
        book.row(sheet, row, (name, shown, share), ("cell", "count", "cell"))
    chart = book.workbook.add_chart({"type": "bar"})
    last = len(words.funnel)
    chart.add_series(
        {
            "categories": [sheet.name, 1, 0, last, 0],
            "values": [sheet.name, 1, 1, last, 1],
            "fill": {"color": BLUE},
            "data_labels": {"value": True},
        }
    )
    chart.set_title({"name": say("section.funnel"), "name_font": {"size": 11}})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True})
    chart.set_size(CHART)
    sheet.insert_chart(last + 2, 0, chart)


def _forecast(book: _Book, words: ReportText, measures: Measures) -> None:
    say, table = words.say, measures.forecast.table
    sheet = book.sheet(say("sheet.forecast"), (34, 16, 16, 16, 16, 16))
    for row, (label, text) in enumerate(words.forecast):
        book.row(sheet, row, (label, text), ("cell", "cell"))
    top, names = len(words.forecast) + 1, ("customers", "acquired", "expected_rate", "rate", "low", "high")
    if table.is_empty():
        return
    book.row(sheet, top, [say(f"column.{name}") for name in names], ["head"] * 6)
    for row, cells in enumerate(table.select(names).iter_rows(), start=top + 1):
        book.row(sheet, row, cells, ("count", "count", *["rate"] * 4))
    last = top + table.height
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    places = {"forecast": (2, GREY), "observed": (3, BLUE)}
    for name, (column, colour) in places.items():
        chart.add_series(
            {
                "name": say(f"figure.{name}"),
                "categories": [sheet.name, top + 1, 2, last, 2],
                "values": [sheet.name, top + 1, column, last, column],
                "line": {"color": colour},
                "marker": {"type": "circle", "fill": {"color": colour}, "border": {"color": colour}},
            }
        )
    chart.set_title({"name": say("section.forecast"), "name_font": {"size": 11}})
    for axis in (chart.set_x_axis, chart.set_y_axis):
        axis({"num_format": "0.0%"})
    chart.set_size(CHART)
    sheet.insert_chart(last + 2, 0, chart)


def _order(book: _Book, words: ReportText, measures: Measures) -> None:
    if words.order is None:
        return
    say, curve = words.say, measures.curve
    sheet = book.sheet(say("sheet.order"), (24, 24, 24))
    book.row(sheet, 0, (words.order.label, words.order.text), ("cell", "cell"))
    head = [say(f"column.{name}") for name in ("depth", "gained", "at_random")]
    book.row(sheet, 2, head, ["head"] * 3)
    for row, cells in enumerate(curve.select("share", "qini", "random").iter_rows(), start=3):
        book.row(sheet, row, cells, ("rate", "small", "small"))
    chart = book.workbook.add_chart({"type": "scatter", "subtype": "straight"})
    last = 2 + curve.height
    for column, colour in ((1, BLUE), (2, GREY)):
        chart.add_series(
            {
                "name": head[column],
                "categories": [sheet.name, 3, 0, last, 0],
                "values": [sheet.name, 3, column, last, column],
                "line": {"color": colour},
            }
        )
    chart.set_x_axis({"num_format": "0%", "max": 1, "min": 0})
    chart.set_size(CHART)
    sheet.insert_chart(2, 4, chart)
