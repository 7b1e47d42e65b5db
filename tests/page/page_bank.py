"""A bank for the page: 240 customers whose acquisitions follow a rule, two books, one name that is an attack.

The answers are decided from the tables by the functions behind `vipreco calllist` and `vipreco sheet`, so the
page shows what the engine says; only the files around it (prepared folders, registry) are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from serving.api.application import create_app
from serving.http.app_state import AppState
from serving.page.pages import make_pages
from serving.processes.audit_shipper import AuditFiles
from tests.serving.small_bank import PASSWORD, Prepared
from vipreco.explanations import Explainer
from vipreco.features import FeatureSet
from vipreco.history import History, View
from vipreco.lists import Day, customer_day, plan_day
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import Panel, Recommender, RecommenderSettings, TrainingData
from vipreco.settings import CallListSettings, ServingSettings, TierLadder
from vipreco.settings.tiers import TierLine
from vipreco.store import Keys, Role, Scope, Store, User
from vipreco.store.books import Books

ROOT = Path(__file__).parents[2]
MONTHS = [date(2025, 8, 31), date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31)]
DAY = MONTHS[-1]
ATTACK = "<img src=x onerror=document.title=1>"
HOSTILE_PRODUCT = f"Fund {ATTACK}"
CUSTOMERS, BOOK = 240, 24
MANAGER, OTHER_MANAGER = "M1", "M2"
LADDER = TierLadder(
    vip=("GOLD", "TOP"),
    ladder=(
        TierLine(tier="BASIC", from_amount=0.0),
        TierLine(tier="GOLD", from_amount=200_000.0),
        TierLine(tier="TOP", from_amount=1_000_000.0),
    ),
)
USERS = {role: f"{role.value}-1" for role in Role if role is not Role.CHANNEL}


def customer_ids() -> list[str]:
    """Return all ids; the first is an attack, so that it shows wherever a customer does."""
    return [ATTACK, *(f"{number:05d}" for number in range(1, CUSTOMERS))]


def frames() -> dict[str, pa.Table]:
    """Return the tables: each month a sixth of the customers acquires, holders of a card a fund."""
    ids, months = customer_ids(), len(MONTHS)
    numbers = range(CUSTOMERS)
    assets = [assets_of(number, month) for month in range(months) for number in numbers]
    assessed = [date(2025, 1 + number % 12, 5) for number in numbers]
    customers = {
        "customer_id": ids * months,
        "snapshot_date": [month for month in MONTHS for _ in ids],
        "tier": [_tier(amount) for amount in assets],
        "aum_amount": assets,
        "risk_level": [f"C{2 + number % 4}" for number in numbers] * months,
        "risk_assessed_date": assessed * months,
        "birth_date": [date(1945 + number % 55, 3, 1) for number in numbers] * months,
        "joined_date": [date(2015 + number % 9, 2, 1) for number in numbers] * months,
        "manager_id": [MANAGER if number < BOOK else OTHER_MANAGER for number in numbers] * months,
        "consent_call": [number % 8 != 7 for number in numbers] * months,
        "profiling_opt_out": [number % 40 == 39 for number in numbers] * months,
    }
    return {
        "customers": pa.table(customers),
        "products": _products(),
        "holdings": _holdings(ids),
        "contacts": _contacts(ids),
    }


def assets_of(number: int, month: int) -> float:
    """Return the assets of a customer at the end of a month."""
    return 150_000.0 + 9_000.0 * number + 1_000.0 * month


def _tier(amount: float) -> str:
    return "TOP" if amount >= 1_000_000 else "GOLD" if amount >= 200_000 else "BASIC"


def _products() -> pa.Table:
    return pa.table(
        {
            "product_id": ["account", "card", "fund", "loan"],
            "name": ["Account", "Card", HOSTILE_PRODUCT, "Loan"],
            "family": ["daily", "daily", "wealth", "credit"],
            "risk_level": ["R1", "R1", "R3", "R1"],
            "offered_from": pa.array([date(2020, 1, 1)] * 4, pa.date32()),
            "channels": [["branch", "call"]] * 4,
            "repeatable": [False] * 4,
            "unit_value_amount": pa.array([10.0, 20.0, 200.0, 100.0]),
            "prerequisites": [[], [], [], ["card"]],
            "recorded_date": pa.array([date(2020, 1, 1)] * 4, pa.date32()),
        }
    )


def _holdings(ids: list[str]) -> pa.Table:
    rows = [(customer, "account", date(2023, 6, 1)) for customer in ids]
    rows += [(customer, "card", date(2023, 7, 1)) for number, customer in enumerate(ids) if number % 2]
    for place, month in enumerate(MONTHS[1:]):
        taken = [number for number in range(CUSTOMERS) if number % 6 == place]
        rows += [(ids[number], "fund" if number % 2 else "card", month) for number in taken]
    customer, product, opened = zip(*rows, strict=True)
    columns = {"customer_id": customer, "product_id": product, "opened_date": pa.array(opened, pa.date32())}
    return pa.table(columns)


def _contacts(ids: list[str]) -> pa.Table:
    """The attack's customer put a talk off until today; another one declined in October."""
    return pa.table(
        {
            "contact_id": ["k1", "k2"],
            "customer_id": [ids[0], ids[2]],
            "product_id": ["fund", "card"],
            "channel": ["call", "call"],
            "contacted_at": ["2025-12-01 10:00:00", "2025-10-02 10:00:00"],
            "outcome": ["postponed", "declined"],
            "next_date": pa.array([DAY, None], pa.date32()),
        }
    )


