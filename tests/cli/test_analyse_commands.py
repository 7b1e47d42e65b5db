"""`analyse` tells what each rule stops, which product wins, and what came of past offers."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.entry import main

pytestmark = pytest.mark.usefixtures("bank_folder")


def analysed(tmp_path: Path, *arguments: str) -> pl.DataFrame:
    target = tmp_path / "analysis.parquet"
    assert main(["analyse", *arguments, "--out", str(target)]) == 0
    return pl.read_parquet(target)


def test_the_funnel_ends_with_the_offers_of_the_offer_list(tmp_path: Path) -> None:
    funnel = analysed(tmp_path, "funnel")
    target = tmp_path / "offers.parquet"
    assert main(["offers", "--all", "--top", "3", "--out", str(target)]) == 0
    offers = pl.read_parquet(target)
    last = funnel.filter(pl.col("stage") == "offer")
    assert last["pairs"].item() == offers.height
    assert last["customers"].item() == offers["customer_id"].n_unique()
    assert funnel["pairs_rate"].sum() == pytest.approx(1.0)


def test_wins_are_the_first_offers(tmp_path: Path) -> None:
    duels = analysed(tmp_path, "products")
    mirrored = duels.select(
        pl.col("product_id").alias("other_id"), pl.col("other_id").alias("product_id"), "wins", "losses"
    )
    both = duels.join(mirrored, on=["product_id", "other_id"], how="left", suffix="_there")
    assert both["wins"].to_list() == both["losses_there"].to_list()
    one = duels["product_id"][0]
    assert set(analysed(tmp_path, "products", "--product", str(one))["product_id"]) == {one}


def test_value_by_reason_adds_up_to_the_value_of_the_offers(tmp_path: Path) -> None:
    reasons, funnel = analysed(tmp_path, "reasons"), analysed(tmp_path, "funnel")
    offered = funnel.filter(pl.col("stage") == "offer")
    assert reasons["offers"].sum() == offered["pairs"].item()
    assert reasons["value_amount"].sum() == pytest.approx(offered["value_amount"].item())


def test_acceptance_is_drawn(tmp_path: Path) -> None:
    target = tmp_path / "channels.svg"
    rows = analysed(tmp_path, "acceptance", "--by", "channel", "--plot", str(target))
    assert {"accepted_rate", "low", "high", "few"} <= set(rows.columns)
    assert target.read_text(encoding="utf-8").startswith("<?xml")
    assert main(["analyse", "funnel", "--plot", str(tmp_path / "plot.gif")]) == 2


def test_a_product_goes_with_products_alone() -> None:
    assert main(["analyse", "funnel", "--product", "W202"]) == 2
