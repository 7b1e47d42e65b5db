"""Documents as spreadsheets that come out of a printer as they look: no live cell, headings on every page."""

from __future__ import annotations

import datetime
import re
from typing import Any, BinaryIO

from vipreco.documents.document import Column, Document, Holds, Part, safe, shown
from vipreco.documents.text_lines import line_count
from vipreco.export import open_workbook

A4 = 9  # paper number in the format
FONTS = {"en": "Calibri", "zh": "Microsoft YaHei"}
NUMBER_FORMATS = {Holds.COUNT: "#,##0", Holds.AMOUNT: "#,##0", Holds.RATE: "0.0%", Holds.DATE: "yyyy-mm-dd"}
RIGHT = {Holds.COUNT, Holds.AMOUNT, Holds.RATE}
MAX_SHEET_NAME = 31
LINE_POINTS = {"en": 13.0, "zh": 15.0}  # of a line of 10 points in the font of the language
MAX_POINTS = 409.0  # of a row in the format
Formats = dict[str, Any]


def write_xlsx(document: Document, stream: BinaryIO) -> None:
    """Write each part on a sheet of its own, landscape, as wide as the page, with its heading frozen."""
    with open_workbook(stream, document.title) as workbook:
        formats = _formats(workbook, FONTS[document.language])
        for number, part in enumerate(document.parts):
            sheet = workbook.add_worksheet(_sheet_name(part.title, number))
            top = _write_head(sheet, document, part, formats)
            _write_rows(sheet, part, top, formats)
            _set_heights(sheet, document, part, top)
            _set_up_page(sheet, document, part, top)


def _formats(workbook: Any, font: str) -> Formats:
    base = {"font_name": font, "font_size": 10, "valign": "top", "text_wrap": True, "border": 1}
    made = {
        holds.value: workbook.add_format(
            {
                **base,
                "num_format": NUMBER_FORMATS.get(holds, "@"),
                "align": "right" if holds in RIGHT else "left",
            }
        )
        for holds in Holds
    }
    made["title"] = workbook.add_format({"font_name": font, "font_size": 14, "bold": True})
    made["about"] = workbook.add_format(
        {"font_name": font, "font_size": 10, "text_wrap": True, "valign": "top"}
    )
    made["head"] = workbook.add_format({**base, "bold": True, "bg_color": "#E6E6E6", "num_format": "@"})
    return made


def _write_head(sheet: Any, document: Document, part: Part, formats: Formats) -> int:
    """Write the lines above the table, and return the row of its heading."""
    sheet.write_string(0, 0, safe(document.title), formats["title"])
    lines = [line for line in (*document.about, part.title, part.note) if line]
    last = len(part.columns) - 1
    width = sum(column.width for column in part.columns)
    for row, line in enumerate(lines, start=1):
        if last > 0:
            sheet.merge_range(row, 0, row, last, "", formats["about"])
        sheet.write_string(row, 0, safe(line), formats["about"])
        sheet.set_row(row, _points([(line, width)], document))
    top = len(lines) + 1
    for place, column in enumerate(part.columns):
        sheet.write_string(top, place, column.title, formats["head"])
    return top


def _write_rows(sheet: Any, part: Part, top: int, formats: Formats) -> None:
    for place, column in enumerate(part.columns):
        for row, value in enumerate(part.rows[column.name].to_list(), start=top + 1):
            _write_cell(sheet, (row, place), column, value, formats)


def _set_heights(sheet: Any, document: Document, part: Part, top: int) -> None:
    """Make each row as high as its text: LibreOffice does not do so by itself, nor does a preview."""
    heading = [(column.title, column.width) for column in part.columns]
    sheet.set_row(top, _points(heading, document))
    rows = part.rows.select(column.name for column in part.columns).iter_rows()
    for row, values in enumerate(rows, start=top + 1):
        texts = (shown(value, column.holds) for value, column in zip(values, part.columns, strict=True))
        widths = (column.width for column in part.columns)
        sheet.set_row(row, _points(list(zip(texts, widths, strict=True)), document))


def _points(cells: list[tuple[str, int]], document: Document) -> float:
    """Return the height of a row of texts, each in a column of so many signs."""
    lines = max((line_count(text, width) for text, width in cells), default=1)
    return float(min(lines * LINE_POINTS[document.language] + 2, MAX_POINTS))


def _write_cell(sheet: Any, place: tuple[int, int], column: Column, value: Any, formats: Formats) -> None:
    style = formats[column.holds.value]
    if value is None:
        sheet.write_blank(*place, None, style)
    elif isinstance(value, datetime.date):
        sheet.write_datetime(*place, value, style)
    elif column.holds is Holds.TEXT:
        sheet.write_string(*place, safe(str(value)), style)
    else:
        sheet.write_number(*place, value, style)


def _set_up_page(sheet: Any, document: Document, part: Part, top: int) -> None:
    for place, column in enumerate(part.columns):
        sheet.set_column(place, place, column.width)
    sheet.freeze_panes(top + 1, 0)
    sheet.repeat_rows(top)
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer(f"&L{_escaped(document.title)}&R{_escaped(document.page).format(number='&P / &N')}")
    last = top + max(part.rows.height, 1)
    sheet.print_area(0, 0, last, max(len(part.columns) - 1, 0))
    if part.rows.height:
        sheet.autofilter(top, 0, top + part.rows.height, len(part.columns) - 1)


def _escaped(text: str) -> str:
    """Return `text` for a footer, where `&` begins a code; a footer takes 255 characters."""
    return text.replace("&", "&&")[:200]


def _sheet_name(title: str, number: int) -> str:
    """Return a name that a spreadsheet accepts: some signs and long names are refused."""
    return (re.sub(r"[\[\]:*?/\\']", " ", title).strip() or str(number + 1))[:MAX_SHEET_NAME]
