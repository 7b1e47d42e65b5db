# ruff: noqa: E501 - a case is one line of the table
"""Members of each kind of real-life file trouble: dates, amounts, ids, spreadsheet habits, lying containers.

Cases B112 to B117 (B113, B114, B115, B116).
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tables.test_bad_input import (
    CONTACTS_MAPPING,
    CUSTOMER_HEAD,
    GOOD_CUSTOMERS,
    GOOD_PRODUCTS,
    HOLDING_HEAD,
    HOLDINGS_MAPPING,
    PRODUCTS_MAPPING,
    TIER,
    WORLD_FILES,
    Case,
    customers_mapping,
    run as run_case,
    stored,
)
from vipreco.errors import InputRejectedError, UsageError
from vipreco.tables import ImportReport, Tables, undo
from vipreco.tables.mapping_file import Mapping

DAY = dt.date(2025, 11, 30)
HOUR = dt.datetime(2025, 11, 30, 13, 45, 6)  # noqa: DTZ001

FORMS = [
    # core banking, mainframes
    ("%Y%m%d", "20251130"), ("%d%m%Y", "30112025"), ("%y%m%d", "251130"), ("%Y%j", "2025334"), ("%y%j", "25334"),
    ("cyymmdd", "1251130"), ("cyyddd", "125334"), ("packed-yyyymmdd", "020251130C"), ("packed-yyyyddd", "2025334F"),
    ("packed-cyymmdd", "1251130C"), ("%Y-%m-%d-%H.%M.%S.%f", "2025-11-30-13.45.06.000000"), ("%Y.%m.%d", "2025.11.30"),
    # locales
    ("%d.%m.%Y", "30.11.2025"), ("%m/%d/%Y", "11/30/2025"), ("%d%b%Y", "30NOV2025"), ("%d-%b-%y", "30-Nov-25"),
    ("%d. %B %Y", "30. November 2025"), ("%d %b %Y", "30 nov. 2025"), ("%a, %d %b %Y", "Sun, 30 Nov 2025"),
    ("%Y年%m月%d日", "2025年11月30日"), ("%-d/%-m/%Y", "30/11/2025"), ("%m/%d/%Y %I:%M %p", "11/30/2025 01:45 PM"),
    ("%Y年%m月%d日 %p%I:%M", "2025年11月30日 下午01:45"), ("%F %T", "2025-11-30 13:45:06"),
    # spreadsheets, epochs
    ("excel", "45991"), ("excel", "45991.5"), ("excel-1904", "44529"), ("epoch-days", "20422"),
    # a time part at midnight of a form without time; full-width digits of an input method
    ("%d.%m.%Y", "30.11.2025 00:00:00"), ("%Y-%m-%d", "２０２５-11-30"), ("%Y/%m/%d", "2025/11/30 00:00"),
]  # fmt: skip


def run(case: Case, folder: Path) -> ImportReport:
    folder.mkdir(exist_ok=True)
    return run_case(case, folder)


def read_date(value: str, rule: str, folder: Path) -> Any:
    """Import one customer whose joined date is written so, and return what is stored."""
    text = f'customer_id,snapshot_date,joined\nA1,2025-11-30,"{value}"\n'
    run(Case("date", {"customers.csv": text}, 0, mapping=customers_mapping(f"joined_date = {rule}")), folder)
    return stored(folder, "customers")["joined_date"].to_list()[0]


@pytest.mark.parametrize(("form", "value"), FORMS)
def test_every_declared_form_of_a_date_is_read(form: str, value: str, tmp_path: Path) -> None:
    assert read_date(value, f'{{ column = "joined", date_format = "{form}" }}', tmp_path) == DAY


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ('date_format = ["%Y-%m-%d", "%d.%m.%Y", "excel"]', "45991", DAY),
        ('date_format = "%d%m%Y"', "1122025", dt.date(2025, 12, 1)),  # a number lost its leading zero
        ('date_format = "cyymmdd"', "991231", dt.date(1999, 12, 31)),
        ('date_format = "%y%m%d", latest_year = 2026', "551130", dt.date(1955, 11, 30)),
        ('date_format = "%Y/%m/%d", calendar = "minguo"', "114/11/30", DAY),
        ('date_format = "%d/%m/%Y", calendar = "buddhist"', "30/11/2568", DAY),
        ('date_format = "epoch-seconds", time_zone = "Asia/Shanghai"', "1764432000", DAY),
        ('date_format = "epoch-milliseconds", time_zone = "America/New_York"', "1764478800000", DAY),
        ('date_format = "%Y%m%d"', "00000000", None),  # a mainframe's "no date"
        ('missing = ["9999-12-31"]', "9999-12-31", None),
    ],
)
def test_dates_that_need_a_further_setting_are_read(
    rule: str, value: str, expected: dt.date | None, tmp_path: Path
) -> None:
    assert read_date(value, f'{{ column = "joined", {rule} }}', tmp_path) == expected


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("%Y-%M-%D", "names the year twice"),
        ("%Y-%M-%d", "names no month (%m); %M is minutes"),
        ("YYYY-MM-DD", 'did you mean "%Y-%m-%d"?'),
        ("dd.MM.yyyy", 'did you mean "%d.%m.%Y"?'),
        ("%d.%m", "names no year"),
        ("%Y-%m-%d %q", "%q is not known"),
        ("epoch-seconds", "needs time_zone"),
        ("%Y-%m-%d %I:%M", "belong together"),
        ("", "has no directive"),
    ],
)
def test_a_wrong_form_is_named_before_anything_is_read(form: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(customers_mapping(f'joined_date = {{ column = "joined", date_format = "{form}" }}'))
    with pytest.raises(UsageError) as caught:
        Mapping.read(path)
    assert "customers.columns.joined_date" in str(caught.value)
    assert said in str(caught.value)


def test_forms_that_read_one_text_differently_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(
        customers_mapping('joined_date = { column = "j", date_format = ["%d/%m/%Y", "%m/%d/%Y"] }')
    )
    with pytest.raises(UsageError, match="different dates"):
        Mapping.read(path)


def test_a_refused_row_says_which_form_was_expected(tmp_path: Path) -> None:
    text = "customer_id,snapshot_date,joined\nA1,2025-11-30,11/30/2025\nB2,2025-11-30,30.11.2025\n"
    mapping = customers_mapping('joined_date = { column = "joined", date_format = "%d.%m.%Y" }')
    with pytest.raises(InputRejectedError) as caught:
        run(Case("form", {"customers.csv": text}, 3, mapping=mapping, rate=0.02), tmp_path)
    assert "column joined: date-format, expected 30.11.2025 (%d.%m.%Y)" in str(caught.value)


MOMENTS = [
    ("", "2025-11-30 13:45:06", HOUR),
    ('time_zone = "Asia/Shanghai"', "2025-11-30T05:45:06Z", HOUR),
    ('time_zone = "Asia/Shanghai"', "2025-11-30T13:45:06+08:00", HOUR),
    ('time_zone = "America/Los_Angeles"', "2025-11-30 13:45:06-0800", HOUR),
    ('time_zone = "Pacific/Kiritimati", date_format = "epoch-seconds"', "1764459906", HOUR),
    ('time_zone = "America/Los_Angeles", date_format = "epoch-milliseconds"', "1764539106000", HOUR),
    ('date_format = "excel"', "45991.5", dt.datetime(2025, 11, 30, 12)),  # noqa: DTZ001
]


@pytest.mark.parametrize(("rule", "value", "expected"), MOMENTS)
def test_moments_of_any_zone_are_told_in_the_bank_s_local_time(
    rule: str, value: str, expected: dt.datetime, tmp_path: Path
) -> None:
    full = f'contacted_at = {{ column = "contacted_at"{", " * bool(rule)}{rule} }}'
    mapping = CONTACTS_MAPPING.replace('contacted_at = "contacted_at"', full).replace(
        'recorded_date = "recorded_date"', ""
    )
    files = {
        "contacts.csv": f"contact_id,customer_id,product_id,channel,contacted_at,outcome\nT,A1,fund,call,{value},accepted\n"
    }
    customers = GOOD_CUSTOMERS.replace("2025-01-31", "2025-11-30")
    before = {"customers.csv": customers, "products.csv": GOOD_PRODUCTS}
    whole = customers_mapping(TIER) + PRODUCTS_MAPPING + mapping
    run(Case("moment", files, 0, mapping=whole, before=before), tmp_path)
    assert stored(tmp_path, "contacts")["contacted_at"].to_list() == [expected]


AMOUNTS = [
    ("", "1000.00-", "-1000.00"), ("", "-0.00", "0.00"), ("", "0.00-", "0.00"), ("", "(1000.50)", "-1000.50"), ("", "+5", "5.00"),
    ("", "\u2212" + "5.00", "-5.00"), ("", "１２３．５", "123.50"), ("", ".5", "0.50"), ("", "5.", "5.00"),
    ('thousands_mark = ","', "1,234.50-", "-1234.50"), ('thousands_mark = ","', "12,34,567.00", "1234567.00"),
    ('thousands_mark = " ", decimal_mark = ","', "1\u00a0234,50", "1234.50"),
    ('thousands_mark = " ", decimal_mark = ","', "1\u202f234,50", "1234.50"),
    ('thousands_mark = "\'"', "1\u2019234.50", "1234.50"),
    ('negative_marks = ["DB", "DR"], positive_marks = ["CR"]', "100.00 DR", "-100.00"),
    ('negative_marks = ["DB", "DR"], positive_marks = ["CR"]', "100.00CR", "100.00"),
    ('negative_marks = ["S"], positive_marks = ["H"]', "S 100.00", "-100.00"),
    ('currency_marks = ["￥"]', "-￥100", "-100.00"), ('currency_marks = ["CNY", "元"]', "100元", "100.00"),
    ("implied_decimals = 2", "000123450", "1234.50"), ("implied_decimals = 2", "5-", "-0.05"),
    ("overpunch = true, implied_decimals = 2", "0001234J", "-123.41"), ("overpunch = true, implied_decimals = 2", "0001000{", "100.00"),
    ("scientific = true", "1.5E+05", "150000.00"), ("unit = 10000", "12.5", "125000.00"), ('zero = ["-"]', " - ", "0.00"),
]  # fmt: skip


def import_balance(rule: str, value: str, folder: Path) -> ImportReport:
    column = f'{{ column = "balance"{", " * bool(rule)}{rule} }}'
    mapping = customers_mapping(TIER) + PRODUCTS_MAPPING + HOLDINGS_MAPPING + f"balance_amount = {column}\n"
    text = HOLDING_HEAD.replace("\n", ",balance\n") + f'A1,fund,2025-01-01,,"{value}"\n'
    return run(Case("amount", {"holdings.csv": text}, 0, mapping=mapping, before=WORLD_FILES), folder)


@pytest.mark.parametrize(("rule", "value", "expected"), AMOUNTS)
def test_every_way_to_write_an_amount_is_read_exactly(
    rule: str, value: str, expected: str, tmp_path: Path
) -> None:
    import_balance(rule, value, tmp_path)
    assert stored(tmp_path, "holdings")["balance_amount"].to_list() == [Decimal(expected)]


@pytest.mark.parametrize(
    "value", ["--5", "(-5)", "5-5", "1.000,00", "1 000", "0x10", "5 DB", "￥5", "1E5", "1,5"]
)
def test_an_amount_that_is_not_declared_is_refused(value: str, tmp_path: Path) -> None:
    report = import_balance("", value, tmp_path)
    assert report.files[-1].reasons == {"balance: amount-format": 1}


def test_minus_zero_is_no_negative_amount(tmp_path: Path) -> None:
    text = "customer_id,snapshot_date,aum\nA1,2025-01-31,-0.00\n"
    run(Case("zero", {"customers.csv": text}, 0, mapping=customers_mapping('aum_amount = "aum"')), tmp_path)
    assert stored(tmp_path, "customers")["aum_amount"].to_list() == [Decimal("0.00")]


def import_ids(ids: list[str], folder: Path, rule: str = '"customer_id"') -> ImportReport:
    text = CUSTOMER_HEAD + "".join(f'"{one}",2025-01-31,TOP\n' for one in ids)
    mapping = customers_mapping(TIER).replace('customer_id = "customer_id"', f"customer_id = {rule}")
    return run(Case("ids", {"customers.csv": text}, 0, mapping=mapping), folder)


@pytest.mark.parametrize(
    "ids",
    [
        ["04827e31", "a3f09c11", "12345678"],  # hexadecimal digits of a hash
        ["1E5", "1F5", "2A7"],
        ["12.0", "12.1", "12.4"],  # numbered sub-accounts
        ["零售" + "客" * 62, "公司001"],  # 64 characters of another script
        ["АБ12", "ВГ34"],  # a Cyrillic column
        ["مكتب1", "สาขา1", "고객1"],
        ["0001", "0002"],
        ["550e8400-e29b-41d4-a716-446655440000"],
    ],
)
def test_ids_are_judged_by_the_whole_column(ids: list[str], tmp_path: Path) -> None:
    report = import_ids(ids, tmp_path)
    assert report.files[0].reasons == {}
    assert stored(tmp_path, "customers")["customer_id"].sort().to_list() == sorted(ids)


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        (["1E5", "123", "456"], "spreadsheet-damaged-id"),
        (["6.22E+18", "ABCDEFGH"], "spreadsheet-damaged-id"),
        (["12.0", "13"], "spreadsheet-damaged-id"),
        (["А1", "A1"], "id-characters"),  # the first is Cyrillic
        (["AВ1"], "id-characters"),  # one id of two scripts
        (["客" * 65], "too-long"),
        (["e\u0301 1"], "id-characters"),
    ],
)
def test_an_id_that_the_column_does_not_clear_is_refused(ids: list[str], code: str, tmp_path: Path) -> None:
    assert import_ids(ids, tmp_path).files[0].reasons == {f"customer_id: {code}": 1}


def test_a_bank_may_say_that_its_ids_are_text(tmp_path: Path) -> None:
    rule = '{ column = "customer_id", text_ids = true }'
    assert import_ids(["1E5", "123.0", "7"], tmp_path, rule).files[0].accepted == 3


def test_a_correction_takes_the_place_of_a_stored_row_when_it_is_said_so(tmp_path: Path) -> None:
    corrected = GOOD_CUSTOMERS.replace("B2,2025-01-31,", "B2,2025-01-31,LOW")
    before = {"customers.csv": GOOD_CUSTOMERS}
    report = run(Case("conflict", {"customers_2.csv": corrected}, 4, before=before), tmp_path / "a")
    assert report.files[0].reasons == {"customer_id: conflicts-with-stored": 1}
    reasons = Path(f"{report.quarantine[0]}.reasons.csv").read_text()
    assert "give --correct" in reasons
    case = Case("correct", {"customers_2.csv": corrected}, 0, before=before, options={"same_day": True})
    assert run(case, tmp_path / "b").files[0].accepted == 1


HABITS = {
    "sep": "sep=,\n" + GOOD_CUSTOMERS,
    "sep-quoted": '"sep=,"\r\n' + GOOD_CUSTOMERS,
    "sep-other": "sep=;\n" + GOOD_CUSTOMERS.replace(",", ";"),
    "bom-sep": "\ufeffsep=,\n" + GOOD_CUSTOMERS,
    "bom-quoted-header": '\ufeff"customer_id","snapshot_date","tier"\n' + GOOD_CUSTOMERS.split("\n", 1)[1],
    "blank-rows-at-the-end": GOOD_CUSTOMERS + ",,\n" * 20,
    "blank-rows-inside": GOOD_CUSTOMERS.replace("\nB2", "\n,,\n\nB2"),
    "blank-rows-quoted": GOOD_CUSTOMERS + '"","",""\n',
    "emptied-columns": "".join(line + ",,\n" for line in GOOD_CUSTOMERS.splitlines()),
    "emptied-columns-of-the-header": GOOD_CUSTOMERS.replace("tier\n", "tier,,\n"),
    "surplus-delimiters": GOOD_CUSTOMERS.replace("31,TOP\n", "31,TOP,,\n"),
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_csv_saved_by_a_spreadsheet_comes_in_as_its_sheet_does(habit: str, tmp_path: Path) -> None:
    plain = run(Case("plain", {"customers.csv": GOOD_CUSTOMERS}, 0), tmp_path / "plain")
    report = run(Case(habit, {"customers.csv": HABITS[habit]}, 0, rate=0.0), tmp_path / "habit")
    assert (report.files[0].read, report.files[0].accepted) == (3, 3)
    files = [
        Tables.open(tmp_path / one / "tables").files("customers")[0].read_bytes()
        for one in ("plain", "habit")
    ]
    assert files[0] == files[1]
    assert plain.files[0].quarantined == 0


def test_unicode_text_of_excel_with_its_habits_is_read(tmp_path: Path) -> None:
    text = ("sep=\t\r\n" + GOOD_CUSTOMERS.replace(",", "\t") + "\t\t\r\n").encode("utf-16")
    mapping = customers_mapping(TIER, 'encoding = "utf-16"\ndelimiter = "\\t"')
    assert run(Case("utf-16", {"customers.csv": text}, 0, mapping=mapping), tmp_path).files[0].accepted == 3


def test_rows_above_the_header_and_missing_last_fields_are_a_setting(tmp_path: Path) -> None:
    text = "Customers of the branch\n\n" + GOOD_CUSTOMERS.replace("B2,2025-01-31,\n", "B2,2025-01-31\n")
    mapping = customers_mapping(TIER, "header_row = 3\nshort_rows = true")
    report = run(Case("above", {"customers.csv": text}, 0, mapping=mapping), tmp_path)
    assert (report.files[0].accepted, stored(tmp_path, "customers")["tier"].to_list()) == (
        3,
        ["TOP", None, "TOP"],
    )


@pytest.mark.parametrize("yes", ["TRUE", "WAHR", "VRAI", "VERDADERO", "ИСТИНА", "真", "是", "Ja", "oui", "1"])
def test_yes_is_understood_in_the_languages_of_spreadsheets(yes: str, tmp_path: Path) -> None:
    text = f"customer_id,snapshot_date,call\nA1,2025-01-31,{yes}\n"
    report = run(
        Case("yes", {"customers.csv": text}, 0, mapping=customers_mapping('consent_call = "call"')), tmp_path
    )
    assert stored(tmp_path, "customers")["consent_call"].to_list() == [True]
    assert report.files[0].defaulted == {}


def test_values_that_are_not_understood_are_counted_over_all_files(tmp_path: Path) -> None:
    head = "customer_id,snapshot_date,call,out\n"
    files = {
        f"customers_{n}.csv": f"{head}A{n},2025-01-31,opt-in,none\nB{n},2025-01-31,,\n" for n in range(3)
    }
    mapping = customers_mapping('consent_call = "call"\nprofiling_opt_out = "out"')
    report = run(Case("unknown", files, 0, mapping=mapping), tmp_path)
    assert any("consent_call: 3 values are not understood and count as no" in one for one in report.warnings)
    assert any(
        "profiling_opt_out: 3 values are not understood and count as yes" in one for one in report.warnings
    )


def workbook(folder: Path, change: Callable[[bytes], bytes], rows: int = 60, *, dates: bool = False) -> Path:
    """Write a workbook of customers whose sheet's XML is changed afterwards."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["customer_id", "snapshot_date", "tier"])
    for number in range(rows):
        sheet.append([f"A{number:03d}", dt.date(2025, 1, 31) if dates else "2025-01-31", "TOP"])
    plain, path = folder / "plain.xlsx", folder / "customers.xlsx"
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, change(content) if name.endswith("sheet1.xml") else content)
    plain.unlink()
    return path


