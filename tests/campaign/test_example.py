"""The campaign file to begin with is one that can be run as it stands, in this bank."""

from __future__ import annotations

import tomllib
from datetime import date

from tests.campaign import spring_bank
from vipreco.campaign import Bank, StoreChanges, example, parse_campaign
from vipreco.campaign.sides import gather_sides


def test_it_names_the_next_month_and_the_tiers_and_products_that_are_there(bank: Bank):
    text = example(bank.view, vip=("TOP", "VIP"))
    campaign = parse_campaign(text.encode(), "first.toml")
    assert (campaign.start_date, campaign.end_date) == (date(2024, 5, 1), date(2024, 5, 31))
    assert campaign.audience[0] == "customer_tier IN ('VIP')"
    offered = tomllib.loads(text.replace("# products", "products"))["products"]
    assert set(offered) <= set(spring_bank.PRODUCTS)
    assert offered


def test_where_no_customer_is_vip_all_tiers_are_the_audience(bank: Bank):
    campaign = parse_campaign(example(bank.view, vip=("DIAMOND",)).encode(), "first.toml")
    assert campaign.audience[0].startswith("customer_tier IN (")
    assert "'VIP'" in campaign.audience[0]


def test_it_is_ready_to_be_run(bank: Bank):
    campaign = parse_campaign(example(bank.view, vip=("VIP",)).encode(), "first.toml")
    found = gather_sides(bank, campaign, StoreChanges(), "first.toml")[0].inputs
    assert found.waterfall["left"].to_list()[-1] > 0