@cache
def trained() -> tuple[Recommender, View]:
    """Return a recommender of this bank and what is known on its last day; fitted once a process."""
    history = History.from_frames(frames())
    small = BoosterSettings(rounds=12, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
    propensity = PropensitySettings(product=small, any=small, thin_evidence_positives=3)
    training_data = TrainingData(Panel(history, tuple(MONTHS[:3])))
    settings = RecommenderSettings(propensity=propensity, relationship_horizon_months=0)
    features = FeatureSet.read(ROOT / "features", LADDER)
    return Recommender.fit(training_data, features, settings, Machine(seed=5, threads=1)), history.as_of(DAY)


@dataclass(frozen=True)
class Tables:
    """Answers from the tables, without what the store has learnt since."""

    books: Books
    model_version: str = "0123456789abcdef"
    currency: str = "CNY"

    @property
    def source(self) -> object:
        return trained

    def stamp(self, customer_ids: Iterable[str]) -> int:
        """Return the same always: nothing that the tests do changes the tables."""
        del customer_ids
        return 0

    def day(self, scope: Scope, minutes: int | None = None) -> Day:
        ids = pa.array([member.customer_id for member in self.books.of(scope)], pa.string())
        recommender, view = trained()
        settings = CallListSettings() if minutes is None else CallListSettings(minutes=minutes)
        return plan_day(Explainer(recommender), view.of(ids), LADDER.vip, settings)

    def sheet(self, scope: Scope, customer_id: str) -> Day:
        del scope
        recommender, view = trained()
        return customer_day(Explainer(recommender), view, customer_id, LADDER.vip, CallListSettings())


@dataclass
class PageBank:
    """The pages with an account for each role, in this process."""

    state: AppState
    app: Any

    def handle(self, customer_id: str) -> str:
        """Return how a customer is called in addresses."""
        found = self.state.store.books.find(Scope("test", Role.CHANNEL), customer_id)
        assert found is not None
        return found.handle


def made(folder: Path) -> PageBank:
    """Make the pages in a folder."""
    store = Store.open(f"sqlite:///{folder}/store.db")
    ids = customer_ids()
    managers = [MANAGER if number < BOOK else OTHER_MANAGER for number in range(CUSTOMERS)]
    members = {"customer_id": ids, "manager_id": managers, "branch_id": ["B"] * CUSTOMERS}
    store.books.replace("snapshot-1", pl.DataFrame(members))
    for role, user in USERS.items():
        store.users.create(User(user, role, MANAGER if role is Role.MANAGER else None), PASSWORD)
    store.users.create(User("other-1", Role.MANAGER, OTHER_MANAGER), PASSWORD)
    settings = ServingSettings(business_date="snapshot")
    release = Prepared(
        snapshot_date=DAY,
        customers=frozenset(ids),
        product_ids=frozenset(_products()["product_id"].to_pylist()),
    )
    state = AppState(
        folder, settings, store, AuditFiles(folder / "spool", store), Keys.open(folder / "keys"), release
    )
    answers = Tables(store.books)
    app = create_app(state, make_pages(state, lambda _: answers))
    app.lag.note = _take_no_note
    return PageBank(state, app)


def _take_no_note(seconds: float) -> None:
    """Let a busy machine that runs tests be late: that is told apart from overload in `test_overload`."""
    del seconds