def dimension(reference: bytes) -> Callable[[bytes], bytes]:
    return lambda content: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="' + reference + b'"', content)


@pytest.mark.parametrize("reference", [b"A1:C50", b"A1", b"A1:A1048576", b"B2:B3"])
def test_a_workbook_s_own_dimension_is_not_believed(reference: bytes, tmp_path: Path) -> None:
    case = Case("dimension", {"customers.xlsx": lambda folder: workbook(folder, dimension(reference))}, 0)
    assert run(case, tmp_path).files[0].accepted == 60


def test_rows_that_the_reader_does_not_give_are_missed(tmp_path: Path) -> None:
    """Row 3 stands twice, and a reader that goes by row numbers gives it once."""

    def twice(xml: bytes) -> bytes:
        row = re.search(rb'<row r="3".*?</row>', xml)
        assert row is not None
        return xml.replace(b"</sheetData>", b"<!-- " + row.group() + b" --></sheetData>")

    with pytest.raises(InputRejectedError) as caught:
        run(Case("two", {"customers.xlsx": lambda folder: workbook(folder, twice)}, 3), tmp_path)
    assert caught.value.code == "row-count"


@pytest.mark.parametrize("form", ["%d/%m/%Y", "excel", "%Y%m%d"])
def test_date_cells_are_read_as_dates_under_any_form(form: str, tmp_path: Path) -> None:
    mapping = customers_mapping(TIER).replace(
        '"snapshot_date"', f'{{ column = "snapshot_date", date_format = "{form}" }}', 1
    )
    case = Case(
        "cells",
        {"customers.xlsx": lambda folder: workbook(folder, lambda xml: xml, 3, dates=True)},
        0,
        mapping=mapping,
    )
    run(case, tmp_path)
    assert set(stored(tmp_path, "customers")["snapshot_date"].to_list()) == {dt.date(2025, 1, 31)}


