"""Documents come out of a printer as they were meant, in both languages, and nothing in them is alive."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path

import openpyxl
import polars as pl
import pypdf
import pytest

from vipreco.cli.document_output import document_text
from vipreco.documents import Column, Document, Holds, Part, shown, write_document

COLUMNS = (
    Column("customer_id", "客户号", 14),
    Column("assets", "资产", 12, Holds.AMOUNT),
    Column("rate", "概率", 8, Holds.RATE),
    Column("since", "日期", 11, Holds.DATE),
    Column("why", "为何现在", 40),
)
ROWS = pl.DataFrame(
    {
        "customer_id": ["0012345678901234567", "0000000002"],
        "assets": [1_234_567.5, None],
        "rate": [0.125, 0.0],
        "since": [date(2025, 12, 31), None],
        "why": ["=HYPERLINK(1) 测评已过期", "到期\nline two"],
    }
)


def document(rows: pl.DataFrame = ROWS) -> Document:
    parts = (Part("today", "今日", COLUMNS, rows, "前 2 位"), Part("idle", "今日无需行动", COLUMNS[:1], rows))
    return Document("M00017 电话清单 & <2025>", ("5 通电话",), parts, "zh", "第 {number} 页")


def written(kind: str, rows: pl.DataFrame = ROWS) -> bytes:
    stream = io.BytesIO()
    write_document(document(rows), stream, kind)
    return stream.getvalue()


def book() -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(written("xlsx")))


def test_ids_stay_text_amounts_are_numbers_and_no_cell_is_a_formula():
    sheet = book().worksheets[0]
    cells = {cell.coordinate: (cell.value, cell.data_type) for row in sheet.iter_rows() for cell in row}
    assert cells["A6"] == ("0012345678901234567", "s")
    assert cells["B6"] == (1_234_567.5, "n")
    assert cells["C6"] == (0.125, "n")
    assert cells["E6"] == ("=HYPERLINK(1) 测评已过期", "s")
    assert cells["E7"] == ("到期\nline two", "s")
    assert [value for value, kind in cells.values() if kind == "f"] == []
    assert sheet["D6"].is_date
    assert sheet["C6"].number_format == "0.0%"


def test_the_sheet_is_set_up_for_paper():
    sheet = book().worksheets[0]
    assert sheet.title == "今日"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9
    assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.freeze_panes == "A6"
    assert sheet.print_title_rows == "$5:$5"
    assert [round(sheet.column_dimensions[name].width) for name in "ABCDE"] == [15, 13, 9, 12, 41]
    assert sheet["E6"].alignment.wrap_text
    assert sheet.oddFooter.right.text == "第 &P / &N 页"
    assert sheet["A5"].font.name == "Microsoft YaHei"


def test_each_part_has_a_sheet_of_its_own():
    assert book().sheetnames == ["今日", "今日无需行动"]


def test_a_pdf_gives_its_chinese_text_back():
    pages = pypdf.PdfReader(io.BytesIO(written("pdf"))).pages
    text = pages[0].extract_text()
    for words in (
        "第 1 页",
        "M00017 电话清单 & <2025>",
        "5 通电话",
        "客户号",
        "测评已过期",
        "1,234,568",
        "12.5%",
    ):
        assert words in text
    assert (round(pages[0].mediabox.width), round(pages[0].mediabox.height)) == (842, 595)


def test_a_pdf_carries_its_chinese_font_and_names_another_for_rare_signs_alone():
    def fonts(content: bytes) -> dict[str, bool]:
        found = pypdf.PdfReader(io.BytesIO(content)).pages[0]["/Resources"]["/Font"].values()
        return {
            str(font.get_object()["/BaseFont"]).rpartition("+")[2]: "/FontFile2"
            in font.get_object().get("/FontDescriptor", {})
            for font in found
        }

    assert fonts(written("pdf")) == {"/Helvetica": False, "DroidSansFallback": True}
    rare = ROWS.with_columns(why=pl.lit("𠮷野家"))
    assert "/STSong-Light" in fonts(written("pdf", rare))


def test_a_long_list_repeats_its_heading_on_every_page():
    many = pl.concat([ROWS] * 60)
    pages = pypdf.PdfReader(io.BytesIO(written("pdf", many))).pages
    assert len(pages) > 2
    tables = [page.extract_text() for page in pages[:2]]
    assert all("为何现在" in text for text in tables)


@pytest.mark.parametrize("kind", ["xlsx", "pdf", "json", "csv"])
def test_the_same_content_gives_the_same_bytes(kind: str):
    assert written(kind) == written(kind)


def test_json_has_every_part_by_its_key_and_values_as_they_are():
    content = json.loads(written("json"))
    assert content["title"] == "M00017 电话清单 & <2025>"
    assert content["today"][0]["customer_id"] == "0012345678901234567"
    assert content["today"][1]["assets"] is None
    assert len(content["idle"]) == 2


def test_csv_has_the_first_part_and_defuses_formulas(tmp_path: Path):
    target = tmp_path / "list.csv"
    write_document(document(), target, "csv")
    lines = target.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "customer_id,assets,rate,since,why"
    assert lines[1].endswith("'=HYPERLINK(1) 测评已过期")


def test_an_empty_part_is_written_too():
    empty = ROWS.clear()
    assert openpyxl.load_workbook(io.BytesIO(written("xlsx", empty))).worksheets[0]["A5"].value == "客户号"
    assert "今日" in pypdf.PdfReader(io.BytesIO(written("pdf", empty))).pages[0].extract_text()


def test_a_part_without_rows_says_so_unless_its_note_does():
    empty = ROWS.clear()
    page = pypdf.PdfReader(io.BytesIO(written("pdf", empty))).pages[0].extract_text()
    assert page.split()[-2:] == ["今日无需行动", "无。"]
    assert document_text(document(empty), 60).split("\n")[3:] == [
        "今日",
        "前 2 位",
        "",
        "今日无需行动",
        "无。",
        "",
    ]


@pytest.mark.parametrize(
    ("value", "holds", "text"),
    [
        (None, Holds.AMOUNT, ""),
        (1234.5, Holds.AMOUNT, "1,234"),
        (0.0305, Holds.RATE, "3.0%"),
        (0.0004, Holds.RATE, "<0.1%"),
        (0.0, Holds.RATE, "0.0%"),
        (date(2025, 1, 2), Holds.DATE, "2025-01-02"),
        ("a\u202eb\tc", Holds.TEXT, "a\ufffdb\ufffdc"),
    ],
)
def test_values_are_shown_as_a_person_reads_them(value: object, holds: Holds, text: str):
    assert shown(value, holds) == text
