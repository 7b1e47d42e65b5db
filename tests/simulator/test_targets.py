"""The generated bank's aggregates against the targets stated in MECHANISMS.md."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from vipreco.simulator import simulate
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.products import Catalogue
from vipreco.simulator.report import SimulationReport

CATALOGUE = Catalogue()
MONTHS = 6
FIRST = date(2025, 7, 31)
SANTANDER_EFFECTIVE_PRODUCTS = 8.46
"""exp of the entropy of the public monthly acquisition counts over 24 products."""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    out = tmp_path_factory.mktemp("large") / "out"
    return simulate(40_000, MONTHS, 11, out, parameters=Parameters(truth_months=1, rows_a_block=8_192))


@pytest.fixture(scope="module")
def last_snapshot(large: SimulationReport) -> pl.DataFrame:
    path = large.folder / "raw" / "customers_202512.csv"
    frame = pl.read_csv(path, encoding="gb18030", infer_schema=False)
    return frame.with_columns(pl.col("月日均资产").cast(pl.Float64))


@pytest.fixture(scope="module")
def intervals(large: SimulationReport) -> pl.DataFrame:
    versions = pl.read_parquet(large.folder / "raw" / "holdings.parquet")
    keys = ["CUST_NO", "PROD_CD", "OPEN_DT"]
    return versions.sort(*keys, "LOAD_DT").unique(keys, keep="last", maintain_order=True)


@pytest.fixture(scope="module")
def acquired(intervals: pl.DataFrame, large: SimulationReport) -> pl.DataFrame:
    """Acquisitions by customers of the first snapshot, so without what joiners start with."""
    first = pl.read_csv(large.folder / "raw" / "customers_202507.csv", encoding="gb18030", infer_schema=False)
    known = pl.col("CUST_NO").is_in(first["客户号"].implode())
    return intervals.filter(known, pl.col("OPEN_DT") > FIRST)


def test_three_to_four_percent_of_customers_acquire_something_in_a_month(large: SimulationReport) -> None:
    assert 0.03 < large.acquiring_rate < 0.04


def test_the_product_mix_is_as_skewed_as_santanders(acquired: pl.DataFrame) -> None:
    share = acquired["PROD_CD"].value_counts(sort=True)["count"].to_numpy() / acquired.height
    effective = np.exp(-(share * np.log(share)).sum())
    assert effective == pytest.approx(SANTANDER_EFFECTIVE_PRODUCTS, rel=0.2)
    assert share[:1].sum() == pytest.approx(0.27, abs=0.04)
    assert share[:3].sum() == pytest.approx(0.55, abs=0.05)
    assert share[:5].sum() == pytest.approx(0.80, abs=0.05)


def test_each_products_share_of_acquisitions_is_near_its_target(acquired: pl.DataFrame) -> None:
    counts = dict(acquired["PROD_CD"].value_counts().iter_rows())
    got = np.array([counts.get(name, 0) for name in CATALOGUE.ids]) / acquired.height
    large_ones = CATALOGUE.share > 0.02
    np.testing.assert_allclose(got[large_ones], CATALOGUE.share[large_ones], rtol=0.25)
    assert np.abs(got - CATALOGUE.share).sum() / 2 < 0.06


def test_about_two_in_five_acquisitions_are_of_a_product_held_before(
    acquired: pl.DataFrame, intervals: pl.DataFrame
) -> None:
    earlier = intervals.filter(pl.col("CLOSE_DT").is_not_null()).select(
        "CUST_NO", "PROD_CD", before="CLOSE_DT"
    )
    again = acquired.join(earlier, on=["CUST_NO", "PROD_CD"]).filter(pl.col("before") <= pl.col("OPEN_DT"))
    assert 0.3 < again.unique(["CUST_NO", "PROD_CD", "OPEN_DT"]).height / acquired.height < 0.5


def test_two_to_five_percent_are_vip_and_hold_most_assets(
    last_snapshot: pl.DataFrame, large: SimulationReport
) -> None:
    vip = last_snapshot["客户层级"].is_in(["金", "白金", "钻石", "私人银行"])
    assets = last_snapshot["月日均资产"]
    assert 0.02 < vip.mean() < 0.05
    assert assets.filter(vip).sum() / assets.sum() > 0.55
    assert large.vip_tiers == ("GOLD", "PLATINUM", "DIAMOND", "PRIVATE")


def test_what_customers_hold_stays_near_its_target_over_the_months(
    intervals: pl.DataFrame, large: SimulationReport
) -> None:
    held = intervals.filter(pl.col("CLOSE_DT").is_null())["PROD_CD"].value_counts()
    share = {name: count / large.customers for name, count in held.iter_rows()}
    owned = CATALOGUE.numbers("owned")
    got = np.array([share.get(name, 0.0) for name in CATALOGUE.ids])
    common = owned >= 0.02
    np.testing.assert_allclose(got[common], owned[common], rtol=0.3)


def test_leaving_stays_near_its_monthly_rate(large: SimulationReport) -> None:
    rate = large.left / ((MONTHS - 1) * large.customers)
    assert rate == pytest.approx(0.004, rel=0.25)


def test_a_vip_has_a_manager_and_managers_have_books_of_a_workable_size(last_snapshot: pl.DataFrame) -> None:
    vip = last_snapshot.filter(pl.col("客户层级").is_in(["金", "白金", "钻石", "私人银行"]))
    assert vip["客户经理"].str.starts_with("M").all()
    books = vip["客户经理"].value_counts()["count"]
    assert 40 < books.median() < 250


def test_vip_customers_acquire_investments_far_more_often(
    acquired: pl.DataFrame, last_snapshot: pl.DataFrame
) -> None:
    vip = last_snapshot.filter(pl.col("客户层级").is_in(["金", "白金", "钻石", "私人银行"]))["客户号"]
    invest = acquired.filter(pl.col("PROD_CD").str.contains("^[WFS]"))
    of_vip = invest.filter(pl.col("CUST_NO").is_in(vip.implode())).height / len(vip)
    of_others = invest.height / last_snapshot.height
    assert of_vip > 4 * of_others


def test_nobody_acquires_above_the_assessed_risk_level_or_under_the_minimum_age(
    acquired: pl.DataFrame, last_snapshot: pl.DataFrame
) -> None:
    risky = {product.product_id: product.risk for product in CATALOGUE.products if product.risk}
    levels = {"保守型": 1, "稳健型": 2, "平衡型": 3, "成长型": 4, "进取型": 5}
    level = last_snapshot.select(
        CUST_NO="客户号", level=pl.col("风险等级").replace_strict(levels, return_dtype=pl.Int8)
    )
    both = acquired.filter(pl.col("PROD_CD").is_in(list(risky))).join(level, on="CUST_NO")
    assert both.height > 100
    assert (both["level"] >= both["PROD_CD"].replace_strict(risky, return_dtype=pl.Int8)).all()


def test_gaps_in_the_records_are_as_frequent_as_stated(last_snapshot: pl.DataFrame) -> None:
    missing = {
        name: last_snapshot[name].null_count() / last_snapshot.height for name in ("年收入", "出生日期")
    }
    assert missing["年收入"] == pytest.approx(0.35, abs=0.02)
    assert missing["出生日期"] == pytest.approx(0.004, abs=0.002)
    assert (last_snapshot["出生日期"] < "19601231").mean() > 0.05