def lying_parquet(folder: Path) -> None:
    """A file whose footer says 49 rows everywhere, while its pages hold 60."""
    table = pa.table(
        {
            "customer_id": [f"A{n:03d}" for n in range(60)],
            "snapshot_date": ["2025-01-31"] * 60,
            "tier": ["x"] * 60,
        }
    )
    path = folder / "customers.parquet"
    pq.write_table(table, path, use_dictionary=False, write_statistics=False)
    content = path.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    footer = bytes(98 if byte == 120 else byte for byte in content[-8 - size : -8])  # zigzag of 60 and of 49
    path.write_bytes(content[: -8 - size] + footer + content[-8:])
    assert pq.read_table(path).num_rows == 49


def test_a_parquet_footer_s_own_count_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(InputRejectedError, match="pages hold 60"):
        run(Case("footer", {"customers.parquet": lying_parquet}, 3), tmp_path)


def snapshot(day: str, rows: int = 60, start: int = 0) -> str:
    return "".join(f"A{number:03d},{day},TOP\n" for number in range(start, start + rows))


def test_a_snapshot_in_the_future_is_refused_unless_it_is_said_so(tmp_path: Path) -> None:
    files = {"customers.csv": CUSTOMER_HEAD + snapshot("2052-11-30")}
    with pytest.raises(InputRejectedError, match="date-in-future"):
        run(Case("future", files, 3, rate=0.02), tmp_path / "a")
    report = run(Case("future", files, 0, rate=0.02, options={"accept_dates": True}), tmp_path / "b")
    assert report.files[0].accepted == 60


