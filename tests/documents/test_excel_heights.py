"""Rows of a spreadsheet are high enough in Excel: by its column widths, line height and Calibri's signs."""

from __future__ import annotations

import io
from typing import Any, Final

import pytest
from openpyxl import load_workbook

from tests.page.page_bank import LADDER, customer_ids, trained
from vipreco.documents import Document, write_document
from vipreco.explanations import Explainer
from vipreco.lists import (
    Wording,
    book_document,
    book_overview,
    call_list,
    call_list_document,
    customer_day,
    customer_sheet,
    plan_day,
    sheet_document,
)
from vipreco.settings import CallListSettings

EM: Final = 2048
# Advance widths of the signs from 32 to 126 in Carlito, whose signs are as wide as Calibri's by design.
SIGNS: Final = (
    463, 667, 821, 1020, 1038, 1464, 1397, 452, 621, 621, 1020, 1020, 511, 627, 517,
    791, 1038, 1038, 1038, 1038, 1038, 1038, 1038, 1038, 1038, 1038, 548, 548, 1020, 1020,
    1020, 949, 1831, 1185, 1114, 1092, 1260, 1000, 941, 1292, 1276, 516, 653, 1064, 861,
    1751, 1322, 1356, 1058, 1378, 1112, 941, 998, 1314, 1162, 1822, 1063, 998, 959, 628,
    791, 628, 1020, 1020, 596, 981, 1076, 866, 1076, 1019, 625, 964, 1076, 470, 490,
    931, 470, 1636, 1076, 1080, 1076, 1076, 714, 801, 686, 1076, 925, 1464, 887, 927,
    809, 644, 943, 644, 1020,
)  # fmt: skip
DIGIT_PIXELS: Final = 7  # the widest digit of the workbook's own font, Calibri 11: the unit of a column width
PIXELS: Final = 10 * 96 / 72  # of an em at 10 points
USUAL_POINTS: Final = 15.0  # of a row that has no height of its own
LINE_POINTS: Final = 12.75  # of a line of Calibri 10 in Excel: 17 pixels


def pixels(text: str) -> float:
    """Return the width of a text; an unknown sign is as wide as a Chinese one."""
    widths = (SIGNS[ord(sign) - 32] if 32 <= ord(sign) < 127 else EM for sign in text)
    return sum(widths) / EM * PIXELS


def lines_in_excel(text: str, width: float) -> int:
    """Return the lines of a text in a column of so many digits, broken at spaces."""
    count = 0
    for line in text.split("\n"):
        used, count = 0.0, count + 1
        for word in line.split(" "):
            size = pixels(word)
            if used and used + pixels(" ") + size > width * DIGIT_PIXELS:
                used, count = 0.0, count + 1
            used += size + (pixels(" ") if used else 0.0)
            while used > width * DIGIT_PIXELS:  # a word that is longer than the column is cut
                used, count = used - width * DIGIT_PIXELS, count + 1
    return count


def documents() -> list[Document]:
    recommender, view = trained()
    say, explainer = Wording("en", currency="CNY"), Explainer(recommender)
    day = plan_day(explainer, view, LADDER.vip, CallListSettings())
    one = customer_day(explainer, view, customer_ids()[5], LADDER.vip, CallListSettings())
    return [
        call_list_document(call_list(day, "M1", "model", say, days=5), say),
        book_document(book_overview(day, say), "M1", day.date, say),
        sheet_document(customer_sheet(one, "model", say), say),
    ]


def cut_rows(sheet: Any) -> list[str]:
    """Return the texts that a row is too low for."""
    merged = {area.min_row: area for area in sheet.merged_cells.ranges}
    widths = {
        place: column.width
        for column in sheet.column_dimensions.values()
        for place in range(column.min, column.max + 1)
    }
    found = []
    for row in sheet.iter_rows(min_row=2):
        height = sheet.row_dimensions[row[0].row].height or USUAL_POINTS
        for cell in row:
            if isinstance(cell.value, str):
                whole = cell.row in merged
                width = sum(widths.values()) if whole else widths[cell.column]
                if lines_in_excel(cell.value, width) * LINE_POINTS > height:
                    found.append(f"{sheet.title}!{cell.coordinate}: {cell.value[:60]}")
    return found


@pytest.mark.long  # a model is trained
@pytest.mark.parametrize("place", range(3), ids=["call list", "book", "sheet"])
def test_no_row_is_too_low_for_its_text_in_excel(place: int) -> None:
    stream = io.BytesIO()
    write_document(documents()[place], stream, "xlsx")
    book = load_workbook(stream)
    assert [text for sheet in book.worksheets for text in cut_rows(sheet)] == []


def test_the_rule_counts_lines_as_a_column_breaks_them() -> None:
    assert pixels("0") == pytest.approx(6.758, abs=1e-3)
    assert [lines_in_excel("0000000 0000000", width) for width in (5, 7, 13, 14)] == [4, 2, 2, 1]
