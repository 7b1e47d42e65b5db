"""A bank of eight customers over three months, small enough to count every figure by hand."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from vipreco.history import History
from vipreco.settings import CallListSettings, TierLadder
from vipreco.settings.tiers import TierLine

OCTOBER, NOVEMBER, DECEMBER = date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31)
MONTHS = (OCTOBER, NOVEMBER, DECEMBER)
LADDER = TierLadder(
    vip=("GOLD", "TOP"),
    ladder=(
        TierLine(tier="BASIC", from_amount=0.0),
        TierLine(tier="GOLD", from_amount=200.0),
        TierLine(tier="TOP", from_amount=1000.0),
    ),
)
CALLS = CallListSettings(coverage_days=150, maturing_column="maturing_amount")
State = tuple[str | None, float] | None
# manager, branch, joined, tier and assets at the end of each month; None: not a customer then
CUSTOMERS: dict[str, tuple[str, str, date, State, State, State]] = {
    "a": ("M1", "B1", date(2020, 1, 1), ("GOLD", 300), ("GOLD", 280), ("GOLD", 250)),
    "b": ("M1", "B1", date(2020, 1, 1), ("BASIC", 150), ("GOLD", 210), ("GOLD", 220)),  # rises in November
    "c": ("M1", "B1", date(2020, 1, 1), ("GOLD", 250), ("GOLD", 240), ("BASIC", 90)),  # sinks in December
    "d": ("M2", "B1", date(2020, 1, 1), ("TOP", 1500), ("TOP", 1400), None),  # leaves in December
    "e": ("M2", "B1", date(2025, 12, 1), None, None, ("GOLD", 500)),  # comes in December
    "f": ("M2", "B1", date(2020, 1, 1), ("BASIC", 10), ("BASIC", 20), ("BASIC", 30)),  # never a VIP customer
    "g": ("M3", "B2", date(2020, 1, 1), ("GOLD", 260), (None, 265), ("GOLD", 270)),  # tier unknown in between
    "h": ("M3", "B2", date(2020, 1, 1), ("GOLD", 400), ("GOLD", 500), ("GOLD", 420)),
}
# customer, product, opened, closed, balance
HOLDINGS = [
    ("a", "account", date(2020, 1, 1), None, 5.0),
    ("a", "deposit", date(2025, 11, 10), None, 50.0),
    ("a", "fund", date(2024, 1, 1), date(2025, 11, 30), 40.0),
    ("b", "account", date(2020, 1, 1), None, 5.0),
    ("b", "account", date(2025, 11, 2), None, 6.0),  # a second one: one product all the same
    ("b", "deposit", date(2025, 10, 20), date(2025, 12, 1), 30.0),
    ("d", "account", date(2020, 1, 1), date(2025, 12, 20), 9.0),
    ("f", "fund", date(2025, 12, 1), None, 7.0),
    ("g", "account", date(2020, 1, 1), None, 5.0),
    ("g", "fund", date(2021, 1, 1), None, 90.0),
    ("h", "account", date(2020, 1, 1), None, 5.0),
    ("h", "deposit", date(2021, 1, 1), None, 100.0),
    ("h", "fund", date(2025, 12, 20), None, 25.0),
]
# customer, maturing amount that the end of October shows
MATURING = {"a": 80.0, "c": 60.0, "h": 100.0}
# customer, product, channel, moment, outcome, next date
CONTACTS = [
    ("a", "fund", "call", "2025-12-05 09:00:00", "declined", date(2025, 12, 19)),  # agreed, never done
    ("b", "deposit", "call", "2025-08-20 09:00:00", "postponed", date(2025, 10, 10)),  # done on 13 October
    ("b", "deposit", "call", "2025-10-13 09:00:00", "accepted", None),
    ("c", "fund", "call", "2025-11-08 09:00:00", "postponed", date(2025, 11, 15)),  # a Saturday
    ("c", "fund", "call", "2025-11-17 09:00:00", "postponed", date(2026, 1, 20)),  # the Monday after
    ("d", "fund", "call", "2025-11-01 09:00:00", "unreachable", None),
    ("f", "fund", "call", "2025-11-01 09:00:00", "declined", None),
    ("g", "fund", "call", "2025-08-01 09:00:00", "declined", None),
    ("h", "fund", "sms", "2025-10-05 09:00:00", "declined", None),
    ("h", "fund", "call", "2025-12-20 09:00:00", "unreachable", None),
]


def frames() -> dict[str, pa.Table]:
    """Return the tables of the bank by name."""
    seen = [
        (customer, month, state, facts)
        for customer, facts in CUSTOMERS.items()
        for month, state in zip(MONTHS, facts[3:], strict=True)
        if state is not None
    ]
    customers = pa.table(
        {
            "customer_id": [row[0] for row in seen],
            "snapshot_date": pa.array([row[1] for row in seen], pa.date32()),
            "tier": pa.array([row[2][0] for row in seen], pa.string()),
            "aum_amount": pa.array([float(row[2][1]) for row in seen]),
            "manager_id": [row[3][0] for row in seen],
            "branch_id": [row[3][1] for row in seen],
            "joined_date": pa.array([row[3][2] for row in seen], pa.date32()),
        }
    )
    products = {"account": "payment", "deposit": "deposit", "fund": "fund"}
    return {
        "customers": customers,
        "products": pa.table(
            {"product_id": list(products), "name": list(products), "family": list(products.values())}
        ),
        "holdings": _table(
            HOLDINGS, "customer_id", "product_id", "opened_date", "closed_date", "balance_amount"
        ),
        "activity": pa.table(
            {
                "customer_id": list(MATURING),
                "month_date": pa.array([OCTOBER] * len(MATURING), pa.date32()),
                "maturing_amount": list(MATURING.values()),
            }
        ),
        "contacts": _table(
            [(str(number), *contact) for number, contact in enumerate(CONTACTS)],
            "contact_id",
            "customer_id",
            "product_id",
            "channel",
            "contacted_at",
            "outcome",
            "next_date",
        ),
    }


def history(**replaced: pa.Table | None) -> History:
    """Return the bank's history, with other tables in place of some, or without them (None)."""
    tables = {**frames(), **replaced}
    return History.from_frames({name: table for name, table in tables.items() if table is not None})


def _table(rows: list[tuple[object, ...]], *names: str) -> pa.Table:
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    dates = {name: pa.array(columns[name], pa.date32()) for name in names if name.endswith("_date")}
    return pa.table({**columns, **dates})