@pytest.mark.parametrize("stray", ["2025-01-31", "2024-11-30", "2025-12-01", "2099-11-30", "1925-11-30"])
def test_one_row_with_a_mistyped_snapshot_is_quarantined_alone(stray: str, tmp_path: Path) -> None:
    text = CUSTOMER_HEAD + snapshot("2025-11-30", 59) + f"A059,{stray},TOP\n"
    report = run(Case("stray", {"customers.csv": text}, 4, rate=0.02), tmp_path)
    assert report.files[0].accepted == 59
    assert set(report.files[0].reasons) <= {"snapshot_date: date-stray", "snapshot_date: date-in-future"}


def test_a_bank_that_began_small_is_no_stray_snapshot(tmp_path: Path) -> None:
    sizes = {"2025-07-31": 2, "2025-08-31": 10, "2025-09-30": 60}
    text = CUSTOMER_HEAD + "".join(snapshot(day, rows) for day, rows in sizes.items())
    assert run(Case("growth", {"customers.csv": text}, 0, rate=0.0), tmp_path).files[0].accepted == 72


def test_a_snapshot_a_year_off_is_refused(tmp_path: Path) -> None:
    before = {"customers.csv": CUSTOMER_HEAD + "".join(snapshot(day) for day in ("2024-09-30", "2024-10-31"))}
    with pytest.raises(InputRejectedError) as caught:
        run(
            Case("far", {"customers_2.csv": CUSTOMER_HEAD + snapshot("2025-11-30")}, 3, before=before),
            tmp_path,
        )
    assert caught.value.code == "snapshot-far"


