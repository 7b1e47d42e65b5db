# ruff: noqa: E501
"""The Santander mapping files: on the published files when they are there, on a generated archive always."""

from __future__ import annotations

import csv
import datetime as dt
import runpy
from pathlib import Path

import duckdb
import polars as pl
import pytest

from vipreco.settings import Settings
from vipreco.tables import ImportReport, Tables, import_
from vipreco.tables.mapping_file import Mapping

ROOT = Path(__file__).parents[2]
HERE = ROOT / "experiments" / "santander"
DATA = ROOT.parent / "shared" / "data" / "santander"
SETTINGS = Settings.model_validate_json('{"project": {"name": "t"}}')
real = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the public Santander files are not beside the project"),
]


def load(folder: Path, mapping: str, *files: Path) -> tuple[Tables, ImportReport]:
    report = import_(folder, HERE / mapping, [HERE / "products.csv", *files], SETTINGS)
    return Tables.open(folder), report


def held(tables: Tables) -> str:
    """SQL for the newest version of each interval."""
    files = [str(path) for path in tables.files("holdings")]
    return (
        f"(SELECT * FROM read_parquet({files}) QUALIFY row_number() OVER (PARTITION BY customer_id, product_id, "
        "opened_date ORDER BY recorded_date DESC, batch_sequence DESC) = 1)"
    )


def table(tables: Tables, name: str) -> pl.DataFrame:
    return pl.concat([pl.read_parquet(path) for path in tables.files(name)])


def test_the_three_mappings_name_the_same_attributes_and_no_protected_one() -> None:
    names = {}
    for file in ("mapping.toml", "kaggle.toml", "random_sample.toml"):
        (customers,) = [one for one in Mapping.read(HERE / file).tables() if one.table == "customers"]
        names[file] = {name for name in customers.attributes if not name.startswith("months_held_before_")}
        assert not customers.allow_protected
    assert names["mapping.toml"] == names["kaggle.toml"] == names["random_sample.toml"]
    assert {"age", "tenure_months", "income", "active", "channel", "province"} <= names["kaggle.toml"]


def test_a_generated_archive_is_imported_whole_and_its_intervals_give_the_flags_back(tmp_path: Path) -> None:
    archive = tmp_path / "train_generated.csv"
    generate = runpy.run_path(str(HERE / "generate_archive.py"))
    written = generate["write_archive"](archive, 4_000, 7)
    tables, report = load(tmp_path / "tables", "kaggle.toml", archive)
    ledger = report.files[1]
    assert (ledger.read, ledger.accepted, ledger.quarantined) == (written, written, 0)
    truth: set[tuple[str, str, dt.date]] = set()
    with archive.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            month = dt.date.fromisoformat(row["fecha_dato"])
            end = (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)
            truth |= {
                (row["ncodpers"], name, end)
                for name in generate["PRODUCTS"]
                if row[f"ind_{name}_ult1"] == "1"
            }
    observed = str(tables.files("observations")[0])
    found = duckdb.sql(
        f"""SELECT customer_id, product_id, snapshot_date FROM '{observed}' JOIN {held(tables)} USING (customer_id)
        WHERE opened_date <= snapshot_date AND (closed_date IS NULL OR closed_date > snapshot_date)"""
    ).fetchall()
    assert set(found) == truth
    assert len(found) == len(truth) > 1000


def test_the_generator_writes_the_same_bytes_for_the_same_seed_and_the_archive_s_quirks(
    tmp_path: Path,
) -> None:
    generate = runpy.run_path(str(HERE / "generate_archive.py"))
    for name in ("one.csv", "two.csv"):
        generate["write_archive"](tmp_path / name, 20_000, 7)
    text = (tmp_path / "one.csv").read_text(encoding="utf-8")
    assert text == (tmp_path / "two.csv").read_text(encoding="utf-8")
    assert len(text.splitlines()[0].split(",")) == 48
    for quirk in ('"CORUÑA, A"', ",NA,NA,", ", 1,", "         NA", ",01 - TOP,", "2016-05-28"):
        assert quirk in text


@pytest.mark.parametrize("_", [pytest.param(0, marks=real)])
def test_the_published_files_are_imported_whole(_: int, tmp_path: Path) -> None:
    files = [DATA / name for name in ("customers_2015_05.parquet", "holdings_2015_01_to_05.parquet", "acquisitions_2015_06.parquet")]  # fmt: skip
    tables, report = load(tmp_path, "mapping.toml", *files)
    assert [ledger.accepted for ledger in report.files] == [24, 29_305, 131_614, 36_453]
    assert report.exit_code == 0
    customers = table(tables, "customers")
    assert customers["tier"].value_counts(sort=True).rows()[:3] == [
        ("PARTICULARES", 20_828),
        ("UNIVERSITARIO", 4_605),
        ("TOP", 3_866),
    ]
    assert customers["snapshot_date"].unique().to_list() == [dt.date(2015, 5, 31)]
    june = duckdb.sql(f"SELECT count(*) FROM {held(tables)} WHERE opened_date = DATE '2015-06-30'").fetchall()
    assert june == [(36_453,)]
    may = duckdb.sql(
        f"SELECT count(*) FROM {held(tables)} WHERE opened_date <= DATE '2015-05-31' AND "
        "(closed_date IS NULL OR closed_date > DATE '2015-05-31')"
    ).fetchall()
    raw = pl.read_parquet(files[1]).filter(pl.col("month") == "2015-05")
    assert may == [(raw.select(pl.sum_horizontal(pl.selectors.starts_with("ind_").sum())).item(),)]


@pytest.mark.parametrize("_", [pytest.param(0, marks=real)])
def test_the_random_sample_gives_the_month_before_and_what_was_added(_: int, tmp_path: Path) -> None:
    sample = DATA / "random_customer_months.parquet"
    runpy.run_path(str(HERE / "prepare_random_sample.py"))["prepare"](sample, tmp_path)
    files = [tmp_path / "random_customers.parquet", tmp_path / "random_holdings.parquet"]
    tables, report = load(tmp_path / "tables", "random_sample.toml", *files)
    raw = pl.read_parquet(files[0]).with_columns(
        pl.col("ncodpers").cast(pl.String),
        (pl.col("target_month") + "-01").str.to_date().dt.month_end().alias("target"),
    )
    assert report.exit_code == 0
    assert report.files[1].accepted == raw.height
    added = raw.unpivot(pl.selectors.ends_with("__added"), index=["ncodpers", "target"]).filter(
        pl.col("value") == 1
    )
    expected = {(who, name[4:].split("_ult1")[0], when) for who, when, name, _ in added.iter_rows()}
    query = f"SELECT customer_id, product_id, opened_date FROM {held(tables)}"
    assert expected <= set(duckdb.sql(query).fetchall())
    before = raw["target"].dt.offset_by("-1mo").dt.month_end()
    stored = table(tables, "customers").select("customer_id", "snapshot_date")
    assert set(stored.iter_rows()) == set(zip(raw["ncodpers"], before, strict=True))
