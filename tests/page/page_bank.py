"""The small bank for the page: 240 customers in two books, one name that is an attack.

The answers are decided from the tables by the functions behind `vipreco calllist` and `vipreco sheet`, so the
page shows what the engine says; only the files around it (prepared folders, registry) are left out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
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
from tests import small_bank
from tests.serving.small_bank import PASSWORD, Prepared
from tests.shared import BuiltOnce, new_store
from vipreco.explanations import Explainer
from vipreco.features import FeatureSet
from vipreco.history import History, View
from vipreco.kpi import FigureInputs, FigureRows, figure_rows
from vipreco.lists import Day, customer_day, plan_day
from vipreco.policy import Policy
from vipreco.recommender import Recommender
from vipreco.settings import CallListSettings, KpiSettings, ServingSettings, TierLadder
from vipreco.settings.tiers import TierLine
from vipreco.store import Keys, Role, Scope, Store, User
from vipreco.store.books import Books

ROOT = Path(__file__).parents[2]
MONTHS = small_bank.month_ends(2025, 8, 5)
DAY = MONTHS[-1]
ATTACK = "<img src=x onerror=document.title=1>"
HOSTILE_PRODUCT = f"Fund {ATTACK}"
CUSTOMERS, BOOK = 240, 24
MANAGER, OTHER_MANAGER = "M1", "M2"
BRANCH, OTHER_BRANCH, OF_BRANCH = "B", "B2", 120
LADDER = TierLadder(
    vip=("GOLD", "TOP"),
    ladder=(
        TierLine(tier="BASIC", from_amount=0.0),
        TierLine(tier="GOLD", from_amount=200_000.0),
        TierLine(tier="TOP", from_amount=1_000_000.0),
    ),
)
USERS = {role: f"{role.value}-1" for role in Role if role is not Role.CHANNEL}


def user_of(role: Role, user: str = "") -> User:
    """Return the account of a role: a manager's with a book, a branch head's with a branch."""
    book, branch = MANAGER if role is Role.MANAGER else None, BRANCH if role is Role.BRANCH_HEAD else None
    return User(user or USERS[role], role, book, branch_id=branch)


def customer_ids() -> list[str]:
    """Return all ids; the first is an attack, so that it shows wherever a customer does."""
    return [ATTACK, *small_bank.customer_ids(CUSTOMERS)[1:]]


def frames() -> dict[str, pa.Table]:
    """Return the tables: each month a sixth of the customers acquires, holders of a card a fund."""
    ids, numbers = customer_ids(), range(CUSTOMERS)
    assets = [assets_of(number, month) for month in range(len(MONTHS)) for number in numbers]
    return {
        "customers": small_bank.customers_table(
            ids,
            MONTHS,
            tier=[_tier(amount) for amount in assets],
            aum_amount=assets,
            risk_level=[f"C{2 + number % 4}" for number in numbers],
            risk_assessed_date=[date(2025, 1 + number % 12, 5) for number in numbers],
            birth_date=[date(1945 + number % 55, 3, 1) for number in numbers],
            joined_date=[date(2015 + number % 9, 2, 1) for number in numbers],
            manager_id=[MANAGER if number < BOOK else OTHER_MANAGER for number in numbers],
            consent_call=[number % 8 != 7 for number in numbers],
            profiling_opt_out=[number % 40 == 39 for number in numbers],
        ),
        "products": _products(),
        "holdings": small_bank.holdings_table(small_bank.holdings(ids, MONTHS)),
        "contacts": _contacts(ids),
    }


def assets_of(number: int, month: int) -> float:
    """Return the assets of a customer at the end of a month."""
    return 150_000.0 + 9_000.0 * number + 1_000.0 * month


def _tier(amount: float) -> str:
    return "TOP" if amount >= 1_000_000 else "GOLD" if amount >= 200_000 else "BASIC"


def _products() -> pa.Table:
    return small_bank.products_table(
        ["account", "card", "fund", "loan"],
        ["branch", "call"],
        name=["Account", "Card", HOSTILE_PRODUCT, "Loan"],
        risk_level=["R1", "R1", "R3", "R1"],
    ).drop_columns("offered_until")


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
    settings = small_bank.settings(rounds=12, relationship_horizon_months=0)
    features = FeatureSet.read(ROOT / "features", LADDER)
    recommender = small_bank.fitted(frames(), MONTHS, settings, features)
    return recommender, History.from_frames(frames()).as_of(DAY)


@cache
def figures() -> FigureRows:
    """Return the rows behind the figures of both branches, as a nightly build without a model has them."""
    inputs = FigureInputs(LADDER, CallListSettings(), KpiSettings())
    found = figure_rows(History.from_frames(frames()).as_of(DAY), inputs)
    number = pl.col("customer_id").replace_strict(dict(zip(customer_ids(), range(CUSTOMERS), strict=True)))
    branch = pl.when(number < OF_BRANCH).then(pl.lit(BRANCH)).otherwise(pl.lit(OTHER_BRANCH))
    return replace(found, rows=found.rows.with_columns(branch.alias("branch_id")))


@dataclass(frozen=True)
class Tables:
    """Answers from the tables, without what the store has learnt since."""

    books: Books
    model_version: str = "0123456789abcdef"
    currency: str = "CNY"

    @property
    def vip(self) -> tuple[str, ...]:
        return LADDER.vip

    @property
    def product_names(self) -> dict[str, str]:
        products = _products()
        return dict(zip(products["product_id"].to_pylist(), products["name"].to_pylist(), strict=True))

    @property
    def policy(self) -> Policy:
        recommender, _ = trained()
        return recommender.policy

    @property
    def source(self) -> object:
        return trained

    @property
    def snapshot_id(self) -> str:
        return "tables"

    @property
    def model_hash(self) -> str:
        return "a" * 64

    def decided_on(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        del customer_ids
        return {"basis": "basis", "overlay": {"as_of": str(DAY)}}

    def absences(self, scope: Scope) -> dict[str, Any]:
        del scope
        return {"absences": [], "cover_ends": []}

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


def accounts(built_once: BuiltOnce) -> Path:
    """Return a folder with a store that has an account for each role; made once a run, to be copied."""

    def build(folder: Path) -> None:
        shutil.copy(new_store(built_once), folder / "store.db")
        managers = [MANAGER if number < BOOK else OTHER_MANAGER for number in range(CUSTOMERS)]
        branches = [BRANCH if number < OF_BRANCH else OTHER_BRANCH for number in range(CUSTOMERS)]
        members = {"customer_id": customer_ids(), "manager_id": managers, "branch_id": branches}
        with Store.open(f"sqlite:///{folder}/store.db") as store:
            store.books.replace("snapshot-1", pl.DataFrame(members))
            for role, user in USERS.items():
                store.users.create(user_of(role, user), PASSWORD)
            store.users.create(User("other-1", Role.MANAGER, OTHER_MANAGER), PASSWORD)

    return built_once("page-accounts", build)


def made(template: Path, folder: Path) -> PageBank:
    """Make the pages in a folder out of a copy of their `accounts`."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    store = Store.open(f"sqlite:///{folder}/store.db")
    settings = ServingSettings(business_date="snapshot")
    release = Prepared(
        snapshot_date=DAY,
        customers=frozenset(customer_ids()),
        product_ids=frozenset(_products()["product_id"].to_pylist()),
        rows=figures(),
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