def test_a_batch_is_taken_back_with_all_that_came_after_it(tmp_path: Path) -> None:
    first = run(Case("first", {"customers.csv": GOOD_CUSTOMERS}, 0), tmp_path)
    identity = Tables.open(tmp_path / "tables").snapshot_id
    later = {"customers_2.csv": GOOD_CUSTOMERS.replace("01-31", "02-28")}
    second = run(Case("second", later, 0), tmp_path)
    third = run(Case("third", {"customers_3.csv": GOOD_CUSTOMERS.replace("01-31", "03-31")}, 0), tmp_path)
    taken = undo(tmp_path / "tables", second.batch_id)
    assert [batch["batch_id"] for batch in taken] == [second.batch_id, third.batch_id]
    assert Tables.open(tmp_path / "tables").snapshot_id == identity == first.snapshot_id
    assert [path.name for path in (tmp_path / "tables" / "batches").iterdir()] == [first.batch_id]
    again = run(Case("again", later, 0), tmp_path)
    assert (again.batch_id, again.snapshot_id) == (second.batch_id, second.snapshot_id)
    left = tmp_path / "tables" / "batches" / third.batch_id  # as a call that was killed leaves it
    left.mkdir()
    with pytest.raises(UsageError, match="there is no batch"):
        undo(tmp_path / "tables", third.batch_id)
    assert not left.exists()


