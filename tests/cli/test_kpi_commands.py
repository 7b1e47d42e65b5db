"""`kpi` shows the figures of a branch and the customers behind each, as the tables have them."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars as pl
import pytest

from vipreco.cli.entry import main
from vipreco.cli.store_session import business_moment
from vipreco.kpi import FIGURES
from vipreco.project import Project
from vipreco.store import Feedback, Role, Scope, Store

pytestmark = pytest.mark.usefixtures("bank_folder")
VIP = "('TOP', 'VIP', 'GOLD', 'PLATINUM', 'DIAMOND', 'PRIVATE')"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["kpi", *arguments]) == 0
    return capsys.readouterr().out


def numbers(tmp_path: Path, *arguments: str) -> pl.DataFrame:
    target = tmp_path / "numbers.parquet"
    assert main(["kpi", *arguments, "--out", str(target)]) == 0
    return pl.read_parquet(target)


def independent(sql: str) -> list[tuple[object, ...]]:
    """Return rows of the stored files themselves, without views, rooms or shared tables."""
    folder = Path("data/tables/batches/*")
    with duckdb.connect() as connection:
        for table in ("customers", "holdings", "contacts", "activity"):
            files = f"read_parquet('{folder}/{table}*.parquet', union_by_name = true)"
            connection.execute(f"CREATE VIEW {table} AS SELECT * FROM {files}")
        return connection.execute(sql).fetchall()


def test_vip_customers_and_moves_equal_those_of_the_files(tmp_path: Path) -> None:
    found = numbers(tmp_path)
    told = {
        key: dict(found.filter(pl.col("figure") == key).select("month_date", "number").iter_rows())
        for key in ("vip_customers", "vip_gained", "vip_risen", "vip_sunk", "vip_left")
    }
    rows = independent(
        f"""
        WITH m AS (
            SELECT snapshot_date AS d, row_number() OVER (ORDER BY snapshot_date) AS n
            FROM (SELECT DISTINCT snapshot_date FROM customers)),
        s AS (SELECT customer_id, n, tier IN {VIP} AS vip FROM customers JOIN m ON d = snapshot_date),
        pairs AS (
            SELECT s.n, s.vip, b.vip AS vip_before
            FROM s JOIN s b ON b.customer_id = s.customer_id AND b.n = s.n - 1)
        SELECT m.d,
            (SELECT count(*) FROM s WHERE s.n = m.n AND vip),
            (SELECT count(*) FROM s WHERE s.n = m.n AND vip
                AND customer_id NOT IN (SELECT customer_id FROM s b WHERE b.n = m.n - 1)),
            (SELECT count(*) FROM pairs p WHERE p.n = m.n AND vip AND NOT vip_before),
            (SELECT count(*) FROM pairs p WHERE p.n = m.n AND NOT vip AND vip_before),
            (SELECT count(*) FROM s b WHERE b.n = m.n - 1 AND vip
                AND customer_id NOT IN (SELECT customer_id FROM s WHERE s.n = m.n))
        FROM m ORDER BY d
        """
    )
    assert len(rows) == 5
    for place, (month, *counts) in enumerate(rows):
        keys = list(told) if place else ["vip_customers"]
        assert [told[key][month] for key in keys] == counts[: len(keys)]


def test_products_and_coverage_equal_those_of_the_files(tmp_path: Path) -> None:
    found = numbers(tmp_path).filter(pl.col("month_date") == pl.col("month_date").max())
    told = dict(found.select("figure", "number").iter_rows())
    (products, cold) = independent(
        f"""
        WITH vip AS (SELECT * FROM customers WHERE tier IN {VIP} AND snapshot_date = '2025-12-31'),
        newest AS (  -- a closing is a later version of the holding
            SELECT * FROM holdings WHERE recorded_date <= '2025-12-31' QUALIFY row_number() OVER (
                PARTITION BY customer_id, product_id, opened_date
                ORDER BY recorded_date DESC, batch_sequence DESC) = 1)
        SELECT
            avg((SELECT count(DISTINCT product_id) FROM newest h WHERE h.customer_id = vip.customer_id
                AND opened_date <= '2025-12-31'
                AND (closed_date IS NULL OR closed_date > '2025-12-31'))),
            avg((coalesce(
                (SELECT max(contacted_at)::DATE FROM contacts c
                    WHERE c.customer_id = vip.customer_id AND outcome <> 'unreachable'),
                joined_date, DATE '1900-01-01') <= DATE '2025-09-30')::INT)
        FROM vip
        """
    )[0]
    assert told["products_used"] == pytest.approx(products)
    assert told["not_reached_3_months"] == pytest.approx(cold)


def test_branches_add_up_to_the_bank(tmp_path: Path) -> None:
    def newest(*scope: str) -> float:
        found = numbers(tmp_path, "vip_customers", *scope)
        return float(found["number"][0])

    branches = [
        row[0] for row in independent("SELECT DISTINCT branch_id FROM customers WHERE branch_id IS NOT NULL")
    ]
    assert sum(newest("--branch", str(branch)) for branch in branches) == newest()


def test_the_overview_fits_a_terminal_and_names_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--branch", "0001")
    assert max(map(len, text.splitlines())) <= 100
    assert "VIP customers" in text
    assert "Follow-ups kept in time" in text
    chinese = shown(capsys, "--language", "zh")
    assert "VIP客户数" in chinese


def test_every_figure_lists_the_customers_behind_its_number(tmp_path: Path) -> None:
    found = numbers(tmp_path)
    newest = found.filter(pl.col("month_date") == pl.col("month_date").max())
    for key in ("vip_customers", "drain_expected", "offers_stopped", "contacts_due"):
        target = tmp_path / f"{key}.csv"
        assert main(["kpi", key, "--customers", "--out", str(target)]) == 0
        listed = pl.read_csv(target, infer_schema=False)
        assert listed["customer_id"].n_unique() == newest.filter(pl.col("figure") == key)["customers"].item()


def test_a_list_of_customers_is_audited_and_a_figure_that_is_not_there_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown(capsys, "vip_left", "--branch", "0001", "--customers", "--format", "json")
    with Store.open(Project.find().store_url) as store:
        newest = store.audit.read(1)[0]
    assert (newest["action"], newest["object"]) == ("kpi.customers", "vip_left branch:0001")
    assert main(["kpi", "vip_lost"]) == 2
    assert main(["kpi", "--customers"]) == 2
    assert main(["kpi", "--branch", "nowhere"]) == 2


def test_the_month_of_a_list_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(
        shown(capsys, "vip_customers", "--customers", "--month", "2025-11", "--format", "json")
    )
    assert {row["month_date"] for row in listed} == {"2025-11-30"}
    assert main(["kpi", "vip_customers", "--customers", "--month", "2020-01"]) == 2


def test_definitions_are_told_in_both_languages(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "--definitions", "--format", "json")
    assert {row["key"] for row in json.loads(text)} == set(FIGURES)
    assert all(figure.definition.zh and figure.name.zh for figure in FIGURES.values())


def test_refused_offers_are_counted_by_product_and_cause(tmp_path: Path) -> None:
    everybody, settings = Scope("test", Role.MARKETING), Path("vipreco.toml")
    settings.write_text(settings.read_text().replace("data/store.db", f"/{tmp_path}/store.db"))
    with Store.open(Project.find().store_url) as store:
        rows = independent(
            "SELECT customer_id, manager_id, branch_id FROM customers "
            "QUALIFY snapshot_date = max(snapshot_date) OVER () ORDER BY customer_id"
        )
        columns = ["customer_id", "manager_id", "branch_id"]
        store.books.replace("s1", pl.DataFrame(rows, columns, orient="row"))
        day = business_moment(Project.find()).date()
        members = store.books.of(everybody)
        first = next(one for one in members if one.branch_id and one.manager_id)
        mine = Scope("test", Role.MANAGER, first.manager_id)
        store.feedback.record(mine, Feedback(first.customer_id, "C001", "", "price"), day)
    for arguments, count in (([], 1), (["--branch", first.branch_id], 1), (["--manager", "nobody"], 0)):
        found = numbers(tmp_path, "--refused", *map(str, arguments))
        assert found.rows() == [("C001", "price", 1)] * count
