"""Withdrawals: offers of a run that must not be made any more, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pyarrow as pa

from vipreco.campaign.arms import Arm
from vipreco.campaign.store_changes import StoreChanges
from vipreco.catalog import Catalog
from vipreco.errors import UsageError
from vipreco.history import View
from vipreco.policy import ALLOWED, Language, gather_facts
from vipreco.recommender import Recommender
from vipreco.store import Campaigns

SWITCHED_OFF = ("SWITCHED_OFF", "the product is switched off")
GONE = ("NOT_IN_SNAPSHOT", "the customer is not in the newest snapshot")
NO_PRODUCT = ("PRODUCT_UNKNOWN", "the product is no longer in the catalog")
ROWS = {
    "customer_id": pl.String(),
    "manager_id": pl.String(),
    "channel": pl.String(),
    "product_id": pl.String(),
    "reason_code": pl.String(),
    "reason": pl.String(),
}


def offers_of(campaigns: Campaigns, key: str) -> pl.DataFrame:
    """Return the offers of a finished run: customer_id, manager_id, channel, product_id.

    Raises:
        UsageError: There is no such run, or it is not finished.
    """
    found = campaigns.read(key)
    if found is None or found.manifest is None:
        raise UsageError(
            f"the campaign {key} was not run" if found is None else f"the run of {key} is not finished",
            where="campaign",
            remedy="`vipreco campaign list` shows those that were",
            code="no-campaign",
        )
    members = campaigns.members(key).filter(pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]))
    return members.select("customer_id", "manager_id", "channel", "product_id").sort(pl.all())


def recheck(
    recommender: Recommender, view: View, offers: pl.DataFrame, since: StoreChanges, language: Language = "en"
) -> pl.DataFrame:
    """Return the offers that must not be made any more, with the reason of each.

    Args:
        fitted: Its rules are asked again.
        view: What is known now.
        offers: The offers of a run.
        since: What is known since the tables were imported.
        language: Of the reasons.

    Returns:
        Rows customer_id, manager_id, channel, product_id, reason_code, reason; the store comes before the
        rules where both object.
    """
    parts = [_of_store(offers, since), *_of_rules(recommender, view, offers, language)]
    found = pl.concat(parts).unique(
        ["customer_id", "channel", "product_id"], keep="first", maintain_order=True
    )
    return found.sort("manager_id", "customer_id", "channel", "product_id")


def _of_store(offers: pl.DataFrame, since: StoreChanges) -> pl.DataFrame:
    met = offers.join(since.removed, on="customer_id", suffix="_since").filter(
        pl.col("channel_since").is_null() | (pl.col("channel_since") == pl.col("channel")),
        pl.col("product_id_since").is_null() | (pl.col("product_id_since") == pl.col("product_id")),
    )
    off = offers.filter(pl.col("product_id").is_in(sorted(since.products)))
    return pl.concat([met.select(list(ROWS)), _because(off, SWITCHED_OFF)])


def _of_rules(
    recommender: Recommender, view: View, offers: pl.DataFrame, language: Language
) -> Iterator[pl.DataFrame]:
    there = set(pl.DataFrame(view.population())["customer_id"].to_list())
    gone = ~pl.col("customer_id").is_in(sorted(there))
    yield _because(offers.filter(gone), GONE)
    catalog = Catalog.from_view(view)
    unknown = ~pl.col("product_id").is_in(catalog.product_ids)
    yield _because(offers.filter(~gone, unknown), NO_PRODUCT)
    for (channel,), part in offers.filter(~gone, ~unknown).group_by("channel", maintain_order=True):
        yield _stopped(recommender, view, catalog, part, str(channel), language)


def _stopped(
    recommender: Recommender,
    view: View,
    catalog: Catalog,
    offers: pl.DataFrame,
    channel: str,
    language: Language,
) -> pl.DataFrame:
    """Return the offers of one channel that a rule stops now."""
    ids = offers["customer_id"].unique().sort()
    narrowed = view.of(pa.array(ids.to_list(), pa.string()))
    scored = np.isin(np.array(catalog.product_ids), np.array(recommender.product_ids))
    facts = gather_facts(narrowed, catalog, recommender.policy, channel, scored=scored)
    rows = ids.search_sorted(offers["customer_id"]).to_numpy().astype(np.intp)
    columns = catalog.indices(offers["product_id"].to_list()).astype(np.intp)
    verdict = recommender.policy.judge(facts)[rows, columns]
    hit = np.flatnonzero(verdict != ALLOWED)
    codes, texts = [], []
    for place in hit.tolist():
        number = int(verdict[place])
        why, _ = recommender.policy.texts(number, facts, (int(rows[place]), int(columns[place])), language)
        codes.append(recommender.policy.rules[number - 1].reason_code)
        texts.append(why)
    found = offers[hit].with_columns(
        pl.Series("reason_code", codes, pl.String), pl.Series("reason", texts, pl.String)
    )
    return found.select(list(ROWS))


def _because(offers: pl.DataFrame, why: tuple[str, str]) -> pl.DataFrame:
    code, text = why
    return offers.with_columns(
        pl.lit(code, pl.String).alias("reason_code"), pl.lit(text, pl.String).alias("reason")
    ).select(list(ROWS))
