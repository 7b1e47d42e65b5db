# ruff: noqa: E501, PT017 - a case is one line of the table, and one function judges both outcomes
"""Every case of the bad-input catalogue that concerns the tables' files: how the file is made, what must happen."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.mapping_text import source
from vipreco.errors import VipRecoError
from vipreco.settings import Settings
from vipreco.tables import ImportReport, Tables, import_
from vipreco.tables.report import FileLedger

Text = str | bytes
CUSTOMER_HEAD = "customer_id,snapshot_date,tier\n"
GOOD_CUSTOMERS = CUSTOMER_HEAD + "A1,2025-01-31,TOP\nB2,2025-01-31,\nC3,2025-01-31,TOP\n"
GOOD_PRODUCTS = "product_id,name,family\nfund,Fund,investments\ncard,Card,cards\n"


@dataclass
class Case:
    """One row of the table.

    `files` are written (or made by a function of the folder); `exit` and `code` must come out; `where` must be in the
    message or in a reason of the ledger; `holds` looks at the result.
    """

    id: str
    files: dict[str, Text | Callable[[Path], None]]
    exit: int
    code: str = ""
    where: str = ""
    mapping: str = ""
    before: dict[str, Text] = field(default_factory=dict)
    rate: float = 1.0
    options: dict[str, bool] = field(default_factory=dict)
    holds: Callable[[Path, ImportReport], None] | None = None

    def __str__(self) -> str:
        return self.id


def customers_mapping(extra: str = "", source: str = "", attributes: str = "") -> str:
    return f"""
