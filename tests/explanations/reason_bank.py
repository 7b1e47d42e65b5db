"""A bank of 480 customers whose acquisitions follow what they did in the months before."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from vipreco.features import FeatureSet
from vipreco.history import History, add_months
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [add_months(date(2025, 1, 31), number) for number in range(5)]
ACTIVE = [add_months(date(2024, 1, 31), number) for number in range(17)]
NOW = MONTHS[2]
PRODUCTS = ("account", "custody", "deposit", "fund", "loan")
FAMILIES = ("account", "custody", "deposit", "fund", "loan")
CUSTOMERS = 480
OPTED_OUT = "00008"
SMALL = BoosterSettings(rounds=15, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(
    propensity=PropensitySettings(product=SMALL, any=SMALL, thin_evidence_positives=3), chunk_customers=100
)


def ids() -> list[str]:
    return [f"{number:05d}" for number in range(CUSTOMERS)]


def begins(number: int) -> date:
    """Return the snapshot up to whose three months the customer did what makes them acquire."""
    return MONTHS[number % 6 % 4]


def activity() -> pa.Table:
    """Future buyers of a fund receive three times the usual, those of a loan read about loans."""
    rows = []
    for number, customer in enumerate(ids()):
        for month in ACTIVE:
            soon = number % 6 < 4 and add_months(begins(number), -3) < month <= begins(number)
            rows.append(
                (
                    customer,
                    month,
                    3000.0 if soon and number % 2 else 1000.0,
                    4.0 if soon and not number % 2 else 0.0,
                    float(number % 7),
                )
            )
    customer, month, inflow, pages, logins = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": customer,
            "month_date": pa.array(month, pa.date32()),
            "inflow_amount": inflow,
            "loan_pages": pages,
            "logins": logins,
        }
    )


def holdings() -> pa.Table:
    """Every fourth customer has a custody account, and these hold most of the deposits."""
    rows = [(customer, "account", date(2022, 6, 1)) for customer in ids()]
    for number, customer in enumerate(ids()):
        if number % 4 == 0:
            rows.append((customer, "custody", date(2023, 2, 1)))
            rows += [(customer, "deposit", date(2023, 3, 1))] if number % 8 else []
        if number % 6 < 4 and begins(number) < MONTHS[4]:
            rows.append((customer, "fund" if number % 2 else "loan", add_months(begins(number), 1)))
    customer, product, opened = zip(*rows, strict=True)
    return pa.table(
        {"customer_id": customer, "product_id": product, "opened_date": pa.array(opened, pa.date32())}
    )


def frames() -> dict[str, pa.Table]:
    customers = pa.table(
        {
            "customer_id": ids() * len(MONTHS),
            "snapshot_date": [month for month in MONTHS for _ in ids()],
            "tier": ["GOLD"] * CUSTOMERS * len(MONTHS),
            "aum_amount": np.tile(np.arange(CUSTOMERS) * 100.0 + 5000.0, len(MONTHS)),
            "consent_call": [True] * CUSTOMERS * len(MONTHS),
            "profiling_opt_out": [customer == OPTED_OUT for customer in ids()] * len(MONTHS),
        }
    )
    products = pa.table(
        {
            "product_id": PRODUCTS,
            "name": ["Account", "Custody", "Deposit", "Fund", "Loan"],
            "family": FAMILIES,
            "offered_from": pa.array([date(2020, 1, 1)] * 5, pa.date32()),
            "channels": [["branch", "call"]] * 5,
            "repeatable": [False] * 5,
            "unit_value_amount": [10.0, 20.0, 50.0, 200.0, 100.0],
            "recorded_date": pa.array([date(2020, 1, 1)] * 5, pa.date32()),
        }
    )
    return {"customers": customers, "products": products, "holdings": holdings(), "activity": activity()}


def fitted(history: History) -> Recommender:
    training_data = TrainingData(Panel(history, tuple(MONTHS[:3])))
    return Recommender.fit(training_data, FeatureSet.read(FEATURES), SETTINGS, Machine(seed=5, threads=1))
