"""A bank of 120 customers and 6 products whose contacts, consents and windows end on different days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from vipreco.arbitration import slate
from vipreco.features import FeatureSet
from vipreco.history import History, View, appended
from vipreco.online import DaySettings, NightlyBuild, OnlineService, Releases
from vipreco.online.nightly import publish
from vipreco.policy import ALLOWED, gather_facts
from vipreco.propensity import BoosterSettings, Machine, PropensitySettings
from vipreco.recommender import (
    Panel,
    Recommender,
    RecommenderSettings,
    TrainingData,
    in_order,
)
from vipreco.settings import CallListSettings
from vipreco.store import Store

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31), date(2024, 4, 30), date(2024, 5, 31)]
DAY = MONTHS[-1]
NOON = datetime.fromisoformat("2024-05-31T12:00")
PRODUCTS = ["account", "card", "deposit", "fund", "gold", "loan"]
CHANNELS = ("app", "branch", "call")
VIP = ("VIP",)
COUNT = 120
OPTED_OUT = frozenset({"00003", "00013"})
SMALL = BoosterSettings(rounds=8, min_data_in_leaf=5, feature_fraction=1.0, bagging_fraction=1.0)
SETTINGS = RecommenderSettings(
    propensity=PropensitySettings(product=SMALL, any=SMALL, thin_evidence_positives=3), chunk_customers=100
)
IDS = [f"{number:05d}" for number in range(COUNT)]
Frames = dict[str, pa.Table]


def frames() -> Frames:
    """Each month a sixth of the customers acquires: holders of a card a fund, the others a card."""
    return {
        "customers": _customers(),
        "products": _products(),
        "holdings": _holdings(),
        "contacts": _contacts(),
    }


def _customers() -> pa.Table:
    many = len(MONTHS)
    return pa.table(
        {
            "customer_id": IDS * many,
            "snapshot_date": [month for month in MONTHS for _ in IDS],
            "tier": ["VIP" if number % 3 == 0 else "MASS" for number in range(COUNT)] * many,
            "aum_amount": pa.array([1_000.0 * number for number in range(COUNT)] * many),
            "manager_id": ["M1" if number < 20 else "M2" for number in range(COUNT)] * many,
            "branch_id": ["B1"] * COUNT * many,
            "consent_call": [number % 5 != 0 for number in range(COUNT)] * many,
            "consent_app": [number % 7 != 0 for number in range(COUNT)] * many,
            "profiling_opt_out": [customer in OPTED_OUT for customer in IDS] * many,
            "attribute_visits": pa.array([float(number % 4) for number in range(COUNT)] * many),
        }
    )


def _products() -> pa.Table:
    many = len(PRODUCTS)
    return pa.table(
        {
            "product_id": PRODUCTS,
            "name": [product.title() for product in PRODUCTS],
            "family": ["daily", "daily", "saving", "wealth", "wealth", "credit"],
            "offered_from": pa.array([date(2020, 1, 1)] * many, pa.date32()),
            "offered_until": pa.array([None, None, None, None, date(2024, 2, 1), None], pa.date32()),
            "channels": [list(CHANNELS)] * (many - 1) + [["branch", "call"]],
            "repeatable": [False, False, True, False, False, False],
            "unit_value_amount": pa.array([10.0, 20.0, 40.0, 200.0, 5.0, 100.0]),
            "prerequisites": [[], [], [], [], [], ["card"]],
            "recorded_date": pa.array([date(2020, 1, 1)] * many, pa.date32()),
        }
    )


def _holdings() -> pa.Table:
    rows = [(customer, "account", date(2023, 6, 1)) for customer in IDS[:-6]]
    rows += [(customer, "card", date(2023, 7, 1)) for number, customer in enumerate(IDS) if number % 2]
    for place, month in enumerate(MONTHS[1:]):
        for number in range(place, COUNT, 6):
            rows.append((IDS[number], "fund" if number % 2 else "card", month))
            rows.append((IDS[number], "deposit", month - timedelta(days=3)))
    customer, product, opened = zip(*rows, strict=True)
    return pa.table(
        {
            "customer_id": customer,
            "product_id": product,
            "opened_date": pa.array(opened, pa.date32()),
            "balance_amount": pa.array([100.0] * len(rows)),
        }
    )


def _contacts() -> pa.Table:
    """Half of the customers declined a fund, 55 to 64 days ago; some were called often, some want peace."""
    rows: list[tuple[str, str, str, datetime, str]] = []
    for number in range(0, COUNT, 2):
        moment = NOON - timedelta(days=64 - number // 2 % 10)
        rows.append((IDS[number], "fund", "call", moment, "declined"))
    for number in range(1, COUNT, 9):
        rows += [(IDS[number], "card", "app", NOON - timedelta(days=28 - k), "unreachable") for k in range(3)]
    rows += [(IDS[number], "loan", "call", NOON, "do_not_contact") for number in range(5, COUNT, 20)]
    customer, product, channel, moment, outcome = zip(*rows, strict=True)
    return pa.table(
        {
            "contact_id": [f"k{place}" for place in range(len(rows))],
            "customer_id": customer,
            "product_id": product,
            "channel": channel,
            "contacted_at": pa.array(moment, pa.timestamp("us")),
            "outcome": outcome,
        }
    )


def fit(history: History) -> Recommender:
    """Fit a small recommender."""
    training_data = TrainingData(Panel(history, tuple(MONTHS[:3])))
    return Recommender.fit(training_data, FeatureSet.read(FEATURES), SETTINGS, Machine(seed=5, threads=1))


class Served:
    """The bank, prepared and opened, with its store."""

    def __init__(self, folder: Path, recommender: Recommender, artifact: Path, days: int = 0) -> None:
        self.folder, self.recommender, self.artifact, self.days = folder, recommender, artifact, days
        self.history = History.from_frames(frames())
        self.store = Store.open(f"sqlite:///{folder}/store.db")
        self.releases = Releases(folder / "serving")
        if self.releases.pointer() is None:
            self.prepare()
        self.answering = self.opened()

    @property
    def view(self) -> View:
        return self.history.as_of(DAY)

    def prepare(self, recommender: Recommender | None = None, store_sequence: int = 0) -> Path:
        used = recommender or self.recommender
        work = NightlyBuild(
            used, self.artifact, self.history, self.view, VIP, CHANNELS, store_sequence, self.days
        )
        return publish(self.releases, self.store, work)

    def opened(self) -> OnlineService:
        return OnlineService(self.releases.current(), self.store, DaySettings(VIP, CallListSettings()))

    def offers(self, customer: str, channel: str, limit: int = 6, day: date = DAY) -> list[tuple[Any, ...]]:
        """Return what the opened release offers, in plain values."""
        moment = datetime.combine(day, NOON.time())
        return plain(self.answering.offers(customer, channel, limit, moment))


def plain(found: Any) -> list[tuple[Any, ...]]:
    """Return product, chance and value of each line."""
    return [(line.product_id, line.propensity, line.value) for line in found.lines]


def expected(
    recommender: Recommender, history: History, channel: str, limit: int = 6, day: date = DAY
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the offers of all customers of a history: chances as of `DAY`, rules as of `day`."""
    fitted, found = recommender, {}
    known = fitted.context(history.as_of(DAY), channel)
    later = gather_facts(
        history.as_of(day),
        known.catalog,
        fitted.policy,
        channel,
        scored=known.facts.products["product_scored"].to_numpy(),
    )
    start = 0
    for decisions in fitted.decisions(known):
        rows = slice(start, start + len(decisions.customer_ids))
        start = rows.stop
        verdict = decisions.verdict if day == DAY else fitted.policy.judge(later.rows(rows))
        ranks = slate(decisions.priority, verdict == ALLOWED, fitted.slate_rules(known.catalog), limit)
        value = decisions.factors.value()
        found |= {str(customer): [] for customer in decisions.customer_ids}
        for row, column in zip(*in_order(ranks, limit), strict=True):
            offer = (decisions.product_ids[column], decisions.propensity[row, column], value[row, column])
            found[str(decisions.customer_ids[row])].append(offer)
    return found


def history_with(more: Mapping[str, Sequence[Mapping[str, Any]]], customer: str) -> History:
    """Return the history of one customer alone, with further rows."""
    tables = {
        name: table.filter(pl.Series(table["customer_id"].to_pylist()).eq(customer).to_arrow())
        if "customer_id" in table.column_names
        else table
        for name, table in frames().items()
    }
    for name, rows in more.items():
        tables[name] = appended(tables[name], pa.Table.from_pylist([dict(row) for row in rows]))
    return History.from_frames(tables, calendar=MONTHS)
