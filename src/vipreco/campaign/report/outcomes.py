"""Outcomes of a campaign: each eligible customer with acquisitions and contacts of the window."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

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
from vipreco.engines import PartedBank, Spec, TaskContext, part_input
from vipreco.errors import IntegrityError, UsageError
from vipreco.folds import draws
from vipreco.history import History, Labels, View
from vipreco.parts import parts_of
from vipreco.store import Store

REACHED = ("accepted", "declined", "postponed", "complaint", "do_not_contact")
ACCEPTED = ("accepted",)
CONTACT_COLUMNS = (CONTACT_ID, CUSTOMER_ID, CHANNEL, PRODUCT_ID, CAMPAIGN_ID, OUTCOME, CONTACTED_AT)
CONTACT_SCHEMA = {name: pl.String() for name in CONTACT_COLUMNS} | {CONTACTED_AT: pl.Datetime("us")}
WOULD_PRODUCT, WOULD_CHANNEL, OFFERED = "would_product_id", "would_channel", "offered_product_id"
ROW: Final = "row"
OUTCOMES_JOB: Final = "vipreco.campaign.report.outcomes:outcomes_of_part"
OUTCOMES: Final = "outcomes.arrow"
IN_WINDOW: Final = f"FROM {CONTACTS} WHERE {CONTACTED_AT} BETWEEN $1 AND $2"
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


@dataclass(frozen=True)
class OutcomeSources:
    """Sources of outcomes beside the history of a bank.

    Args:
        store: For contacts that the tables do not hold yet.
        parts: The history in parts; None: this process looks at all customers.
    """

    store: Store | None = None
    parts: PartedBank | None = None


TABLES_ALONE: Final = OutcomeSources()


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
    sources: OutcomeSources = TABLES_ALONE,
) -> CampaignOutcomes:
    """Join the assignments of a run with what is known of its outcomes on a day.

    Args:
        assignments: A row an eligible customer, as the run wrote them.
        manifest: Of the run.
        history: Where acquisitions and contacts are.
        day: Date whose knowledge is used.
        sources: What there is beside the history.

    Raises:
        UsageError: No snapshot since the campaign began is known.
        IntegrityError: The assignments lack a column.
    """
    missing = [name for name in NEEDED if name not in assignments.columns]
    if missing:
        raise IntegrityError("the assignments miss columns", where="assignments.parquet", examples=missing)
    period = period_of(manifest, history, day)
    customers = _offers(assignments).with_row_index(ROW)
    talks = _not_in_tables(history.as_of(day), sources.store, period)
    window = Window.of(period, manifest, history)
    if sources.parts is None:
        found = outcomes_of(customers, talks, history, window)
    else:
        found = _in_parts(customers, talks, window, sources.parts)
    customers = customers.drop(ROW).hstack(found.sort(ROW).drop(ROW))
    customers = customers.with_columns(half=_halves(customers[CUSTOMER_ID], manifest))
    known = bool(customers["contacted"].any())
    return CampaignOutcomes(customers.drop(CUSTOMER_ID), period, manifest, known)


@dataclass(frozen=True)
class Window:
    """Days of a campaign, and facts of the bank about them, as JSON values.

    Args:
        key: Of the campaign.
        products: Of the campaign; none: everything on offer.
        start: Its first day.
        until: Snapshot up to which acquisitions are counted.
        as_of: Date whose knowledge is used.
        reopenings: Mass reopenings of the bank around it.
    """

    key: str
    products: Sequence[str]
    start: str
    until: str
    as_of: str
    reopenings: Sequence[Sequence[str]]

    @classmethod
    def of(cls, period: Period, manifest: Mapping[str, Any], history: History) -> Window:
        """Return what outcomes are looked for in a period."""
        products = list(manifest["campaign"].get("products") or [])
        days = (period.start - timedelta(days=1), period.until)
        reopenings = history.mass_reopenings(*days, period.as_of)
        start, until, as_of = (day.isoformat() for day in (period.start, period.until, period.as_of))
        key, moved = str(manifest["campaign_id"]), [list(one) for one in reopenings]
        return cls(key, products, start, until, as_of, moved)

    @property
    def days(self) -> tuple[date, date, date]:
        """First day, snapshot up to which acquisitions are counted, and date of the knowledge."""
        start, until, as_of = map(date.fromisoformat, (self.start, self.until, self.as_of))
        return start, until, as_of

    def labels(self, history: History) -> Labels:
        """Return the acquisitions from the first day on."""
        start, until, as_of = self.days
        reopenings = [(str(one[0]), str(one[1]), str(one[2])) for one in self.reopenings]
        return history.acquisitions(start - timedelta(days=1), until, as_of, reopenings)


def outcomes_of(offers: pl.DataFrame, talks: pl.DataFrame, history: History, window: Window) -> pl.DataFrame:
    """Return row number and outcomes of the customers of some offers, all of whom are in the history.

    Args:
        offers: Rows of `_offers` with their numbers.
        talks: Contacts that the tables do not hold.
        history: Of these customers.
        window: What is looked for.
    """
    own = offers.select(ROW, CUSTOMER_ID, PRODUCT_ID, OFFERED)
    contacts = pl.concat([_contacts(history, window), talks])
    found = _with_contacts(_with_acquisitions(own, window, history), contacts, window.key)
    return found.drop(CUSTOMER_ID, PRODUCT_ID, OFFERED)


def _in_parts(
    customers: pl.DataFrame, talks: pl.DataFrame, window: Window, parts: PartedBank
) -> pl.DataFrame:
    """Return the outcomes of the customers of all parts; each part gets its own offers and contacts."""
    offers = customers.select(ROW, CUSTOMER_ID, PRODUCT_ID, OFFERED)
    number = parts.tables.number
    files = [_by_part(frame, number) for frame in (offers, talks)]
    with parts.inputs(files[0]) as own, parts.inputs(files[1]) as known:
        spec = {"offers": own, "talks": known, "window": asdict(window)}
        with parts.outputs(OUTCOMES_JOB, spec) as folders:
            return pl.concat(pl.read_ipc(folder / OUTCOMES) for folder in folders)


def outcomes_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the outcomes of the customers of one part: a `Job`."""
    offers, talks = (
        pl.read_ipc(part_input(spec[name], part, context.scratch)) for name in ("offers", "talks")
    )
    history = context.history(spec["tables"], part)
    found = outcomes_of(offers, talks, history, Window(**spec["window"]))
    found.write_ipc(folder / OUTCOMES)
    return {"rows": found.height}