[[source]]
file = "customers*"
{source}
[[source.table]]
table = "customers"
[source.table.columns]
customer_id = "customer_id"
snapshot_date = "snapshot_date"
{extra}
[source.table.attributes]
{attributes}
"""


PRODUCTS_MAPPING = source("products*", "products", "product_id", "name", "family")
HOLDINGS_MAPPING = source("holdings*", "holdings", "customer_id", "product_id", "opened_date", "closed_date")
CONTACTS_MAPPING = source(
    *("contacts*", "contacts"),
    *("contact_id", "customer_id", "product_id", "channel", "contacted_at", "outcome", "recorded_date"),
)
TIER = 'tier = "tier"'
WORLD = customers_mapping(TIER) + PRODUCTS_MAPPING + HOLDINGS_MAPPING + CONTACTS_MAPPING
WORLD_FILES: dict[str, Text] = {"customers.csv": GOOD_CUSTOMERS, "products.csv": GOOD_PRODUCTS}
HOLDING_HEAD = "customer_id,product_id,opened_date,closed_date\n"
CONTACT_HEAD = "contact_id,customer_id,product_id,channel,contacted_at,outcome,recorded_date\n"


def stored(folder: Path, table: str) -> pl.DataFrame:
    files = Tables.open(folder / "tables").files(table)
    return pl.concat([pl.read_parquet(file) for file in files], how="diagonal") if files else pl.DataFrame()


def column(table: str, name: str, *values: Any) -> Callable[[Path, ImportReport], None]:
    """The stored column has exactly these values, in the order of the first column."""

    def holds(folder: Path, _report: ImportReport) -> None:
        frame = stored(folder, table)
        assert frame.sort(frame.columns[0]).get_column(name).to_list() == list(values)

    return holds


def counts(accepted: int, quarantined: int = 0, duplicates: int = 0) -> Callable[[Path, ImportReport], None]:
    def holds(_folder: Path, report: ImportReport) -> None:
        ledger = report.files[-1]
        assert (ledger.accepted, ledger.quarantined, ledger.duplicates) == (accepted, quarantined, duplicates)

    return holds


def both(*checks: Callable[[Path, ImportReport], None]) -> Callable[[Path, ImportReport], None]:
    def holds(folder: Path, report: ImportReport) -> None:
        for check in checks:
            check(folder, report)

    return holds


def warned(text: str) -> Callable[[Path, ImportReport], None]:
    def holds(_folder: Path, report: ImportReport) -> None:
        assert sum(text in warning for warning in report.warnings) == 1, report.warnings

    return holds


def reason(where: str, rows: int = 1) -> Callable[[Path, ImportReport], None]:
    def holds(_folder: Path, report: ImportReport) -> None:
        assert report.files[-1].reasons.get(where) == rows, report.files[-1].reasons

    return holds


def one_customer(customer_id: str) -> str:
    return CUSTOMER_HEAD + f"{customer_id},2025-01-31,TOP\nZ9,2025-01-31,TOP\n"


def bad_id(customer_id: str, code: str) -> dict[str, Any]:
    return {
        "files": {"customers.csv": one_customer(customer_id)},
        "exit": 4,
        "holds": both(counts(1, 1), reason(f"customer_id: {code}")),
    }


def single(name: str, mapping_rule: str, value: str, code: str | None = None) -> dict[str, Any]:
    """A customers file in which one extra column has one value; without a code it must be accepted."""
    text = f'customer_id,snapshot_date,{name}\nA1,2025-01-31,"{value}"\n'
    result: dict[str, Any] = {"files": {"customers.csv": text}, "mapping": customers_mapping(mapping_rule)}
    if code is None:
        return result | {"exit": 0, "holds": counts(1)}
    return result | {"exit": 4, "holds": both(counts(0, 1), reason(f"{name}: {code}"))}


def parquet(name: str, table: pa.Table) -> Callable[[Path], None]:
    return lambda folder: pq.write_table(table, folder / name, write_page_checksum=True)


def damaged_parquet(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        ids = [f"C{number:06d}" for number in range(5000)]
        table = pa.table({"customer_id": ids, "snapshot_date": ["2025-01-31"] * 5000, "tier": ["TOP"] * 5000})
        parquet(name, table)(folder)
        (folder / name).write_bytes(change((folder / name).read_bytes()))

    return make


def flipped(content: bytes) -> bytes:
    middle = len(content) // 3
    return content[:middle] + bytes([content[middle] ^ 0x10]) + content[middle + 1 :]


def workbook(change: Callable[[Any], None], rows: int = 2) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["customer_id", "snapshot_date", "tier"])
        for number in range(rows):
            sheet.append([f"00{number}", "2025-01-31", "TOP"])
        change(book)
        book.save(folder / "customers.xlsx")

    return make


def set_cell(address: str, value: object) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book.active[address] = value

    return change


def hide_first(book: Any) -> None:
    book.active.sheet_state = "hidden"
    book.create_sheet("other").append(["x"])


def zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "customers.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (64 << 20))


def long_file(bad_row: int, rows: int) -> bytes:
    lines = [CUSTOMER_HEAD.encode(), *(b"K%d,2025-01-31,TOP\n" % row for row in range(2, rows + 2))]
    lines[bad_row - 1] = b"K\xff,2025-01-31,TOP\n"
    return b"".join(lines)


def named(text: str) -> Callable[[Path, ImportReport], None]:
    return column("products", "name", text)


def one_product(name: str, **more: str) -> dict[str, Text]:
    heads, cells = "".join(f",{key}" for key in more), "".join(f",{value}" for value in more.values())
    quoted = '"' + name.replace('"', '""') + '"'
    return {"products.csv": f"product_id,name,family{heads}\nfund,{quoted},investments{cells}\n"}


def holding(rows: str, exit_: int, *checks: Callable[[Path, ImportReport], None]) -> dict[str, Any]:
    return {
        "before": WORLD_FILES,
        "files": {"holdings.csv": HOLDING_HEAD + rows},
        "mapping": WORLD,
        "exit": exit_,
        "holds": both(*checks),
    }


def contact(rows: str, exit_: int, *checks: Callable[[Path, ImportReport], None]) -> dict[str, Any]:
    return {
        "before": WORLD_FILES,
        "files": {"contacts.csv": CONTACT_HEAD + rows},
        "mapping": WORLD,
        "exit": exit_,
        "holds": both(*checks),
    }


def private(folder: Path) -> None:
    (folder / "customers.csv").write_text(GOOD_CUSTOMERS)
    (folder / "customers.csv").chmod(0)


def same_as_first(order: str) -> Callable[[Path, ImportReport], None]:
    """The stored bytes are those of the columns in the usual order."""

    def holds(folder: Path, _report: ImportReport) -> None:
        other = folder / "other"
        other.mkdir()
        run(Case("usual", {"customers.csv": order}, 0), other)
        usual, here = (
            Tables.open(one / "tables").files("customers")[0].read_bytes() for one in (other, folder)
        )
        assert usual == here

    return holds


GBK = (CUSTOMER_HEAD + "A1,2025-01-31,私人银行\nB2,2025-01-31,钻石\n").encode("gb18030")
OTHER_SHA = "0" * 64
SHA_OF_GOOD = hashlib.sha256(GOOD_CUSTOMERS.encode()).hexdigest()
OPT_OUT = 'profiling_opt_out = "profiling_opt_out"'

CASES = [
    Case("B01-missing", {}, 2, "unreadable", "customers.csv"),
    Case("B01-directory", {"customers.csv": lambda folder: (folder / "customers.csv").mkdir()}, 2, "not-a-file"),
    Case("B01-fifo", {"customers.csv": lambda folder: os.mkfifo(folder / "customers.csv")}, 2, "not-a-file"),
    Case("B02", {"customers.csv": ""}, 3, "empty-file", "customers.csv"),
    Case("B03-customers", {"customers.csv": CUSTOMER_HEAD}, 3, "no-rows"),
    Case("B03-products", {"products.csv": "product_id,name,family\n"}, 3, "no-rows", mapping=PRODUCTS_MAPPING),
    Case("B03-contacts", **contact("", 0, counts(0))),
    Case("B04", {"customers.csv": "customer_idd,snapshot_date,tier\nA,2025-01-31,T\n"}, 3, "missing-column",
         "did you mean customer_idd"),
    Case("B05", {"customers.csv": "customer_id,snapshot_date,tier,phone\nA1,2025-01-31,TOP,555\n"}, 0,
         holds=both(warned("1 column(s) not read: phone"), counts(1),
                    lambda folder, _: _not_stored(folder, "phone"))),
    Case("B06", {"customers.csv": "customer_id,snapshot_date,TIER,tier\nA,2025-01-31,x,y\n"}, 3, "duplicate-column",
         "columns 3 and 4"),
    Case("B07", {"customers.csv": "tier,customer_id,snapshot_date\nTOP,A1,2025-01-31\n,B2,2025-01-31\n"}, 0,
         holds=same_as_first(CUSTOMER_HEAD + "A1,2025-01-31,TOP\nB2,2025-01-31,\n")),
    Case("B08", {"customers.csv": "\ufeff Customer_ID ,SNAPSHOT_DATE,ｔｉｅｒ\nA1,2025-01-31,TOP\n"}, 0,
         holds=column("customers", "tier", "TOP")),
    Case("B09-undeclared", {"customers.csv": GBK}, 3, "encoding", 'encoding = "gb18030"', rate=0.02),
    Case("B09-offset", {"customers.csv": GBK}, 3, "encoding", "offset 47, row 2", rate=0.02),
    Case("B09-declared", {"customers.csv": GBK}, 0, mapping=customers_mapping(TIER, 'encoding = "gb18030"'),
         holds=column("customers", "tier", "私人银行", "钻石")),
    Case("B10-undeclared", {"customers.csv": GOOD_CUSTOMERS.encode("utf-16")}, 3, "utf-16", "UTF-16"),
    Case("B10-declared", {"customers.csv": GOOD_CUSTOMERS.encode("utf-16")}, 0,
         mapping=customers_mapping(TIER, 'encoding = "utf-16"'), holds=column("customers", "tier", "TOP", None, "TOP")),
    Case("B11", {"customers.csv": long_file(70_001, 71_000)}, 4, rate=0.02,
         holds=both(counts(70_999, 1), reason("invalid-bytes"), lambda folder, report: _row_is(report, 70_001))),
    Case("B12-semicolon", {"customers.csv": GOOD_CUSTOMERS.replace(",", ";")}, 3, "delimiter", "looks like ';'"),
    Case("B12-tab", {"customers.csv": GOOD_CUSTOMERS.replace(",", "\t")}, 3, "delimiter", "looks like a tab"),
    Case("B13-to-the-end", {"customers.csv": CUSTOMER_HEAD + 'A1,2025-01-31,TOP\nB2,2025-01-31,"TOP\nC3,2025-01-31,x\n'},
         3, "unclosed-quote", "row 3"),
    Case("B13-to-the-next", {"customers.csv": CUSTOMER_HEAD + 'A1,2025-01-31,"TOP\nB2,2025-01-31,x\nC3,2025-01-31,"y"\n'},
         3, "unclosed-quote", "row 2"),
    Case("B14-crlf", {"customers.csv": GOOD_CUSTOMERS.replace("\n", "\r\n")}, 0, holds=same_as_first(GOOD_CUSTOMERS)),
    Case("B14-cr", {"customers.csv": GOOD_CUSTOMERS.replace("\n", "\r")}, 0, holds=same_as_first(GOOD_CUSTOMERS)),
    Case("B14-mixed", {"customers.csv": "\r\n".join(GOOD_CUSTOMERS.split("\n", 2)[:2]) + "\r" + GOOD_CUSTOMERS.split("\n", 2)[2]},
         0, holds=same_as_first(GOOD_CUSTOMERS)),
    Case("B15-manifest", {"customers.csv": GOOD_CUSTOMERS[:-3]}, 3, "manifest-sha256", SHA_OF_GOOD,
         mapping=customers_mapping(TIER, f'manifest = {{ sha256 = "{SHA_OF_GOOD}" }}')),
    Case("B16-rows", {"customers.csv": GOOD_CUSTOMERS[:-18]}, 3, "manifest-rows", "2 rows, its manifest says 3",
         mapping=customers_mapping(TIER, "manifest = { rows = 3 }")),
    Case("B15-whole", {"customers.csv": GOOD_CUSTOMERS[:-1]}, 0,
         holds=both(counts(3), warned("the file may have been cut"))),
    Case("B15-cut", {"customers.csv": GOOD_CUSTOMERS[:-7]}, 4,
         holds=both(counts(2, 1), warned("the file may have been cut"))),
    Case("B16-sha256", {"customers.csv": GOOD_CUSTOMERS}, 3, "manifest-sha256", OTHER_SHA,
         mapping=customers_mapping(TIER, f'manifest = {{ sha256 = "{OTHER_SHA}" }}')),
    Case("B16-beside", {"customers.csv": GOOD_CUSTOMERS, "customers.csv.toml": "rows = 4\n"}, 3, "manifest-rows",
         "has 3 rows", mapping=customers_mapping(TIER, 'manifest = "{name}.toml"')),
    Case("B17", {"customers.csv": CUSTOMER_HEAD + "A\0,2025-01-31,TOP\nB2,2025-01-31,TOP\n"}, 4,
         holds=both(counts(1, 1), reason("nul-byte"))),
    Case("B19-xlsx-as-csv", {"customers.csv": b"PK\x03\x04" + b"\0" * 100}, 3, "not-csv", "XLSX"),
    Case("B19-encrypted", {"customers.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600}, 3, "encrypted"),
    Case("B19-bomb", {"customers.xlsx": zip_bomb}, 3, "zip-bomb"),
    Case("B19-damaged", {"customers.xlsx": b"PK\x03\x04" + b"\1" * 600}, 3, "damaged"),
    Case("B20-good", {"customers.xlsx": workbook(lambda book: None)}, 0,
         holds=column("customers", "customer_id", "000", "001")),
    Case("B20-formula", {"customers.xlsx": workbook(set_cell("C3", "=1+1"))}, 4,
         holds=both(counts(1, 1), reason("tier (C3): formula"))),
    Case("B20-numeric-id", {"customers.xlsx": workbook(set_cell("A2", 123))}, 4,
         holds=both(counts(1, 1), reason("customer_id (A2): numeric-id-cell"))),
    Case("B20-merged", {"customers.xlsx": workbook(lambda book: book.active.merge_cells("C2:C3"))}, 3, "merged-cells", "C2:C3"),
    Case("B20-hidden", {"customers.xlsx": workbook(hide_first)}, 3, "sheet",
         mapping=customers_mapping(TIER, 'sheet = "Sheet"'), where="hidden"),
    Case("B20-two-sheets", {"customers.xlsx": workbook(lambda book: book.create_sheet("two"))}, 3, "sheet", "2 visible sheets"),
    Case("B20-blank-rows", {"customers.xlsx": workbook(set_cell("C5000", " "))}, 4, holds=counts(2, 1)),
    Case("B21", {"customers.csv": GOOD_CUSTOMERS}, 0, before={"customers.csv": GOOD_CUSTOMERS},
         holds=lambda _folder, report: _already(report)),
    Case("B22", {"customers_2.csv": GOOD_CUSTOMERS.replace("2025-01", "2024-12")}, 3, "old-snapshot", "2024-12-31",
         before={"customers.csv": GOOD_CUSTOMERS}),
    Case("B22-backfill", {"customers_2.csv": GOOD_CUSTOMERS.replace("2025-01", "2024-12")}, 0, options={"backfill": True},
         before={"customers.csv": GOOD_CUSTOMERS}, holds=counts(3)),
    Case("B23", {"customers_2.csv": CUSTOMER_HEAD + "A1,2025-02-28,TOP\nB2,2025-02-28,TOP\n"}, 3, "row-count-drop", "2 rows",
         before={"customers.csv": GOOD_CUSTOMERS}),
    Case("B23-accepted", {"customers_2.csv": CUSTOMER_HEAD + "A1,2025-02-28,TOP\nB2,2025-02-28,TOP\n"}, 0,
         options={"accept_drop": True}, before={"customers.csv": GOOD_CUSTOMERS}, holds=counts(2)),
    Case("B24-cut", {"customers.parquet": damaged_parquet("customers.parquet", lambda b: b[: len(b) // 2])}, 3, "damaged"),
    Case("B24-flipped", {"customers.parquet": damaged_parquet("customers.parquet", flipped)}, 3, "damaged"),
    Case("B24-nested", {"customers.parquet": parquet("customers.parquet", pa.table(
        {"customer_id": [["A"]], "snapshot_date": ["2025-01-31"], "tier": ["x"]}))}, 3, "column-type", "customer_id: list"),
    Case("B24-float-id", {"customers.parquet": parquet("customers.parquet", pa.table(
        {"customer_id": [123.0, 4.0], "snapshot_date": ["2025-01-31"] * 2, "tier": ["x"] * 2}))}, 3, "column-type",
        "double cannot hold ids"),
    Case("B24-good", {"customers.parquet": parquet("customers.parquet", pa.table(
        {"customer_id": [123, 4], "snapshot_date": pa.array([20119, 20119], pa.date32()), "tier": ["x", None]}))}, 0,
        holds=both(column("customers", "customer_id", "123", "4"), column("customers", "tier", "x", None))),
    Case("B25-field", {"customers.csv": CUSTOMER_HEAD + "A1,2025-01-31," + "x" * 10_000_000 + "\nB2,2025-01-31,T\n"}, 4,
         holds=both(counts(1, 1), reason("row-too-long"))),
    Case("B25-columns", {"customers.csv": ",".join(f"c{n}" for n in range(5000)) + "\n1\n"}, 3, "too-many-columns"),
    Case("B25-row", {"customers.csv": GOOD_CUSTOMERS + "," * 5000 + "\n"}, 4,
         holds=both(counts(3, 1), reason("field-count"))),
    Case("B26", {"customers.csv": one_customer("00123")}, 0, holds=column("customers", "customer_id", "00123", "Z9")),
    Case("B27-long", {"customers.csv": one_customer("6222021234567890123")}, 0,
         holds=column("customers", "customer_id", "6222021234567890123", "Z9")),
    Case("B27-exponent", **bad_id("6.22E+18", "spreadsheet-damaged-id")),
    Case("B27-short-exponent", **bad_id("1E5", "spreadsheet-damaged-id")),
    Case("B27-point", **bad_id("123.0", "spreadsheet-damaged-id")),
    Case("B28-nbsp", **bad_id("A\u00a01", "id-characters")),
    Case("B28-zero-width", **bad_id("A\u200b1", "id-characters")),
    Case("B28-full-width", **bad_id("１２３", "id-characters")),
    Case("B28-lookalike", **bad_id("А1", "id-characters")),
    Case("B29", **bad_id("", "missing")),
    Case("B29-space", **bad_id("  ", "missing")),
    Case("B30-identical", {"customers.csv": one_customer("A1") + "A1,2025-01-31,TOP\n"}, 0, holds=counts(2, 0, 1)),
    Case("B30-different", {"customers.csv": one_customer("A1") + "A1,2025-01-31,LOW\n"}, 4,
         holds=both(counts(1, 2), reason("customer_id: conflicting-duplicate", 2))),
    *[Case(f"B31-{text.encode('unicode_escape').decode()}", one_product(text), 0, mapping=PRODUCTS_MAPPING, holds=named(text))
      for text in ("NA", "null", "TRUE", "None", "一", "𠮷😀", "\u202egnirts", " padded ")],
    Case("B32-formula", one_product('=HYPERLINK("http://x")'), 0, mapping=PRODUCTS_MAPPING, holds=named('=HYPERLINK("http://x")')),
    Case("B32-html", one_product("<img onerror=x>"), 0, mapping=PRODUCTS_MAPPING, holds=named("<img onerror=x>")),
    Case("B32-200", one_product("名" * 200), 0, mapping=PRODUCTS_MAPPING, holds=named("名" * 200)),
    Case("B32-10000", one_product("x" * 10_000), 4, mapping=PRODUCTS_MAPPING, holds=reason("name: too-long")),
    Case("B33", {"customers.csv": "customer_id,snapshot_date,manager_id\nA1,2025-01-31,\nB2,2025-01-31,M7\n"}, 0,
         mapping=customers_mapping('manager_id = "manager_id"'),
         holds=both(column("customers", "manager_id", None, "M7"), warned("1 rows without a manager are"))),
    Case("B34", {"customers.csv": "customer_id,snapshot_date,risk_level,at\nA1,2025-01-31,,\nB2,2025-01-31,C6,2020-01-01\nC3,2025-01-31,c3,2030-01-01\n"}, 0,
         mapping=customers_mapping('risk_level = "risk_level"\nrisk_assessed_date = "at"'),
         holds=column("customers", "risk_level", None, "C6", "c3")),
    Case("B35", {"customers.csv": "customer_id,snapshot_date,profiling_opt_out\n" + "".join(
        f"A{n},2025-01-31,{value}\n" for n, value in enumerate(("", "maybe", "是", "否", "Y", "0")))}, 0,
        mapping=customers_mapping(OPT_OUT), holds=column("customers", "profiling_opt_out", True, True, True, False, True, False)),
    Case("B35-consent", {"customers.csv": "customer_id,snapshot_date,consent_call\nA1,2025-01-31,\nB2,2025-01-31,x\nC3,2025-01-31,1\n"}, 0,
         mapping=customers_mapping('consent_call = "consent_call"'),
         holds=both(column("customers", "consent_call", False, False, True), column("customers", "consent_sms", None, None, None))),
    Case("B36-impossible", **single("birth_date", 'birth_date = "birth_date"', "1980-02-30", "date-format")),
    Case("B36-future", **single("birth_date", 'birth_date = "birth_date"', "2025-02-01", "born-after-snapshot")),
    Case("B36-two-digit", **single("birth_date", 'birth_date = "birth_date"', "80-02-01", "date-format")),
    Case("B36-placeholder", **single("birth_date", 'birth_date = "birth_date"', "1900-01-01")
         | {"holds": column("customers", "birth_date", None)}),
    *[Case(f"B37-{value}", **single("aum_amount", 'aum_amount = "aum_amount"', value, code))
      for value, code in (("1,234.50", "amount-format"), ("1.234,50", "amount-format"), ("￥100万", "amount-format"),
                          ("-", "amount-format"), ("1e309", "amount-format"), ("NaN", "amount-format"),
                          ("-5.00", "amount-negative"), ("0.001", "amount-format"), ("1234.5", None))],
    Case("B37-declared", **single("aum_amount",
         'aum_amount = { column = "aum_amount", thousands_mark = ".", decimal_mark = "," }', "1.234.567,50")),
    Case("B37-misplaced", **single("aum_amount",
         'aum_amount = { column = "aum_amount", thousands_mark = "," }', "12,34.50", "amount-format")),
    *[Case(f"B38-{value}", **single("joined_date", 'joined_date = "joined_date"', value, "date-format"))
      for value in ("03/04/2025", "45123", "2025-02-29", "2025-01-01T00:00:00Z", "2025-1-1")],
    Case("B38-declared", **single("joined_date",
         'joined_date = { column = "joined_date", date_format = "%d/%m/%Y" }', "03/04/2024")),
    Case("B39", {"customers_2.csv": CUSTOMER_HEAD + "A1,2025-02-28,TOP\nB2,2025-02-28,TOP\nD4,2025-02-28,\n"}, 0,
         before={"customers.csv": GOOD_CUSTOMERS}, holds=lambda folder, _: _kept(folder, "C3")),
    Case("B40", {"customers.csv": GOOD_CUSTOMERS}, 2, "mapping", "protected attribute (religion)",
         mapping=customers_mapping(attributes='faith = { column = "religion", type = "category" }')),
    Case("B40-allowed", {"customers.csv": "customer_id,snapshot_date,sex\nA1,2025-01-31,F\n"}, 0,
         mapping=customers_mapping(attributes='sex = { column = "sex", type = "category" }').replace(
             'table = "customers"', 'table = "customers"\nallow_protected = ["sex"]'),
         holds=column("customers", "attribute_sex", "F")),
    Case("B41-customer", **holding("X9,fund,2025-01-01,\nA1,fund,2025-01-01,\n", 4, counts(1, 1), reason("customer_id: unknown-customer"))),
    Case("B41-product", **holding("A1,boat,2025-01-01,\nA1,fund,2025-01-01,\n", 4, counts(1, 1), reason("product_id: unknown-product"))),
    Case("B42-order", **holding("A1,fund,2025-01-05,2025-01-01\n", 4, counts(0, 1), reason("closed_date: ends-before-start"))),
    Case("B42-future", **holding("A1,fund,2025-02-01,\n", 4, counts(0, 1), reason("opened_date: opened-after-snapshot"))),
    Case("B43-identical", **holding("A1,fund,2025-01-01,\n" * 2, 0, counts(1, 0, 1))),
    Case("B43-conflicting", **holding("A1,fund,2025-01-01,\nA1,fund,2025-01-01,2025-01-09\n", 4, counts(0, 2))),
    Case("B44", one_product("Fund", risk_level="", offered_from="2025-02-01", offered_until="2025-01-01", min_amount="10", max_amount="5"), 0,
         mapping=PRODUCTS_MAPPING + "".join(f'{n} = "{n}"\n' for n in ("risk_level", "offered_from", "offered_until", "min_amount", "max_amount")),
         holds=both(counts(1), warned("offered_from is after offered_until"), warned("min_amount is above max_amount"),
                    warned("have no risk level"))),
    Case("B45", one_product("Fund", risk_level="R2", issuer="R4"), 0,
         mapping=PRODUCTS_MAPPING + 'risk_level = "risk_level"\nissuer_risk_level = "issuer"\n',
         holds=both(column("products", "risk_level", "R4"), warned("issuer and seller differ"))),
    Case("B46", {"products_2.csv": GOOD_PRODUCTS.replace("Fund", "Boat")}, 3, "code-changed-meaning", "fund",
         mapping=PRODUCTS_MAPPING, before={"products.csv": GOOD_PRODUCTS}),
    Case("B46-version", {"products_2.csv": "product_id,name,family,recorded_date\nfund,Boat,investments,2025-01-31\n"}, 0,
         mapping=PRODUCTS_MAPPING + 'recorded_date = "recorded_date"\n', before={
             "products.csv": "product_id,name,family,recorded_date\nfund,Fund,investments,2024-01-31\n"}, holds=counts(1)),
    Case("B48", **contact("T1,X9,fund,call,2025-01-05,accepted,2025-01-06\n", 4, reason("customer_id: unknown-customer"))),
    Case("B49", **contact("T1,A1,fund,call,2025-01-07 10:00:00,accepted,2025-01-06\n", 4, reason("recorded_date: recorded-before-it-happened"))),
    Case("B50-same", **contact("T1,A1,fund,call,2025-01-05,accepted,2025-01-06\n" * 2, 0, counts(1, 0, 1))),
    Case("B50-other", **contact("T1,A1,fund,call,2025-01-05,accepted,2025-01-06\nT2,A1,fund,call,2025-01-05,declined,2025-01-06\n", 0, counts(2))),
    Case("B51", **contact("T1,A1,fund,call,2025-01-05,perhaps,2025-01-06\n", 4, reason("outcome: value-not-allowed"))),
    Case("B54", {"contacts.csv": CONTACT_HEAD.replace("\n", ",note\n") + "T1,A1,fund,call,2025-01-05,accepted,2025-01-06,call 555-1234\n"},
         0, mapping=WORLD, before=WORLD_FILES, holds=lambda folder, _: _nowhere(folder, b"555-1234")),
    Case("rate", {"customers.csv": one_customer("1E5")}, 3, "too-many-bad-rows", "1 of 2 rows", rate=0.02),
]  # fmt: skip


def _not_stored(folder: Path, name: str) -> None:
    assert not [one for one in stored(folder, "customers").columns if name in one]


def _row_is(report: ImportReport, row: int) -> None:
    reasons = Path(f"{report.quarantine[0]}.reasons.csv").read_text().splitlines()
    assert reasons[1] == f"{row},,invalid-bytes"


def _already(report: ImportReport) -> None:
    assert report.already_ingested
    assert "already ingested as batch" in report.warnings[0]


def _kept(folder: Path, customer_id: str) -> None:
    assert stored(folder, "customers").filter(pl.col("customer_id") == customer_id).height == 1


def _nowhere(folder: Path, content: bytes) -> None:
    assert not [
        path for path in (folder / "tables").rglob("*") if path.is_file() and content in path.read_bytes()
    ]


def settings(rate: float) -> Settings:
    return Settings.model_validate_json(
        f'{{"project": {{"name": "t"}}, "import": {{"max_quarantined_rate": {rate}}}}}'
    )


def write(folder: Path, files: dict[str, Any]) -> list[Path]:
    for name, content in files.items():
        if callable(content):
            content(folder)
        else:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [folder / name for name in files if not name.endswith(".toml")]


def run(case: Case, folder: Path) -> ImportReport:
    mapping = folder / "mapping.toml"
    mapping.write_text(case.mapping or customers_mapping(TIER))
    if case.before:
        import_(folder / "tables", mapping, write(folder, case.before), settings(1.0))
    paths = write(folder, case.files) or [folder / "customers.csv"]
    return import_(folder / "tables", mapping, paths, settings(case.rate), **case.options)


def state(folder: Path) -> dict[str, bytes]:
    """Everything that a reader of the tables can see."""
    root = folder / "tables"
    return {
        str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file() and p.name != ".lock"
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_bad_input_ends_as_the_catalogue_says(case: Case, tmp_path: Path) -> None:
    try:
        report = run(case, tmp_path)
    except VipRecoError as error:
        assert (error.exit_code, error.code) == (case.exit, case.code), str(error)
        assert case.where in str(error)
        assert case.code == "mapping" or any(name in error.where for name in case.files or ["customers.csv"])
        assert not [path for path in state(tmp_path) if "000001" in path and not case.before]
        return
    assert report.exit_code == case.exit, report
    assert not case.code, f"was taken, but should be refused with {case.code}"
    for ledger in report.files:
        assert ledger.read == ledger.accepted + ledger.quarantined + ledger.duplicates
    if case.holds is not None:
        case.holds(tmp_path, report)


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_b01_a_file_without_read_permission_is_a_usage_error(tmp_path: Path) -> None:
    private(tmp_path)
    with pytest.raises(VipRecoError) as caught:
        run(Case("B01", {}, 2), tmp_path)
    assert caught.value.code == "unreadable"


def test_b18_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vipreco.tables.csv_source import CsvSource

    original = CsvSource.chunks

    def chunks(self: CsvSource) -> Any:
        yield from original(self)
        with self.path.open("ab") as handle:
            handle.write(b"D4,2025-01-31,TOP\n")

    monkeypatch.setattr(CsvSource, "chunks", chunks)
    with pytest.raises(VipRecoError) as caught:
        run(Case("B18", {"customers.csv": GOOD_CUSTOMERS}, 3), tmp_path)
    assert (caught.value.exit_code, caught.value.code) == (3, "changed")


def test_no_value_of_a_row_is_ever_in_a_message(tmp_path: Path) -> None:
    canary = "CANARY77"
    files: dict[str, Any] = {"customers.csv": CUSTOMER_HEAD + f"{canary} x,2025-01-31,{canary}\n"}
    with pytest.raises(VipRecoError) as caught:
        run(Case("canary", files, 3, rate=0.0), tmp_path)
    assert canary not in str(caught.value)
    assert "row 2, column customer_id: id-characters" in str(caught.value)


def test_the_quarantine_file_is_private_and_holds_the_original_lines(tmp_path: Path) -> None:
    text = CUSTOMER_HEAD + 'A1,2025-01-31,TOP\r\n" 1E5 ",2025-01-31,"a ""b"""\nC3,31.01.2025,x\n'
    report = run(Case("q", {"customers.csv": text}, 4), tmp_path)
    (path,) = report.quarantine
    assert path.read_bytes() == (CUSTOMER_HEAD + '" 1E5 ",2025-01-31,"a ""b"""\nC3,31.01.2025,x\n').encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    reasons = path.with_name(path.name + ".reasons.csv")
    assert reasons.read_text() == (
        "row,column,reason\n3,customer_id,spreadsheet-damaged-id: expected text; text_ids = true in the mapping "
        "if these are ids as they should be\n4,snapshot_date,date-format: expected 2025-11-30 (%Y-%m-%d)\n"
    )
    assert stat.S_IMODE(reasons.stat().st_mode) == 0o600


