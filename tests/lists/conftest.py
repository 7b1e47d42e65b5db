"""A book of six customers whose contacts, holdings and maturities are written down one by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pytest

from vipreco.history import History, View

DAY = date(2025, 12, 31)
# customer: tier, risk_assessed_date, joined_date, consent_call
CUSTOMERS = {
    "c01": ("GOLD", date(2025, 6, 30), date(2020, 1, 1), True),
    "c02": ("GOLD", date(2024, 12, 31), date(2020, 1, 1), True),
    "c03": ("BASIC", date(2025, 1, 15), date(2020, 1, 1), None),
    "c04": ("GOLD", None, date(2025, 11, 1), True),
    "c05": ("BASIC", date(2025, 6, 30), date(2020, 1, 1), False),
    "c06": ("BASIC", date(2025, 6, 30), date(2020, 1, 1), True),
}
# id, customer, product, channel, moment, outcome, next_date
CONTACTS = [
    ("k1", "c01", "fund", "call", "2025-12-01 10:00:00", "postponed", date(2025, 12, 20)),
    ("k2", "c02", "fund", "call", "2025-12-01 10:00:00", "postponed", date(2025, 12, 20)),
    ("k3", "c02", "card", "sms", "2025-12-10 09:00:00", "declined", None),
    ("k4", "c02", "card", "call", "2025-12-21 09:00:00", "unreachable", None),
    ("k5", "c03", "fund", "app", "2025-11-20 09:00:00", "postponed", None),
    ("k6", "c04", "fund", "call", "2025-12-01 09:00:00", "postponed", date(2025, 12, 10)),
    ("k7", "c04", "card", "call", "2025-12-15 09:00:00", "declined", None),
    ("k9", "c06", "card", "call", "2025-12-01 09:00:00", "postponed", date(2026, 1, 1)),
    ("k8", "c05", "fund", "call", "2025-12-01 09:00:00", "do_not_contact", date(2025, 12, 5)),
]


def history(contacts: Sequence[tuple[object, ...]] = tuple(CONTACTS)) -> History:
    ids = sorted(CUSTOMERS)
    tiers, assessed, joined, consent = zip(*(CUSTOMERS[customer] for customer in ids), strict=True)
    customers = pa.table(
        {
            "customer_id": ids,
            "snapshot_date": pa.array([DAY] * len(ids), pa.date32()),
            "tier": list(tiers),
            "aum_amount": pa.array([300_000.0] * len(ids)),
            "risk_level": ["C3"] * len(ids),
            "risk_assessed_date": pa.array(assessed, pa.date32()),
            "birth_date": pa.array([date(1960, 12, 31)] * len(ids), pa.date32()),
            "joined_date": pa.array(joined, pa.date32()),
            "consent_call": pa.array(consent, pa.bool_()),
            "manager_id": ["M1"] * len(ids),
        }
    )
    columns = ("contact_id", "customer_id", "product_id", "channel", "contacted_at", "outcome", "next_date")
    values = dict(zip(columns, zip(*contacts, strict=True), strict=True))
    values["next_date"] = pa.array(values["next_date"], pa.date32())
    holdings = {"customer_id": ["c03"], "product_id": ["fund"], "opened_date": [date(2025, 12, 2)]}
    activity = {
        "customer_id": ["c01", "c01", "c02"],
        "month_date": [date(2025, 12, 31), date(2025, 11, 30), date(2025, 11, 30)],
        "maturing_amount": [50_000.0, 0.0, 70_000.0],
    }
    tables = {"customers": customers, "contacts": values, "holdings": holdings, "activity": activity}
    return History.from_frames({name: pa.table(table) for name, table in tables.items()})


@pytest.fixture(scope="session")
def view() -> View:
    return history().as_of(DAY)
