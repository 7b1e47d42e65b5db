"""The small bank with 400 customers, consents, managers and branches, and a campaign for it."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from tests import small_bank
from vipreco.campaign import Bank, parse_campaign
from vipreco.campaign.definition import Campaign
from vipreco.columns import ATTRIBUTE_PREFIX
from vipreco.folds import salt_of
from vipreco.history import History
from vipreco.recommender import Recommender

MONTHS = small_bank.month_ends(2024, 1, 4)
PRODUCTS = ["account", "card", "fund", "gold", "loan"]
CUSTOMERS = 400
SETTINGS = small_bank.settings(rounds=10, chunk_customers=150)
FILE = """
key = "spring"
start_date = 2024-05-06
end_date = 2024-05-31
products = ["card", "fund", "loan"]
control_share = 0.2
formats = ["csv", "parquet"]

[channels.call]
capacity = 40
unit_cost_amount = 0.5
minutes = 15

[channels.app]
unit_cost_amount = 0.05
reach_rate = 0.5

[managers]
minutes = 300

[stock]
fund = 30
"""


def customer_ids() -> list[str]:
    return small_bank.customer_ids(CUSTOMERS)


def frames(without_consent: frozenset[str] = frozenset(), risk: str = "R1") -> small_bank.Frames:
    """Return the tables; every fifth customer acquires in a month."""
    ids, numbers = customer_ids(), range(CUSTOMERS)
    attributes = {f"{ATTRIBUTE_PREFIX}policy_legal_capacity": ["full"] * CUSTOMERS}
    return {
        "customers": small_bank.customers_table(
            ids,
            MONTHS,
            tier=["VIP" if number % 4 == 0 else "MASS" for number in numbers],
            manager_id=[None if number % 50 == 7 else f"M{number % 3}" for number in numbers],
            branch_id=[f"B{number % 2}" for number in numbers],
            risk_level=["C3"] * CUSTOMERS,
            risk_assessed_date=[date(2024, 1, 2)] * CUSTOMERS,
            birth_date=[date(1960 + number % 40, 1, 1) for number in numbers],
            consent_call=[customer not in without_consent for customer in ids],
            consent_app=[number % 10 != 3 for number in numbers],
            **attributes,
        ),
        "products": _products(risk),
        "holdings": small_bank.holdings_table(small_bank.holdings(ids, MONTHS, part=5)),
    }


def _products(risk: str) -> pa.Table:
    until = [None, None, None, date(2024, 2, 1), date(2024, 5, 31)]
    return small_bank.products_table(
        PRODUCTS,
        ["branch", "call", "app"],
        risk_level=["R1", "R1", risk, "R1", "R1"],
        offered_until=pa.array(until, pa.date32()),
        placement=["public"] * len(PRODUCTS),
    )


def history(without_consent: frozenset[str] = frozenset(), risk: str = "R1") -> History:
    return History.from_frames(frames(without_consent, risk))


def fitted() -> Recommender:
    return small_bank.fitted(frames(), MONTHS, SETTINGS)


def bank(recommender: Recommender, past: History | None = None) -> Bank:
    """Return what a campaign works with, at the newest snapshot."""
    view = (past or history()).as_of(MONTHS[-1])
    return Bank(recommender, "0" * 64, view, salt_of("", 5), 5)


def campaign(changes: str = "", **lines: str) -> Campaign:
    """Return the campaign of `FILE` with some of its lines put otherwise, and more below."""
    text = FILE
    for name, line in lines.items():
        text = "\n".join(line if row.split(" = ")[0] == name else row for row in text.splitlines())
    return parse_campaign((text + changes).encode(), "spring.toml")
