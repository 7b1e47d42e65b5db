# ruff: noqa: E501 - mappings read better in one line
"""A mapping file is checked before anything is read; what it declares is what happens to the text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from vipreco.errors import UsageError
from vipreco.settings import Settings
from vipreco.tables import Tables, import_, protected_words
from vipreco.tables.mapping_file import Mapping

SETTINGS = Settings.model_validate_json('{"project": {"name": "t"}, "import": {"max_quarantined_rate": 1.0}}')
HEAD = '[[source]]\nfile = "f.csv"\n[[source.table]]\n'
GOOD = HEAD + 'table = "customers"\ncolumns = { customer_id = "id", snapshot_date = "date" }\n'


def read(folder: Path, text: str) -> Mapping:
    (folder / "mapping.toml").write_text(text)
    return Mapping.read(folder / "mapping.toml")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("source = [", "is not valid TOML"),
        (GOOD.replace("table = ", "tabel = ", 1), "unknown setting, did you mean table"),
        (
            GOOD.replace('file = "f.csv"', 'file = "f.csv"\nencodign = "x"'),
            "unknown setting, did you mean encoding",
        ),
        (GOOD.replace('"customers"', '"clients"'), "Input should be 'customers'"),
        (
            GOOD.replace("customer_id", "custmer_id"),
            "customers.columns.custmer_id: unknown column, did you mean customer_id?",
        ),
        (GOOD.replace(', snapshot_date = "date"', ""), "customers.columns: snapshot_date is required"),
        (GOOD + 'form = "flags"\n', "only holdings have a form"),
        (GOOD + 'products = { a = "b" }\n', "only for holdings as flags or openings"),
        (
            HEAD
            + 'table = "holdings"\nform = "flags"\ncolumns = { customer_id = "id", snapshot_date = "d" }\n',
            "the flag columns are required",
        ),
        (
            GOOD + 'attributes = { who = { column = "Sexo", type = "category" } }\n',
            "protected attribute (sexo)",
        ),
        (GOOD + 'attributes = { who = { column = "x", type = "text" } }\n', "Input should be 'number'"),
        (GOOD.replace('"date"', '{ column = "d", constant = "2025-01-31" }'), "give exactly one of"),
        (GOOD.replace('"date"', '{ column = "d", decimal_mark = ",", thousands_mark = "," }'), "must differ"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(text: str, finding: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    assert finding in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_no_entry_or_more_than_one_fits_is_refused(tmp_path: Path) -> None:
    mapping = read(tmp_path, GOOD + GOOD.replace('"f.csv"', '"f*"'))
    assert mapping.source_for(Path("some/fold/fx.csv")).file == "f*"
    with pytest.raises(UsageError, match="more than one entry"):
        mapping.source_for(Path("f.csv"))
    with pytest.raises(UsageError, match="no entry"):
        mapping.source_for(Path("g.csv"))


@pytest.mark.parametrize(
    ("name", "words"),
    [("Gender", {"gender"}), ("cust_SEX", {"sex"}), ("marital status", set()), ("marital_status", {"marital_status"}),
     ("Ｓｅｘｏ", {"sexo"}), ("性别", {"性别"}), ("essex", set()), ("grace", set())],
)  # fmt: skip
def test_protected_attributes_are_seen_in_any_spelling_but_not_inside_words(
    name: str, words: set[str]
) -> None:
    assert protected_words(name) == words


def value(folder: Path, rule: str, text: str) -> object:
    """Import one customer with one cell; return what is stored of it."""
    cell = '"' + text.replace('"', '""') + '"'
    (folder / "f.csv").write_text(f"id,date,x\nA,2025-01-31,{cell}\n")
    (folder / "mapping.toml").write_text(GOOD + f"[source.table.attributes]\nx = {rule}\n")
    report = import_(folder / "tables", folder / "mapping.toml", [folder / "f.csv"], SETTINGS)
    if report.files[0].quarantined:
        return next(iter(report.files[0].reasons))
    (path,) = Tables.open(folder / "tables").files("customers")
    return pl.read_parquet(path)["attribute_x"].item()


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ('{ column = "x", type = "number" }', " 12.5 ", 12.5),
        ('{ column = "x", type = "number" }', "-1e3", -1000.0),
        ('{ column = "x", type = "number" }', "1,5", "x: number-format"),
        ('{ column = "x", type = "number" }', "NaN", "x: number-format"),
        ('{ column = "x", type = "number" }', "inf", "x: number-format"),
        ('{ column = "x", type = "number" }', "0x10", "x: number-format"),
        ('{ column = "x", type = "number" }', "1e99", "x: number-format"),
        ('{ column = "x", type = "number", missing = ["NA"] }', "     NA", None),
        ('{ column = "x", type = "number", thousands_mark = "," }', "1,234,567.5", 1234567.5),
        ('{ column = "x", type = "number", thousands_mark = "," }', "1234567", 1234567.0),
        ('{ column = "x", type = "number", thousands_mark = "," }', "1,2345", "x: number-format"),
        ('{ column = "x", type = "category" }', " a ", "a"),
        ('{ column = "x", type = "category", strip = false }', " a ", " a "),
        ('{ column = "x", type = "category", codes = { "01" = "TOP" } }', "01", "TOP"),
        ('{ column = "x", type = "category", codes = { "01" = "TOP" } }', "02", "x: unknown-code"),
        ('{ column = "x", type = "category", codes = { "01" = "TOP" } }', "", None),
        ('{ column = "x", type = "category", codes = { "01" = "TOP" }, other = "REST" }', "02", "REST"),
        ('{ column = "x", type = "category", codes = { "99" = "" } }', "99", None),
        ('{ column = "x", type = "flag" }', "Y", True),
        ('{ column = "x", type = "flag" }', "2", "x: flag-format"),
        ('{ column = "x", type = "flag", true = ["S"], false = ["N"] }', "S", True),
        ('{ column = "x", type = "flag", true = ["S"], false = ["N"] }', "1", "x: flag-format"),
        ('{ column = "x", type = "date" }', "2024-02-29", dt.date(2024, 2, 29)),
        ('{ column = "x", type = "date" }', "1492-10-12", "x: date-implausible"),
        ('{ column = "x", type = "date", date_format = "%Y-%m" }', "2024-02", dt.date(2024, 2, 29)),
        ('{ column = "x", type = "date", date_format = "%Y-%m" }', "2024-13", "x: date-format"),
        (
            '{ column = "x", type = "date", date_format = "%Y-%m", shift_months = -1 }',
            "2024-03",
            dt.date(2024, 2, 29),
        ),
        (
            '{ column = "x", type = "date", date_format = "%Y-%m", shift_months = 1 }',
            "2023-12",
            dt.date(2024, 1, 31),
        ),
        ('{ column = "x", type = "date", month_end = true }', "2024-02-28", dt.date(2024, 2, 29)),
        (
            '{ column = "x", type = "date", month_end = true, shift_months = 1 }',
            "2024-01-31",
            dt.date(2024, 2, 29),
        ),
        ('{ column = "x", type = "date", shift_months = 1 }', "2024-01-31", dt.date(2024, 2, 29)),
        ('{ column = "x", type = "date", date_format = "%Y%m%d" }', "20240229", dt.date(2024, 2, 29)),
        ('{ column = "x", type = "date", date_format = "%Y%m%d" }', "2024229", "x: date-format"),
        ('{ constant = "7", type = "number" }', "ignored", 7.0),
    ],
)
def test_a_cell_becomes_what_its_rule_declares(
    rule: str, text: str, expected: object, tmp_path: Path
) -> None:
    assert value(tmp_path, rule, text) == expected


def test_lists_are_split_and_trimmed_and_absent_ones_are_empty(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,ch\na,call | app\nb,\n")
    (tmp_path / "mapping.toml").write_text(
        HEAD
        + 'table = "products"\ncolumns = { product_id = "id", name = "id", family = "id", channels = { column = "ch", separator = "|" } }\n'
    )
    import_(tmp_path / "tables", tmp_path / "mapping.toml", [tmp_path / "f.csv"], SETTINGS)
    (path,) = Tables.open(tmp_path / "tables").files("products")
    stored = pl.read_parquet(path).select("channels", "prerequisites", "repeatable", "recorded_date")
    assert stored.rows() == [
        (["call", "app"], [], False, dt.date(1900, 1, 1)),
        ([], [], False, dt.date(1900, 1, 1)),
    ]


def test_activity_keeps_its_numbers_under_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,date\nA,2025-01-31\n")
    (tmp_path / "f.csv").write_text("id,month,inflow\nA,2025-01,12.5\n")
    rule = 'table = "activity"\ncolumns = { customer_id = "id", month_date = { column = "month", date_format = "%Y-%m" } }\nattributes = { inflow = { column = "inflow", type = "number" } }\n'
    (tmp_path / "mapping.toml").write_text(HEAD + rule + GOOD.replace("f.csv", "c.csv"))
    import_(
        tmp_path / "tables", tmp_path / "mapping.toml", [tmp_path / "c.csv", tmp_path / "f.csv"], SETTINGS
    )
    (path,) = Tables.open(tmp_path / "tables").files("activity")
    assert pl.read_parquet(path).rows(named=True) == [
        {
            "customer_id": "A",
            "month_date": dt.date(2025, 1, 31),
            "recorded_date": dt.date(2025, 1, 31),
            "inflow": 12.5,
            "batch_sequence": 1,
        }
    ]
