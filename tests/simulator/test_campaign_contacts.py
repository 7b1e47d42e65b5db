"""Contacts of a campaign in a simulated bank: of its arm alone, once each, and they move the acquisitions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from vipreco.simulator import CampaignContacts, simulate

KEY, PRODUCT, MONTH = "practice", "C001", 2


def treated(ids: pl.Series) -> NDArray[np.bool_]:
    return np.asarray(ids.str.slice(-1).cast(pl.Int32) < 7)


@pytest.fixture(scope="module")
def contacts(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    out = tmp_path_factory.mktemp("campaign") / "bank"
    campaign = CampaignContacts(KEY, PRODUCT, "call", MONTH, treated)
    simulate(1_500, 4, 7, out, campaign=campaign)
    (path,) = (out / "raw").glob("contacts*")
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)


def test_the_campaign_calls_its_arm_once_each_and_nobody_else(contacts: pl.DataFrame) -> None:
    mine = contacts.filter(pl.col("CAMP_ID") == KEY)
    assert mine.height > 300
    assert treated(mine["CUST_NO"]).all()
    assert mine["CUST_NO"].is_unique().all()
    assert set(mine["PROD_CD"]) == {PRODUCT}
    months = mine["TOUCH_TIME"].cast(pl.String).str.slice(0, 7).unique().to_list()
    own = contacts.filter(pl.col("CAMP_ID") != KEY)
    in_month = own.filter(pl.col("TOUCH_TIME").cast(pl.String).str.slice(0, 7).is_in(months))
    assert len(months) == 1
    assert set(in_month["CUST_NO"]).isdisjoint(mine["CUST_NO"])
    assert contacts["TOUCH_ID"].is_unique().all()
