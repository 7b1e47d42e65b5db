"""A bank of 400 customers with consents, managers and branches, made the same in any process."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from vipreco.campaign import Bank, parse_campaign, salt_of
from vipreco.campaign.definition import Campaign
from vipreco.columns import ATTRIBUTE_PREFIX
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30)]
PRODUCTS = ["account", "card", "fund", "gold", "loan"]
CUSTOMERS = 400
SMALL = BoosterSettings(rounds=10, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(
    propensity=PropensitySettings(product=SMALL, any=SMALL, thin_evidence_positives=3), chunk_customers=150
)
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
    return [f"{number:05d}" for number in range(CUSTOMERS)]


def history(without_consent: frozenset[str] = frozenset(), risk: str = "R1") -> History:
    """Each month a fifth of the customers acquires: holders of a card a fund, the others a card."""
    ids = customer_ids()
    count = len(MONTHS)
    customers = pa.table(
        {
            "customer_id": ids * count,
            "snapshot_date": [month for month in MONTHS for _ in ids],
            "tier": ["VIP" if number % 4 == 0 else "MASS" for number in range(CUSTOMERS)] * count,
            "manager_id": [None if number % 50 == 7 else f"M{number % 3}" for number in range(CUSTOMERS)]
            * count,
            "branch_id": [f"B{number % 2}" for number in range(CUSTOMERS)] * count,
            "risk_level": ["C3"] * CUSTOMERS * count,
            "risk_assessed_date": pa.array([date(2024, 1, 2)] * CUSTOMERS * count, pa.date32()),
            "birth_date": pa.array(
                [date(1960 + number % 40, 1, 1) for number in range(CUSTOMERS)] * count, pa.date32()
            ),
            f"{ATTRIBUTE_PREFIX}policy_legal_capacity": ["full"] * CUSTOMERS * count,
            "consent_call": [customer not in without_consent for customer in ids] * count,
            "consent_app": [number % 10 != 3 for number in range(CUSTOMERS)] * count,
        }
    )
    return History.from_frames(
        {"customers": customers, "products": products(risk), "holdings": holdings(ids)}
    )


def products(risk: str) -> pa.Table:
    return pa.table(
        {
            "product_id": PRODUCTS,
            "name": ["Account", "Card", "Fund", "Gold", "Loan"],
            "family": ["daily", "daily", "wealth", "wealth", "credit"],
            "risk_level": ["R1", "R1", risk, "R1", "R1"],
            "offered_from": pa.array([date(2020, 1, 1)] * 5, pa.date32()),
            "offered_until": pa.array([None, None, None, date(2024, 2, 1), date(2024, 5, 31)], pa.date32()),
            "placement": ["public"] * 5,
            "channels": [["branch", "call", "app"]] * 5,
            "repeatable": [False] * 5,
            "unit_value_amount": pa.array([10.0, 20.0, 200.0, 5.0, 100.0]),
            "prerequisites": [[], [], [], [], ["card"]],
            "recorded_date": pa.array([date(2020, 1, 1)] * 5, pa.date32()),
        }
    )


def holdings(ids: list[str]) -> pa.Table:
    rows = [(customer, "account", date(2023, 6, 1)) for customer in ids]
    rows += [(customer, "card", date(2023, 7, 1)) for number, customer in enumerate(ids) if number % 2]
    for place, month in enumerate(MONTHS[1:]):
        for number in np.flatnonzero(np.arange(CUSTOMERS) % 5 == place):
            rows.append((ids[number], "fund" if number % 2 else "card", month))
    customer, product, opened = zip(*rows, strict=True)
    return pa.table(
        {"customer_id": customer, "product_id": product, "opened_date": pa.array(opened, pa.date32())}
    )


def fitted() -> Recommender:
    training_data = TrainingData(Panel(history(), tuple(MONTHS[:3])))
    return Recommender.fit(training_data, FeatureSet.read(FEATURES), SETTINGS, Machine(seed=5, threads=1))


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
