"""Log of offers that were made: position, channel, chance, and the probability with which each was shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.campaign.campaign_run import ASSIGNMENTS
from vipreco.campaign.folder import CampaignFolder
from vipreco.campaign.report.finished_run import open_run
from vipreco.columns import (
    CAMPAIGN_ID,
    CHANCE_WITH_CONTACT,
    CHANNEL,
    CONTACT_ID,
    CONTACTED_AT,
    CONTACTS,
    CUSTOMER_ID,
    OUTCOME,
    PRODUCT_ID,
    PROPENSITY,
)
from vipreco.history import View
from vipreco.store import Store

DECISION_ID: Final = "decision_id"
POSITION, CHANCE, SHOWN = "position", "chance", "shown_probability"
CONTACT_COLUMNS: Final = (
    CONTACT_ID, CONTACTED_AT, CAMPAIGN_ID, DECISION_ID, CUSTOMER_ID, PRODUCT_ID, OUTCOME,
)  # fmt: skip
LOGGED: Final = pl.Schema(
    [
        (CAMPAIGN_ID, pl.String()),
        (DECISION_ID, pl.String()),
        (CUSTOMER_ID, pl.String()),
        (PRODUCT_ID, pl.String()),
        (CHANNEL, pl.String()),
        (POSITION, pl.Int64()),
        (CHANCE, pl.Float64()),
        (SHOWN, pl.Float64()),
    ]
)


def logged_offers(store: Store, campaigns: CampaignFolder) -> pl.DataFrame:
    """Return the offers of campaigns, and those of answered decisions that an outcome refers to.

    Args:
        store: Keeps campaigns, decisions and contacts.
        campaigns: Has the assignments.

    Returns:
        Rows campaign_id or decision_id, customer_id, product_id, channel, position (1 = first), chance (of
        the acquisition, with the contact), shown_probability: by the draw of a campaign with random offers;
        null where the choice left nothing to chance.

    Raises:
        IntegrityError: Assignments are not what the run wrote.
    """
    runs = [run for run in store.campaigns.all() if run.manifest is not None]
    parts = [_of_campaign(store, campaigns, run.campaign_id) for run in runs if _is_kept(campaigns, run)]
    decided = [row for record in store.decisions.with_outcomes() for row in _of_decision(record)]
    return pl.concat([pl.DataFrame(decided, LOGGED, orient="row"), *parts])


def outcome_contacts(view: View, store: Store) -> pl.DataFrame:
    """Return the contacts that name a campaign or a decision, from the tables and the store, each once.

    Returns:
        Rows contact_id, contacted_at, campaign_id, decision_id, customer_id, product_id, outcome. Tables know
        no decisions: whoever recorded one did so in the store.
    """
    recorded = store.contacts.referring().select(CONTACT_COLUMNS)
    if CONTACTS not in view.present_tables:
        return recorded
    listed = ", ".join(name for name in CONTACT_COLUMNS if name != DECISION_ID)
    sql = f"SELECT {listed} FROM {CONTACTS} WHERE {CAMPAIGN_ID} IS NOT NULL"
    of_tables = pl.DataFrame(pl.from_arrow(view.query(sql))).with_columns(pl.lit(None).alias(DECISION_ID))
    typed = of_tables.select(pl.col(name).cast(recorded.schema[name]) for name in CONTACT_COLUMNS)
    return pl.concat([recorded, typed]).unique(CONTACT_ID, keep="first", maintain_order=True)


def _is_kept(campaigns: CampaignFolder, run: Any) -> bool:
    """Return whether the assignments of a run are still there; a bank may have put old folders away."""
    return (campaigns.path_of(run.campaign_id) / ASSIGNMENTS).is_file()


def _of_campaign(store: Store, campaigns: CampaignFolder, key: str) -> pl.DataFrame:
    found = open_run(store, campaigns, key)
    explored = bool(float(found.manifest["campaign"].get("exploration_share") or 0))
    made = found.assignments.filter(pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]))
    known = CHANCE_WITH_CONTACT if CHANCE_WITH_CONTACT in made.columns else PROPENSITY
    shown = pl.col("action_probability") if explored else pl.lit(None)
    return made.drop_nulls(PRODUCT_ID).select(
        pl.lit(key).alias(CAMPAIGN_ID),
        pl.lit(None, pl.String()).alias(DECISION_ID),
        CUSTOMER_ID,
        PRODUCT_ID,
        CHANNEL,
        pl.lit(1, pl.Int64()).alias(POSITION),
        pl.col(known).cast(pl.Float64).alias(CHANCE),
        shown.cast(pl.Float64).alias(SHOWN),
    )


def _of_decision(record: str) -> Iterator[tuple[Any, ...]]:
    answer = json.loads(record)
    for offer in answer.get("offers") or []:
        chance = offer.get(CHANCE_WITH_CONTACT)
        yield (
            None,
            answer["decision_id"],
            answer["customer_id"],
            offer["product_id"],
            answer.get("channel"),
            offer["rank"],
            offer.get("propensity") if chance is None else chance,
            None,
        )