def _by_part(frame: pl.DataFrame, number: int) -> list[bytes]:
    """Return the rows of each part as bytes of a file."""
    homes = pl.Series(parts_of(frame[CUSTOMER_ID].to_arrow(), number))
    return [frame.filter(homes == part).write_ipc(None).getvalue() for part in range(number)]


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


def _with_acquisitions(offers: pl.DataFrame, window: Window, history: History) -> pl.DataFrame:
    labels = window.labels(history)
    acquired = pl.DataFrame(pl.from_arrow(labels.acquired)).select(CUSTOMER_ID, PRODUCT_ID)
    seen = pl.Series(CUSTOMER_ID, labels.observed, pl.String)
    products = acquired.group_by(CUSTOMER_ID).agg(pl.col(PRODUCT_ID).alias("products"))
    own, offered = (pl.col("products").list.contains(pl.col(name)) for name in (PRODUCT_ID, OFFERED))
    named = pl.col("products").list.eval(pl.element().is_in(list(window.products))).list.any()
    among = named if window.products else pl.col("products").is_not_null()
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


def _contacts(history: History, window: Window) -> pl.DataFrame:
    """Return the contacts of the window that the tables hold."""
    start, until, as_of = window.days
    view = history.as_of(as_of)
    if CONTACTS not in view.present_tables:
        return pl.DataFrame(schema=CONTACT_SCHEMA)
    listed = ", ".join(CONTACT_COLUMNS)
    return _typed(
        pl.DataFrame(pl.from_arrow(view.query(f"SELECT {listed} {IN_WINDOW}", _moments(start, until))))
    )


def _not_in_tables(view: View, store: Store | None, period: Period) -> pl.DataFrame:
    """Return the contacts of the window that the store alone holds, each once."""
    if store is None:
        return pl.DataFrame(schema=CONTACT_SCHEMA)
    first, last = _moments(period.start, period.until)
    known = min(last, datetime.combine(period.as_of, time.max))
    talks = _typed(store.contacts.in_window(first, known).select(CONTACT_COLUMNS))
    talks = talks.unique(CONTACT_ID, keep="first", maintain_order=True)
    if CONTACTS not in view.present_tables or talks.is_empty():
        return talks
    held = pl.DataFrame(view.query(f"SELECT {CONTACT_ID} {IN_WINDOW}", [first, last]))
    return talks.join(held.select(pl.col(CONTACT_ID).cast(pl.String)), on=CONTACT_ID, how="anti")


def _moments(start: date, until: date) -> list[datetime]:
    return [datetime.combine(start, time.min), datetime.combine(until, time.max)]


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in CONTACT_SCHEMA.items())


def _halves(customer_ids: pl.Series, manifest: Mapping[str, Any]) -> pl.Series:
    """Return a lot of its own for each customer, to split the control group for the A/A check."""
    salt = hashlib.sha256(f"{manifest.get('salt_id', '')} {manifest['campaign_id']}".encode()).hexdigest()
    return pl.Series(draws(customer_ids, salt, "half") < 0.5, dtype=pl.Boolean)
