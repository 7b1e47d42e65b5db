"""Outcomes of a campaign: each eligible customer with acquisitions and contacts of the window."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.columns import (
    CAMPAIGN_ID,
    CHANNEL,
    CONTACT_ID,
    CONTACTED_AT,
    CONTACTS,
    CUSTOMER_ID,
    OUTCOME,
    PRODUCT_ID,
)
from vipreco.errors import IntegrityError, UsageError
from vipreco.folds import draws
from vipreco.history import History, View
from vipreco.store import Store

REACHED = ("accepted", "declined", "postponed", "complaint", "do_not_contact")
ACCEPTED = ("accepted",)
CONTACT_COLUMNS = (CONTACT_ID, CUSTOMER_ID, CHANNEL, PRODUCT_ID, CAMPAIGN_ID, OUTCOME, CONTACTED_AT)
CONTACT_SCHEMA = {name: pl.String() for name in CONTACT_COLUMNS} | {CONTACTED_AT: pl.Datetime("us")}
WOULD_PRODUCT, WOULD_CHANNEL, OFFERED = "would_product_id", "would_channel", "offered_product_id"
NEEDED = (
    CUSTOMER_ID, "tier", "arm", PRODUCT_ID, CHANNEL, "propensity", "value_amount", "cost_amount",
    "would_offer", "arm_probability", "action_probability",
)  # fmt: skip


@dataclass(frozen=True)
class Period:
    """Dates of a campaign.

    Args:
        start: First day.
        end: Last day.
        until: Snapshot up to which acquisitions are counted.
        as_of: Date whose knowledge is used.
    """

    start: date
    end: date
    until: date
    as_of: date

    @property
    def complete(self) -> bool:
        """True if acquisitions are known up to the last day of the campaign."""
        return self.until >= self.end


@dataclass(frozen=True)
class CampaignOutcomes:
    """Outcomes of a campaign.

    Args:
        customers: A row an eligible customer: the assignment with `acquired` (the product that the prices
            offer, in all arms but the explored one), `acquired_offer` (the one that was offered),
            `acquired_campaign` (any product of the campaign), `acquired_any`, `contacted`, `reached`,
            `accepted`, `half` (for the A/A check), `observed` (seen again: nobody else has a label).
        period: Its dates.
        manifest: Of the run.
        contacts_known: Whether any contact of the campaign is on record.
    """

    customers: pl.DataFrame
    period: Period
    manifest: Mapping[str, Any]
    contacts_known: bool

    @property
    def key(self) -> str:
        """Key of the campaign."""
        return str(self.manifest["campaign_id"])

    @property
    def name(self) -> str:
        """Name of the campaign; its key without one."""
        return str(self.manifest["campaign"].get("name") or self.key)


def period_of(manifest: Mapping[str, Any], history: History, day: date) -> Period:
    """Return up to which snapshot a campaign can be judged with the knowledge of a day.

    That is the first snapshot at or after its last day, else the newest since it began.

    Raises:
        UsageError: No snapshot since the campaign began is known.
    """
    campaign = manifest["campaign"]
    start, end = (date.fromisoformat(campaign[name]) for name in ("start_date", "end_date"))
    since = [one for one in history.snapshot_dates if start <= one <= day]
    if not since:
        raise UsageError(
            f"no snapshot is known since the campaign began on {start}",
            where=str(manifest["campaign_id"]),
            remedy="import a snapshot of customers from after that day, or choose a later --as-of",
            code="no-outcomes",
        )
    after_end = [one for one in since if one >= end]
    return Period(start, end, after_end[0] if after_end else since[-1], day)


def campaign_outcomes(
    assignments: pl.DataFrame,
    manifest: Mapping[str, Any],
    history: History,
    day: date,
    store: Store | None = None,
) -> CampaignOutcomes:
    """Join the assignments of a run with what is known of its outcomes on a day.

    Args:
        assignments: A row an eligible customer, as the run wrote them.
        manifest: Of the run.
        history: Where acquisitions and contacts are.
        day: Date whose knowledge is used.
        store: For contacts that the tables do not hold yet.

    Raises:
        UsageError: No snapshot since the campaign began is known.
        IntegrityError: The assignments lack a column.
    """
    missing = [name for name in NEEDED if name not in assignments.columns]
    if missing:
        raise IntegrityError("the assignments miss columns", where="assignments.parquet", examples=missing)
    period = period_of(manifest, history, day)
    talks = _contacts(history.as_of(day), store, period)
    joined = _with_acquisitions(_offers(assignments), manifest, history, period)
    customers = _with_contacts(joined, talks, str(manifest["campaign_id"]))
    customers = customers.with_columns(half=_halves(customers[CUSTOMER_ID], manifest))
    known = bool(customers["contacted"].any())
    return CampaignOutcomes(customers.drop(CUSTOMER_ID), period, manifest, known)


def _offers(assignments: pl.DataFrame) -> pl.DataFrame:
    """Return the assignments with the product that counts in the comparison: the one that the prices give.

    What was really offered stays in `offered_product_id`; both differ for a few, where a seat was lost.
    """
    offers = assignments.with_columns(pl.col(PRODUCT_ID).alias(OFFERED))
    if WOULD_PRODUCT not in assignments.columns:
        return offers
    priced = pl.col("would_offer") & (pl.col("arm") != Arm.EXPLORED)
    return offers.with_columns(
        pl.when(priced).then(would).otherwise(own).alias(own)
        for would, own in ((WOULD_PRODUCT, PRODUCT_ID), (WOULD_CHANNEL, CHANNEL))
    )


def _with_acquisitions(
    offers: pl.DataFrame, manifest: Mapping[str, Any], history: History, period: Period
) -> pl.DataFrame:
    labels = history.acquisitions(period.start - timedelta(days=1), period.until, period.as_of)
    acquired = pl.DataFrame(pl.from_arrow(labels.acquired)).select(CUSTOMER_ID, PRODUCT_ID)
    seen = pl.Series(CUSTOMER_ID, labels.observed.to_pylist(), pl.String)
    products = acquired.group_by(CUSTOMER_ID).agg(pl.col(PRODUCT_ID).alias("products"))
    campaign = list(manifest["campaign"].get("products") or [])
    own, offered = (pl.col("products").list.contains(pl.col(name)) for name in (PRODUCT_ID, OFFERED))
    named = pl.col("products").list.eval(pl.element().is_in(campaign)).list.any()
    among = named if campaign else pl.col("products").is_not_null()  # no names: everything on offer
    return (
        offers.join(products, on=CUSTOMER_ID, how="left", maintain_order="left")
        .with_columns(
            observed=pl.col(CUSTOMER_ID).is_in(seen.implode()),
            acquired=own.fill_null(False),
            acquired_offer=offered.fill_null(False),
            acquired_campaign=among.fill_null(False),
            acquired_any=pl.col("products").is_not_null(),
        )
        .drop("products")
    )


def _with_contacts(customers: pl.DataFrame, talks: pl.DataFrame, key: str) -> pl.DataFrame:
    """Add whether a customer was contacted, reached, and accepted, within the campaign.

    A contact belongs to it by its key, or, where the bank noted none, by the product of the offer.
    """
    offer = customers.select(CUSTOMER_ID, pl.col(PRODUCT_ID).alias("offer"))
    named = pl.col(CAMPAIGN_ID) == key
    about = pl.col(CAMPAIGN_ID).is_null() & (pl.col(PRODUCT_ID) == pl.col("offer"))
    mine = talks.join(offer, on=CUSTOMER_ID).filter(named.fill_null(False) | about.fill_null(False))
    found = mine.group_by(CUSTOMER_ID).agg(
        contacted=pl.lit(True),
        reached=pl.col(OUTCOME).is_in(REACHED).any(),
        accepted=pl.col(OUTCOME).is_in(ACCEPTED).any(),
    )
    names = ("contacted", "reached", "accepted")
    return customers.join(found, on=CUSTOMER_ID, how="left", maintain_order="left").with_columns(
        pl.col(name).fill_null(False) for name in names
    )


def _contacts(view: View, store: Store | None, period: Period) -> pl.DataFrame:
    """Return the contacts of the window from the tables and the store, each once."""
    first, last = datetime.combine(period.start, time.min), datetime.combine(period.until, time.max)
    parts = [pl.DataFrame(schema=CONTACT_SCHEMA)]
    if CONTACTS in view.present_tables:
        listed = ", ".join(CONTACT_COLUMNS)
        sql = f"SELECT {listed} FROM {CONTACTS} WHERE {CONTACTED_AT} BETWEEN $1 AND $2"
        parts.append(_typed(pl.DataFrame(pl.from_arrow(view.query(sql, [first, last])))))
    if store is not None:
        known = min(last, datetime.combine(period.as_of, time.max))
        parts.append(_typed(store.contacts.in_window(first, known).select(CONTACT_COLUMNS)))
    return pl.concat(parts).unique(CONTACT_ID, keep="first", maintain_order=True)


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in CONTACT_SCHEMA.items())


def _halves(customer_ids: pl.Series, manifest: Mapping[str, Any]) -> pl.Series:
    """Return a lot of its own for each customer, to split the control group for the A/A check."""
    salt = hashlib.sha256(f"{manifest.get('salt_id', '')} {manifest['campaign_id']}".encode()).hexdigest()
    return pl.Series(draws(customer_ids, salt, "half") < 0.5, dtype=pl.Boolean)