ACCOUNTS = (
    "account,customer_id,product_id,opened_date,closed_date,balance\n"
    "K1,A1,fund,2025-01-02,,100.00\nK2,A1,fund,2025-01-02,2025-01-20,250.00\n"
    "K3,B2,fund,2025-01-02,2025-01-10,1.00\nK4,B2,fund,2025-01-02,2025-01-15,2.00\n"
    "K5,C3,card,2025-01-02,,5.00\nK5,C3,card,2025-01-02,,5.00\n"
)
ACCOUNT_COLUMNS = 'balance_amount = "balance"\naccount_id = "account"\n'


def test_accounts_of_one_product_opened_on_one_day_are_one_holding(tmp_path: Path) -> None:
    mapping = customers_mapping(TIER) + PRODUCTS_MAPPING + HOLDINGS_MAPPING + ACCOUNT_COLUMNS
    case = Case("accounts", {"holdings.csv": ACCOUNTS}, 0, mapping=mapping, before=WORLD_FILES)
    report = run(case, tmp_path)
    assert (report.files[0].accepted, report.files[0].duplicates) == (5, 1)
    held = stored(tmp_path, "holdings")
    assert "account_id" not in held.columns
    newest = held.sort("recorded_date").group_by("customer_id").last().sort("customer_id")
    assert newest["balance_amount"].to_list() == [Decimal("350.00"), Decimal("3.00"), Decimal("5.00")]
    assert newest["closed_date"].to_list() == [None, dt.date(2025, 1, 15), None]
    again = run(Case("again", {"holdings_2.csv": ACCOUNTS + "\n"}, 0, mapping=mapping), tmp_path)
    assert (again.files[0].accepted, again.files[0].quarantined) == (0, 0)
    without = mapping.replace('account_id = "account"\n', "")
    other = run(
        Case("without", {"holdings.csv": ACCOUNTS}, 4, mapping=without, before=WORLD_FILES), tmp_path / "b"
    )
    assert other.files[0].reasons == {"customer_id: conflicting-duplicate": 4}


