"""The small bank with 240 customers and 5 products over 5 months, and a recommender that learnt from it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests import small_bank
from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.recommender import Recommender

MONTHS = small_bank.month_ends(2024, 1, 5)
PRODUCTS = ["account", "card", "fund", "gold", "loan"]
CUSTOMERS = 240
SETTINGS = small_bank.settings(rounds=12, chunk_customers=100)
MACHINE = small_bank.MACHINE


def customer_ids() -> list[str]:
    return small_bank.customer_ids(CUSTOMERS)


def frames(opted_out: frozenset[str] = frozenset()) -> dict[str, pa.Table]:
    ids, numbers = customer_ids(), range(CUSTOMERS)
    return {
        "customers": small_bank.customers_table(
            ids,
            MONTHS,
            tier=["VIP" if number % 10 == 0 else "MASS" for number in numbers],
            manager_id=["M1" if number < 20 else "M2" for number in numbers],
            profiling_opt_out=[customer in opted_out for customer in ids],
        ),
        "products": small_bank.products_table(PRODUCTS, ["branch", "call"]),
        "holdings": small_bank.holdings_table(small_bank.holdings(ids, MONTHS)),
    }


@pytest.fixture(scope="session")
def history() -> History:
    return History.from_frames(frames())


@pytest.fixture(scope="session")
def features() -> FeatureSet:
    return FeatureSet.read(small_bank.FEATURES)


@pytest.fixture(scope="session")
def recommender() -> Recommender:
    return small_bank.fitted(frames(), MONTHS, SETTINGS)
