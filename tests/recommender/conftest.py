"""A bank of 240 customers and 5 products over 5 months, whose acquisitions follow a rule one can see."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)]
PRODUCTS = ["account", "card", "fund", "gold", "loan"]
CUSTOMERS = 240
SMALL = BoosterSettings(rounds=12, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(
    propensity=PropensitySettings(product=SMALL, any=SMALL, thin_evidence_positives=3), chunk_customers=100
)
MACHINE = Machine(seed=5, threads=1)


def customer_ids() -> list[str]:
    return [f"{number:05d}" for number in range(CUSTOMERS)]


def frames(opted_out: frozenset[str] = frozenset()) -> dict[str, pa.Table]:
    """Each month a sixth of the customers acquires: holders of a card a fund, the others a card."""
    ids = customer_ids()
    tiers = ["VIP" if number % 10 == 0 else "MASS" for number in range(CUSTOMERS)]
    customers = pa.table(
        {
            "customer_id": ids * len(MONTHS),
            "snapshot_date": [month for month in MONTHS for _ in ids],
            "tier": tiers * len(MONTHS),
            "manager_id": ["M1" if number < 20 else "M2" for number in range(CUSTOMERS)] * len(MONTHS),
            "profiling_opt_out": [customer in opted_out for customer in ids] * len(MONTHS),
        }
    )
    products = pa.table(
        {
            "product_id": PRODUCTS,
            "name": ["Account", "Card", "Fund", "Gold", "Loan"],
            "family": ["daily", "daily", "wealth", "wealth", "credit"],
            "offered_from": pa.array([date(2020, 1, 1)] * 5, pa.date32()),
            "offered_until": pa.array([None, None, None, date(2024, 2, 1), None], pa.date32()),
            "channels": [["branch", "call"]] * 5,
            "repeatable": [False] * 5,
            "unit_value_amount": pa.array([10.0, 20.0, 200.0, 5.0, 100.0]),
            "prerequisites": [[], [], [], [], ["card"]],
            "recorded_date": pa.array([date(2020, 1, 1)] * 5, pa.date32()),
        }
    )
    return {"customers": customers, "products": products, "holdings": holdings(ids)}


def holdings(ids: list[str]) -> pa.Table:
    rows = [(customer, "account", date(2023, 6, 1)) for customer in ids]
    rows += [(customer, "card", date(2023, 7, 1)) for number, customer in enumerate(ids) if number % 2]
    for place, month in enumerate(MONTHS[1:]):
        for number in np.flatnonzero(np.arange(CUSTOMERS) % 6 == place):
            rows.append((ids[number], "fund" if number % 2 else "card", month))
    customer, product, opened = zip(*rows, strict=True)
    return pa.table(
        {"customer_id": customer, "product_id": product, "opened_date": pa.array(opened, pa.date32())}
    )


@pytest.fixture(scope="session")
def history() -> History:
    return History.from_frames(frames())


@pytest.fixture(scope="session")
def features() -> FeatureSet:
    return FeatureSet.read(FEATURES)


@pytest.fixture(scope="session")
def recommender(history: History, features: FeatureSet) -> Recommender:
    training_data = TrainingData(Panel(history, tuple(MONTHS[:3])))
    return Recommender.fit(training_data, features, SETTINGS, MACHINE)