def test_accounts_and_recorded_dates_are_not_mapped_together(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(HOLDINGS_MAPPING + ACCOUNT_COLUMNS + 'recorded_date = "recorded"\n')
    with pytest.raises(UsageError, match="not together with recorded_date"):
        Mapping.read(path)


@pytest.mark.parametrize(("days", "accepted"), [(0, 3), (1, 3), (2, 0)])
def test_a_clock_that_is_behind_refuses_no_snapshot_of_today(
    days: int, accepted: int, tmp_path: Path
) -> None:
    """A day of grace: an hour back over midnight, or a bank far in the east, is no future."""
    day = dt.date.today() + dt.timedelta(days=days)  # noqa: DTZ011
    files = {"customers.csv": GOOD_CUSTOMERS.replace("2025-01-31", str(day))}
    assert run(Case("clock", files, 0), tmp_path).files[0].accepted == accepted


@pytest.mark.parametrize("day", ["2024-02-29", "2025-01-31", "2024-12-31"])
def test_ends_of_months_are_snapshots_like_others(day: str, tmp_path: Path) -> None:
    files = {"customers.csv": GOOD_CUSTOMERS.replace("2025-01-31", day)}
    run(Case("end", files, 0), tmp_path)
    assert set(map(str, stored(tmp_path, "customers")["snapshot_date"])) == {day}