def test_a_corrected_quarantine_file_completes_the_batch(tmp_path: Path) -> None:
    report = run(Case("q", {"customers.csv": GOOD_CUSTOMERS.replace("B2", "2E5")}, 4), tmp_path)
    repaired = tmp_path / report.quarantine[0].name
    shutil.copy(report.quarantine[0], repaired)
    repaired.write_text(repaired.read_text().replace("2E5", "B2"))
    again = import_(tmp_path / "tables", tmp_path / "mapping.toml", [repaired], settings(0.0))
    assert (again.exit_code, again.files[0].accepted) == (0, 1)
    assert sorted(stored(tmp_path, "customers")["customer_id"]) == ["A1", "B2", "C3"]


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
def test_quarantine_of_other_formats_is_a_csv_that_can_be_imported(kind: str, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"customer_id": ["A1", "1E5"], "snapshot_date": ["2025-01-31"] * 2, "tier": ["a,b", 'c"d']}
    )
    path = tmp_path / f"customers.{kind}"
    frame.write_parquet(path) if kind == "parquet" else workbook_of(frame, path)
    (tmp_path / "mapping.toml").write_text(customers_mapping(TIER))
    report = import_(tmp_path / "tables", tmp_path / "mapping.toml", [path], settings(1.0))
    repaired = tmp_path / report.quarantine[0].name
    repaired.write_text(report.quarantine[0].read_text().replace("1E5", "X5"))
    again = import_(tmp_path / "tables", tmp_path / "mapping.toml", [repaired], settings(0.0))
    assert again.exit_code == 0
    assert dict(stored(tmp_path, "customers").select("customer_id", "tier").iter_rows()) == {
        "A1": "a,b",
        "X5": 'c"d',
    }


