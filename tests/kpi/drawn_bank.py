"""A bank of sixty customers over five months, drawn at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

MONTHS = (date(2025, 8, 31), date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31))
PRODUCTS = {"account": "payment", "deposit": "deposit", "fund": "fund"}
OUTCOMES = ("unreachable", "declined", "postponed", "accepted", "unknown")
COLUMNS = {
    "customers": (
        "customer_id", "snapshot_date", "tier", "aum_amount", "manager_id", "branch_id", "joined_date"
    ),
    "holdings": ("customer_id", "product_id", "opened_date", "closed_date", "balance_amount"),
    "activity": ("customer_id", "month_date", "maturing_amount"),
    "contacts": (
        "contact_id", "customer_id", "product_id", "channel", "contacted_at", "outcome", "next_date"
    ),
}  # fmt: skip
Draw = np.random.Generator
Rows = Iterator[tuple[Any, ...]]


@cache
def drawn_frames(seed: int) -> Mapping[str, pa.Table]:
    """Return the tables of a bank."""
    draw = np.random.default_rng(seed)
    ids = [f"c{number:02}" for number in range(60)]
    customers = [row for place, one in enumerate(ids) for row in _states(one, place, draw)]
    rows = {
        "customers": customers,
        "holdings": [row for one in ids for row in _holdings(one, draw)],
        "activity": [(*row[:2], float(draw.integers(1, 400))) for row in customers if draw.random() < 0.4],
        "contacts": [(str(place), *row) for place, row in enumerate(_contacts(ids, draw))],
    }
    products = {"product_id": list(PRODUCTS), "name": list(PRODUCTS), "family": list(PRODUCTS.values())}
    return {"products": pa.table(products), **{name: _table(name, found) for name, found in rows.items()}}


def _states(customer: str, place: int, draw: Draw) -> Rows:
    """Yield the end of each month from joining to leaving; every seventh customer changes the branch."""
    first, last = sorted(draw.integers(0, 6, 2))
    joined = MONTHS[min(first, 4)] - timedelta(days=int(draw.integers(1, 20)))
    amount = float(draw.integers(50, 900))
    for month in range(first, last):
        amount = round(amount * float(draw.uniform(0.5, 1.6)), 2)
        tier = "TOP" if amount >= 1000 else "GOLD" if amount >= 200 else "BASIC"
        branch = "B1" if (place + (month > 3 and place % 7 == 0)) % 2 else "B2"
        known = None if draw.random() < 0.03 else tier
        yield (
            customer,
            MONTHS[month],
            known,
            amount,
            branch,
            branch,
            date(2024, 1, 1) if first == 0 else joined,
        )


def _holdings(customer: str, draw: Draw) -> Rows:
    for _ in range(int(draw.integers(0, 5))):
        opened = date(2025, 6, 1) + timedelta(days=int(draw.integers(0, 210)))
        closed = opened + timedelta(days=int(draw.integers(1, 90))) if draw.random() < 0.3 else None
        yield customer, str(draw.choice(list(PRODUCTS))), opened, closed, float(draw.integers(1, 300))


def _contacts(customers: list[str], draw: Draw) -> Rows:
    for customer in customers:
        for _ in range(int(draw.integers(0, 5))):
            day = date(2025, 4, 1) + timedelta(days=int(draw.integers(0, 270)))
            moment = f"{day} 0{draw.integers(9)}:{draw.integers(10, 60)}:00"
            product, outcome = str(draw.choice(list(PRODUCTS))), str(draw.choice(OUTCOMES))
            yield customer, product, "call", moment, outcome, None


def _table(name: str, rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = dict(zip(COLUMNS[name], map(list, zip(*rows, strict=True)), strict=True))
    dates = {each: pa.array(columns[each], pa.date32()) for each in columns if each.endswith("_date")}
    return pa.table({**columns, **dates})
