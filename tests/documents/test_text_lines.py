"""Rows of a workbook are as high as their text."""

from __future__ import annotations

import io

import openpyxl
import polars as pl
import pytest

from vipreco.documents import Column, Document, Language, Part, write_document
from vipreco.documents.text_lines import line_count


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, 1),
        ("ten signs.", 10, 1),
        ("ten signs. more", 10, 2),
        ("alongword", 4, 3),
        ("中文字符中文", 6, 2),
        ("one\ntwo\n\nfour", 10, 4),
        ("资产 300,000 元", 8, 3),
    ],
)
def test_a_text_takes_so_many_lines(text: str, width: int, lines: int):
    assert line_count(text, width) == lines


@pytest.mark.parametrize(("language", "points"), [("en", 13.0), ("zh", 15.0)])
def test_a_row_is_as_high_as_its_longest_cell(language: Language, points: float):
    column = Column("why", "Reason", 20)
    rows = pl.DataFrame({"why": ["short", "a reason of five lines " * 3, "中" * 60]})
    document = Document("Title", ("about",), (Part("p", "Part", (column,), rows),), language)
    stream = io.BytesIO()
    write_document(document, stream, "xlsx")
    sheet = openpyxl.load_workbook(stream).worksheets[0]
    heights = [sheet.row_dimensions[row].height or 15.0 for row in (5, 6, 7)]  # 15 is the usual height
    assert heights == pytest.approx([points + 2, 4 * points + 2, 6 * points + 2], abs=0.75)  # whole pixels