def workbook_of(frame: pl.DataFrame, path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (frame.columns, *frame.iter_rows()):
        book.active.append(list(row))
    book.save(path)


def test_a_zip_bomb_is_refused_without_being_unpacked(tmp_path: Path) -> None:
    import time

    started = time.process_time()
    with pytest.raises(VipRecoError):
        run(Case("bomb", {"customers.xlsx": zip_bomb}, 3), tmp_path)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-8"])
def test_a_quarantine_file_is_in_the_encoding_of_its_source(encoding: str, tmp_path: Path) -> None:
    text = CUSTOMER_HEAD + "A1,2025-01-31,钻石\n1E5,2025-01-31,私人银行\nC3,2025-1-31,钻石\n"
    mapping = customers_mapping(TIER, f'encoding = "{encoding}"')
    report = run(Case("q", {"customers.csv": text.encode(encoding)}, 4, mapping=mapping), tmp_path)
    kept = report.quarantine[0].read_bytes().decode(encoding)
    assert kept == CUSTOMER_HEAD + "1E5,2025-01-31,私人银行\nC3,2025-1-31,钻石\n"
    repaired = tmp_path / report.quarantine[0].name
    repaired.write_bytes(kept.replace("1E5", "X5").replace("2025-1-31", "2025-01-31").encode(encoding))
    again = import_(tmp_path / "tables", tmp_path / "mapping.toml", [repaired], settings(0.0))
    assert (again.exit_code, again.files[0].accepted) == (0, 2)


def test_paths_with_spaces_quotes_and_chinese_work(tmp_path: Path) -> None:
    folder = tmp_path / "客户 'a' - b"
    folder.mkdir()
    assert run(Case("path", {"customers -1 客户.csv": GOOD_CUSTOMERS}, 0), folder).exit_code == 0
    assert stored(folder, "customers").height == 3


@pytest.mark.parametrize(
    "end", ["import os; os.abort()", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
)
def test_b24_a_parquet_file_that_kills_its_reader_is_refused(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "killer.py").write_text(end)
    monkeypatch.setattr("vipreco.tables.parquet_source.CHECK_SCRIPT", tmp_path / "killer.py")
    good = parquet(
        "customers.parquet", pa.table({"customer_id": ["A"], "snapshot_date": ["2025-01-31"], "tier": ["x"]})
    )
    with pytest.raises(VipRecoError) as caught:
        run(Case("B24", {"customers.parquet": good}, 3), tmp_path)
    assert (caught.value.exit_code, caught.value.code) == (3, "damaged")


def test_a_ledger_that_does_not_add_up_is_a_fault_of_the_program() -> None:
    with pytest.raises(AssertionError, match="do not add up"):
        FileLedger(name="f", sha256="", entry="", read=3, accepted=1, quarantined=1, duplicates=0)
