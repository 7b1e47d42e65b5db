"""Lists of a campaign: one a channel, and one a relationship manager where a manager is needed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import Options
from vipreco.campaign.folder import LISTS
from vipreco.export import write_table
from vipreco.failpoints import reach

COLUMNS = (
    "campaign_id",
    "customer_id",
    "manager_id",
    "branch_id",
    "tier",
    "channel",
    "product_id",
    "product_name",
    "arm",
    "propensity",
    "chance_without_contact",
    "chance_with_contact",
    "value_amount",
    "cost_amount",
    "expected_gain",
    "priority",
    "reason",
    "caution",
)
PLAIN_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
Explain = Callable[[pl.DataFrame], pl.DataFrame]


def offer_rows(options: Options, campaign: Campaign, rows: pl.DataFrame, explain: Explain) -> pl.DataFrame:
    """Return all offers of a campaign with reasons, by channel, manager and priority.

    Args:
        options: Of the campaign.
        campaign: The campaign.
        rows: The assignments.
        explain: Gives reasons and cautions of offers.
    """
    listed = rows.filter(pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]))
    names = pl.DataFrame(
        {"product_id": options.products, "product_name": options.names},
        schema={"product_id": pl.String, "product_name": pl.String},
    )
    listed = listed.with_columns(
        pl.lit(campaign.key).alias("campaign_id"),
    ).join(names, on="product_id", how="left", maintain_order="left")
    listed = _in_order(listed)
    pair = ["customer_id", "product_id", "channel"]
    reasons = explain(_most_valuable(campaign, listed).select(pair))
    return listed.join(reasons, on=pair, how="left", maintain_order="left").select(COLUMNS)


def ordered_offers(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return the offers of several models, by channel, manager and priority."""
    return _in_order(pl.concat(parts))


def _in_order(offers: pl.DataFrame) -> pl.DataFrame:
    order = ("channel", "manager_id", "priority", "customer_id")
    return offers.sort(*order, descending=[False, False, True, False])


def write_lists(folder: Path, campaign: Campaign, offers: pl.DataFrame) -> None:
    """Write the lists below a folder, in each format of the campaign.

    Raises:
        ResourcesError: The disk is full.
        UsageError: A list is too long for a sheet.
    """
    for number, (name, rows) in enumerate(_lists(campaign, offers)):
        for kind in campaign.formats:
            target = folder / LISTS / f"{name}.{kind}"
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_table(rows, target, kind)
            reach(f"campaign-list-{number}")


def _lists(campaign: Campaign, offers: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    for channel in sorted(campaign.channels):
        rows = offers.filter(pl.col("channel") == channel)
        yield channel, rows
        if campaign.channel(channel).minutes:
            for (manager,), book in rows.group_by("manager_id", maintain_order=True):
                yield f"{channel}/{_file_name(str(manager))}", book


def _file_name(manager: str) -> str:
    if PLAIN_NAME.fullmatch(manager) and not manager.startswith("."):
        return manager
    return "manager-" + hashlib.sha256(manager.encode()).hexdigest()[:12]


def _most_valuable(campaign: Campaign, listed: pl.DataFrame) -> pl.DataFrame:
    """Return the most valuable calls and meetings."""
    people = [name for name in sorted(campaign.channels) if campaign.channel(name).minutes]
    return (
        listed.filter(pl.col("channel").is_in(people))
        .sort("priority", "customer_id", descending=[True, False])
        .head(campaign.explained_offers)
    )
