"""The small bank with 120 customers, whose contacts, consents and windows end on different days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from tests import small_bank
from tests.shared import BuiltOnce
from vipreco.arbitration import slate
from vipreco.history import History, View, appended
from vipreco.online import DaySettings, NightlyBuild, OnlineService, Releases
from vipreco.online.nightly import publish
from vipreco.policy import ALLOWED, gather_facts
from vipreco.recommender import (
    Recommender,
    in_order,
)
from vipreco.settings import CallListSettings
from vipreco.store import Store

MONTHS = small_bank.month_ends(2024, 1, 5)
DAY = MONTHS[-1]
NOON = datetime.fromisoformat("2024-05-31T12:00")
PRODUCTS = ["account", "card", "deposit", "fund", "gold", "loan"]
CHANNELS = ("app", "branch", "call")
VIP = ("VIP",)
COUNT = 120
OPTED_OUT = frozenset({"00003", "00013"})
SETTINGS = small_bank.settings(rounds=8, chunk_customers=100)
IDS = small_bank.customer_ids(COUNT)


def frames() -> small_bank.Frames:
    return {
        "customers": _customers(),
        "products": _products(),
        "holdings": _holdings(),
        "contacts": _contacts(),
    }


def _customers() -> pa.Table:
    numbers = range(COUNT)
    return small_bank.customers_table(
        IDS,
        MONTHS,
        tier=["VIP" if number % 3 == 0 else "MASS" for number in numbers],
        aum_amount=[1_000.0 * number for number in numbers],
        manager_id=["M1" if number < 20 else "M2" for number in numbers],
        branch_id=["B1"] * COUNT,
        consent_call=[number % 5 != 0 for number in numbers],
        consent_app=[number % 7 != 0 for number in numbers],
        profiling_opt_out=[customer in OPTED_OUT for customer in IDS],
        attribute_visits=[float(number % 4) for number in numbers],
    )


def _products() -> pa.Table:
    """The loan is not for the app."""
    channels = [list(CHANNELS)] * (len(PRODUCTS) - 1) + [["branch", "call"]]
    return small_bank.products_table(PRODUCTS, CHANNELS, channels=channels)


def _holdings() -> pa.Table:
    """The last six have no account; a deposit comes three days before what a customer acquires."""
    rows = small_bank.holdings(
        IDS, MONTHS, beside=lambda customer, month: [(customer, "deposit", month - timedelta(days=3))]
    )
    rows = [row for row in rows if row[1] != "account" or row[0] in IDS[:-6]]
    return small_bank.holdings_table(rows, balance_amount=[100.0] * len(rows))


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


def fit() -> Recommender:
    """Fit a small recommender."""
    return small_bank.fitted(frames(), MONTHS, SETTINGS)


def artifact_of(built_once: BuiltOnce) -> Path:
    """Return the saved recommender, fitted once a run."""
    return small_bank.saved(built_once, "online", lambda: (fit(), History.from_frames(frames()), DAY))


def prepared(built_once: BuiltOnce, days: int) -> Path:
    """Return the bank prepared for a day and `days` more, made once a run, to be copied."""
    artifact = artifact_of(built_once)

    def build(folder: Path) -> None:
        Served(folder, Recommender.load(artifact, threads=1), artifact, days).store.close()

    return built_once(f"online-{days}-days", build)


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
    """Return product, chances, value and expected gain of each line."""
    return [
        (
            line.product_id,
            line.propensity,
            line.value,
            line.chance_without_contact,
            line.chance_with_contact,
            line.expected_gain,
        )
        for line in found.lines
    ]


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
            chances = decisions.factors.chances
            gain = chances.gain[row, column] * value[row, column]
            numbers = decisions.propensity, value, chances.without, chances.with_contact
            offer = (decisions.product_ids[column], *(part[row, column] for part in numbers), gain)
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
