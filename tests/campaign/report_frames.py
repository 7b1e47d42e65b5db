"""A small campaign with known counts, and a larger one with an effect, for the tests of the report."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from vipreco.campaign.report.finished_run import FinishedRun
from vipreco.history import History

START, END = date(2026, 1, 5), date(2026, 1, 31)
BEFORE, LAST = date(2025, 12, 31), date(2026, 1, 31)
DAY = LAST
PRODUCTS = ("F1", "F2", "L1")
KEY = "wealth"
TIERS = ("GOLD", "PLATINUM", "PRIVATE")
COSTS = {"call": 20.0, "app": 0.5}


def manifest(**more: Any) -> dict[str, Any]:
    campaign = {
        "key": KEY, "name": "Wealth <in> January", "start_date": START.isoformat(),
        "end_date": END.isoformat(), "products": list(PRODUCTS), "control_share": 0.2,
        "exploration_share": 0.1, "channels": {name: {} for name in COSTS},
    }  # fmt: skip
    return {"campaign_id": KEY, "campaign": campaign | more, "salt_id": "abc", "artifact_hash": "f" * 8}


def customer_rows(
    ids: list[str], dates: tuple[date, ...] = (BEFORE, LAST), gone: frozenset[str] = frozenset()
) -> pl.DataFrame:
    parts = [
        pl.DataFrame(
            {"customer_id": [one for one in ids if day == BEFORE or one not in gone], "snapshot_date": day}
        )
        for day in dates
    ]
    return pl.concat(parts).with_columns(recorded_date=pl.col("snapshot_date"), tier=pl.lit("GOLD"))


def history(
    ids: list[str],
    acquired: list[tuple[str, str]],
    contacts: pl.DataFrame | None = None,
    gone: frozenset[str] = frozenset(),
    dates: tuple[date, ...] = (BEFORE, LAST),
) -> History:
    """Everybody is seen at each date, except who is gone at the last; acquisitions happen on 20 January."""
    return History.from_frames(tables(ids, acquired, contacts, gone, dates))


def tables(
    ids: list[str],
    acquired: list[tuple[str, str]],
    contacts: pl.DataFrame | None = None,
    gone: frozenset[str] = frozenset(),
    dates: tuple[date, ...] = (BEFORE, LAST),
) -> dict[str, pa.Table]:
    day = date(2026, 1, 20)
    holdings = pl.DataFrame(
        {
            "customer_id": [one for one, _ in acquired],
            "product_id": [product for _, product in acquired],
            "opened_date": [day] * len(acquired),
            "closed_date": [None] * len(acquired),
            "recorded_date": [day] * len(acquired),
        },
        {
            "customer_id": pl.String, "product_id": pl.String, "opened_date": pl.Date, "closed_date": pl.Date,
            "recorded_date": pl.Date,
        },
    )  # fmt: skip
    products = pl.DataFrame(
        {"product_id": [*PRODUCTS, "Z9"], "name": ["Fund one", "Fund & two", "Loan", "Other"]}
    ).with_columns(recorded_date=pl.lit(date(2020, 1, 1)))
    frames = {
        "customers": customer_rows(ids, dates, gone).to_arrow(),
        "holdings": holdings.to_arrow(),
        "products": products.to_arrow(),
    }
    if contacts is not None:
        frames["contacts"] = contacts.to_arrow()
    return frames


def contact_rows(rows: list[tuple[str, str, str | None, str | None]]) -> pl.DataFrame:
    """Rows customer_id, outcome, campaign_id, product_id, all on 8 January."""
    return pl.DataFrame(
        {
            "contact_id": [f"c{number}" for number in range(len(rows))],
            "customer_id": [row[0] for row in rows],
            "outcome": [row[1] for row in rows],
            "campaign_id": [row[2] for row in rows],
            "product_id": [row[3] for row in rows],
            "channel": ["call"] * len(rows),
            "contacted_at": [datetime(2026, 1, 8, 10)]  # noqa: DTZ001
             * len(rows),
            "recorded_date": [date(2026, 1, 8)] * len(rows),
        },
        {
            "contact_id": pl.String, "customer_id": pl.String, "outcome": pl.String, "campaign_id": pl.String,
            "product_id": pl.String, "channel": pl.String, "contacted_at": pl.Datetime("us"),
            "recorded_date": pl.Date,
        },
    )  # fmt: skip


def assignment(
    number: int, arm: str, would_offer: bool, product: str | None = "F1", **more: Any
) -> dict[str, Any]:
    """One row of the assignments."""
    offer = product is not None
    return {
        "customer_id": f"{number:010d}", "tier": TIERS[number % 2], "branch_id": "B1", "manager_id": "M1",
        "arm": arm, "product_id": product, "channel": "call" if offer else None,
        "propensity": 0.1 if offer else None, "value_amount": 100.0 if offer else None,
        "cost_amount": 20.0 if offer else None, "priority": 1.0 if offer else None,
        "would_offer": would_offer, "arm_probability": 0.2 if arm == "control" else 0.72,
        "action_probability": None if arm == "control" or not offer else 0.9,
    } | more  # fmt: skip


def run_of(rows: list[dict[str, Any]], **more: Any) -> FinishedRun:
    schema = {
        "customer_id": pl.String, "tier": pl.String, "branch_id": pl.String, "manager_id": pl.String,
        "arm": pl.String, "product_id": pl.String, "channel": pl.String, "propensity": pl.Float64,
        "value_amount": pl.Float64, "cost_amount": pl.Float64, "priority": pl.Float64,
        "would_offer": pl.Boolean, "arm_probability": pl.Float64, "action_probability": pl.Float64,
    }  # fmt: skip
    return FinishedRun(pl.DataFrame(rows, schema, orient="row"), manifest(**more))


@cache
def large(seed: int = 5, customers: int = 6000, effect: float = 0.05) -> tuple[FinishedRun, History]:
    """A campaign whose offers raise the chance by `effect`, with random offers, contacts and people gone."""
    random = np.random.default_rng(seed)
    ids = [f"{number:010d}" for number in range(customers)]
    would = random.random(customers) < 0.7
    draw = random.random(customers)
    control = draw < 0.2
    explored = ~control & (draw < 0.2 + 0.8 * 0.1)
    arm = np.where(
        control, "control", np.where(explored, "explored", np.where(would, "offered", "unallocated"))
    )
    product = random.choice(PRODUCTS, customers, p=[0.6, 0.35, 0.05])
    channel = random.choice(list(COSTS), customers)
    promised = random.beta(2, 18, customers)
    offer = would | explored
    treated = (arm == "offered") | explored
    acquired = offer & (random.random(customers) < promised + effect * treated)
    chance = np.where(explored, 0.1 / 6, np.where(arm == "offered", 0.9 + 0.1 / 6, np.nan))
    rows = pl.DataFrame(
        {
            "customer_id": ids,
            "tier": random.choice(TIERS, customers, p=[0.75, 0.245, 0.005]),
            "branch_id": "B1",
            "manager_id": "M1",
            "arm": arm.tolist(),
            "product_id": product,
            "channel": channel,
            "propensity": promised,
            "value_amount": random.lognormal(5, 0.5, customers),
            "cost_amount": [COSTS[one] for one in channel],
            "priority": promised * 100,
            "would_offer": would,
            "arm_probability": np.where(control, 0.2, np.where(explored, 0.08, 0.72)),
            "action_probability": pl.Series(chance).fill_nan(None),
        }
    )
    names = ("product_id", "channel", "propensity", "value_amount", "cost_amount", "priority")
    rows = rows.with_columns(pl.when(pl.Series(offer)).then(pl.col(name)).alias(name) for name in names)
    bought = [(ids[place], product[place]) for place in np.flatnonzero(acquired)]
    listed = np.flatnonzero(treated)
    outcomes = random.choice(["accepted", "declined", "unreachable"], len(listed), p=[0.2, 0.45, 0.35])
    talks = [
        (ids[place], outcome, KEY, None)
        for place, outcome in zip(listed, outcomes, strict=True)
        if random.random() < 0.9
    ]
    gone = frozenset(ids[place] for place in np.flatnonzero(random.random(customers) < 0.01))
    bank = history(ids, [one for one in bought if one[0] not in gone], contact_rows(talks), gone)
    return FinishedRun(rows, manifest()), bank
