"""A leak that is planted in the as-of cut itself is caught by comparing copies with another future."""

import hashlib
import json
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vipreco.features import FeatureSet
from vipreco.history import History, scrambled_future
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine

MONTHS = [date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30)]
AS_OF = MONTHS[2]
PRODUCTS = ["a", "b", "c"]
COUNT = 40


@pytest.fixture(scope="module")
def features():
    lines = (TierLine(tier="GOLD", from_amount=0.0), TierLine(tier="VIP", from_amount=50.0))
    return FeatureSet.read(Path(__file__).parents[2] / "features", TierLadder(vip=("VIP",), ladder=lines))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """A random bank: late records, closings, contacts and activity on both sides of the date."""
    folder = tmp_path_factory.mktemp("bank")
    random = np.random.default_rng(7)
    ids = [f"{number:02}" for number in range(COUNT)]
    days = np.repeat(np.array(MONTHS, dtype="datetime64[D]"), COUNT)
    profile = {
        "customer_id": ids * 4,
        "snapshot_date": days,
        "recorded_date": days + random.choice([0, 0, 0, 20], len(days)).astype("timedelta64[D]"),
        "tier": random.choice(["GOLD", "VIP"], len(days)),
        "aum_amount": random.integers(1, 100, len(days)),
        "attribute_income": random.normal(size=len(days)),
        "attribute_channel": random.choice(["web", "branch"], len(days)),
    }
    sights = {**{name: profile[name] for name in ("customer_id", "snapshot_date")}, "recorded_date": days}
    opened = np.datetime64("2020-01-01") + random.integers(0, 118, 160).astype("timedelta64[D]")
    closed = opened + random.integers(1, 90, 160).astype("timedelta64[D]")
    closed[random.random(160) < 0.5] = np.datetime64("NaT")
    holdings = {
        "customer_id": random.choice(ids, 160),
        "product_id": random.choice(PRODUCTS, 160),
        "opened_date": opened,
        "closed_date": closed,
        "balance_amount": random.integers(1, 1000, 160),
        "recorded_date": opened + random.choice([0, 0, 15], 160).astype("timedelta64[D]"),
    }
    moments = np.datetime64("2020-01-01T12:00:00", "us") + random.integers(0, 118, 100).astype(
        "timedelta64[D]"
    )
    contacts = {
        "contact_id": [str(number) for number in range(100)],
        "customer_id": random.choice(ids, 100),
        "product_id": random.choice(PRODUCTS, 100),
        "channel": random.choice(["call", "app"], 100),
        "contacted_at": moments,
        "outcome": random.choice(["accepted", "declined"], 100),
        "recorded_date": moments.astype("datetime64[D]"),
    }
    activity = {
        "customer_id": ids * 4,
        "month_date": days,
        "recorded_date": days,
        "flow_amount": random.normal(size=len(days)),
    }
    products = {"product_id": PRODUCTS, "family": ["x", "x", "y"]}
    written = {"customers": profile, "observations": sights, "holdings": holdings, "contacts": contacts}
    write_tables(folder, **written, activity=activity, products=products)
    return folder


def write_tables(folder, **tables):
    """Write a tables folder as `vipreco import` leaves it, in one batch."""
    files = {}
    for name, columns in tables.items():
        table = pa.table({**columns, "batch_sequence": np.ones(len(next(iter(columns.values()))), np.int32)})
        path = folder / "batches" / "b1" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[name] = [{"path": f"batches/b1/{name}.parquet", "sha256": digest, "rows": len(table)}]
    batch = {"sequence": 1, "batch_id": "b1", "files": files, "ledger": []}
    (folder / "manifest.json").write_text(json.dumps({"batches": [batch], "format": 1}))


def bytes_of(features, folder):
    computed = features.compute(History.open(folder).as_of(AS_OF), PRODUCTS)
    return computed.names, computed.categories, computed.matrix().values.tobytes()


@pytest.mark.parametrize("mode", ["delete", "rewrite"])
def test_features_are_the_same_bytes_whatever_the_future_is(features, tables, tmp_path, mode):
    assert scrambled_future(tables, AS_OF, tmp_path / "copy", seed=3, mode=mode) > 100
    assert bytes_of(features, tmp_path / "copy") == bytes_of(features, tables)


def without_cut(contract, uncut, day):
    return f"SELECT * FROM ({uncut})"


def without_recorded_clock(contract, uncut, day):
    return f"SELECT * FROM ({uncut}) WHERE {contract.happened} <= DATE '{day}'"


@pytest.mark.parametrize("leak", [without_cut, without_recorded_clock])
@pytest.mark.parametrize("mode", ["delete", "rewrite"])
def test_a_door_that_forgets_a_clock_is_caught(features, tables, tmp_path, monkeypatch, leak, mode):
    scrambled_future(tables, AS_OF, tmp_path / "copy", seed=3, mode=mode)
    monkeypatch.setattr(sys.modules["vipreco.history.cuts"], "known", leak)
    assert bytes_of(features, tmp_path / "copy") != bytes_of(features, tables)


def test_a_door_that_shows_later_closings_is_caught(features, tables, tmp_path, monkeypatch):
    scrambled_future(tables, AS_OF, tmp_path / "copy", seed=3, mode="rewrite")
    cuts = sys.modules["vipreco.history.cuts"]
    honest = cuts.holdings

    def careless(uncut, day, contested=None):
        known = f"opened_date <= DATE '{day}' AND recorded_date <= DATE '{day}'"
        return f"SELECT * FROM ({honest(uncut, None)}) WHERE {known}"

    monkeypatch.setattr(cuts, "holdings", careless)
    assert bytes_of(features, tmp_path / "copy") != bytes_of(features, tables)
