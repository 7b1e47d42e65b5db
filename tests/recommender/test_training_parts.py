"""What a fit learns from, gathered in parts: bit by bit that of one machine, whatever a part lacks."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.parts.small_tables import write_batches
from tests.recommender import test_relationship as large
from vipreco.artifact import verify
from vipreco.engines import LocalEngine
from vipreco.features import FeatureSet, Vocabulary
from vipreco.history import History
from vipreco.parts import Limits, lay_out, part_of
from vipreco.propensity import PropensitySettings
from vipreco.recommender import (
    ChangeGatherer,
    Gatherer,
    Panel,
    PanelParts,
    Recommender,
    TrainingData,
    kept_columns,
)
from vipreco.recommender.holding_states import HoldingFlags, holding_states
from vipreco.recommender.newest_columns import NewestColumns
from vipreco.recommender.row_draw import DateCounts, Draw

MONTHS = large.MONTHS[:6]
LEARNT = MONTHS[2:4]
IDS = [f"{number:05d}" for number in range(48)]
MOVED = date(2024, 5, 20)
LATE = frozenset(customer for customer in IDS if part_of(customer, 7) == 3)
"""They are in no snapshot of the newest date that is learnt from: a part of seven lacks it."""


def batches() -> list[dict[str, pa.Table]]:
    """Two batches: the second brings the newest month, and contacts that another customer had before."""
    frames = {
        name: table.filter(pc.is_in(table["customer_id"], pa.array(IDS)))
        if "customer_id" in table.column_names
        else table
        for name, table in large.frames(MONTHS).items()
    }
    customers = frames.pop("customers")
    missing = pc.and_(
        pc.is_in(customers["customer_id"], pa.array(sorted(LATE))),
        pc.equal(customers["snapshot_date"], pa.scalar(LEARNT[-1])),
    )
    customers = customers.filter(pc.invert(missing))
    newest = pc.equal(customers["snapshot_date"], pa.scalar(MONTHS[-1]))
    contacted = [(f"k{place}", customer, "called") for place, customer in enumerate(IDS[:30])]
    return [
        {
            **frames,
            "holdings": pa.concat_tables([frames["holdings"], *_moved()], promote_options="permissive"),
            "customers": customers.filter(pc.invert(newest)),
            "contacts": _contacts(contacted, 1),
        },
        {
            "customers": customers.filter(newest),
            "contacts": _contacts([("k1", IDS[40], "accepted"), ("k2", IDS[2], "accepted")], 2),
        },
    ]


def _moved() -> list[pa.Table]:
    """Twelve customers whose cards were closed and opened again as funds: no acquisitions of anybody."""
    whose = pa.array(IDS[1:48:4], pa.string())
    rows = pa.array([date(2023, 1, 1)] * len(whose), pa.date32())
    day = pa.array([MOVED] * len(whose), pa.date32())
    names = ["customer_id", "product_id", "opened_date", "closed_date"]
    nothing = pa.nulls(len(whose), pa.date32())
    return [
        pa.table([whose, pa.array(["card"] * len(whose)), rows, day], names),
        pa.table([whose, pa.array(["fund"] * len(whose)), day, nothing], names),
    ]


def _contacts(rows: list[tuple[str, str, str]], batch: int) -> pa.Table:
    ids, customers, outcomes = zip(*rows, strict=True)
    moments = [datetime.combine(date(2024, 4 + place % 2, 10), time(10)) for place in range(len(rows))]
    return pa.table(
        {
            "contact_id": ids,
            "customer_id": customers,
            "product_id": ["fund"] * len(ids),
            "channel": ["call"] * len(ids),
            "contacted_at": pa.array(moments, pa.timestamp("us")),
            "outcome": outcomes,
            "recorded_date": pa.array([MONTHS[-2]] * len(ids)),
            "batch_sequence": pa.array([batch] * len(ids), pa.int32()),
        }
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_batches(tmp_path_factory.mktemp("bank") / "tables", batches())


@pytest.fixture(scope="module")
def features() -> FeatureSet:
    return FeatureSet.read(large.FEATURES, large.LADDER)


def panel(tables: Path, parts: int, days: tuple[date, ...] = tuple(LEARNT)) -> Panel:
    found = Panel(History.open(tables, 1), days)
    laid = lay_out(tables, str(tables.parent / "parts"), parts, Limits(1))
    return replace(found, parts=PanelParts(LocalEngine(str(tables.parent / "runs")), laid))


def everything(own: Panel, features: FeatureSet, settings: Any) -> dict[str, Any]:
    """Return all arrays that a fit learns from."""
    newest = NewestColumns.of(own, features)
    vocabulary = features.vocabulary_of(newest.columns)
    kept = kept_columns(vocabulary.columns(newest.product_ids), settings.leave_out)
    gatherer = Gatherer(features, vocabulary, newest.product_ids, kept, settings, 3)
    rows, contacts = gatherer.rows_and_contacts(own, with_contacts=True)
    changes = ChangeGatherer.of(features, vocabulary, settings, 3).rows(own)
    with holding_states(own, HoldingFlags(newest.product_ids, newest.segments)) as states:
        found = [rows, contacts, contacts.contacted, contacts.shifted, changes, states.at(1), states.ever(0)]
    every = {
        f"{type(one).__name__} {place} {field.name}": getattr(one, field.name)
        for place, one in enumerate(found)
        for field in fields(one)
    }
    return {"newest": newest, "vocabulary": vocabulary.to_bytes(), **every}


def assert_equal(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            assert found[name].dtype.kind == value.dtype.kind, name
            np.testing.assert_array_equal(found[name], value, name)
        elif name != "Contacted":
            assert repr(found[name]) == repr(value), name


@pytest.fixture(scope="module")
def expected(tables: Path, features: FeatureSet) -> dict[str, Any]:
    alone = replace(panel(tables, 1), parts=None)
    assert alone.history.mass_reopenings(*_window(alone)) == [("fund", str(MOVED), "card")]
    found = everything(alone, features, large.SETTINGS)
    assert len(found["ContactRows 1 tiers"]) == 2 * (len(IDS) - len(LATE))
    assert len(found["Contacted 2 row"]) > 5
    return found


def test_two_parts_give_the_arrays_of_one_machine(
    tables: Path, features: FeatureSet, expected: dict[str, Any]
):
    """A contact changed its customer, and funds were moved for too few of a part to be seen there."""
    assert_equal(everything(panel(tables, 2), features, large.SETTINGS), expected)


@pytest.mark.long
@pytest.mark.parametrize("number", [1, 7])
def test_a_part_that_lacks_a_snapshot_or_customers_gives_the_arrays_of_one_machine(
    tables: Path, features: FeatureSet, expected: dict[str, Any], number: int
):
    assert_equal(everything(panel(tables, number), features, large.SETTINGS), expected)


def _window(own: Panel) -> tuple[date, date]:
    return own.history.label_window(LEARNT[-1], 1)


@pytest.mark.long
def test_more_parts_than_customers_give_the_same_artifact(tables: Path, features: FeatureSet, tmp_path: Path):
    hashes = set()
    for number in (1, 2, 7, 64):
        own = panel(tables, number)
        fitted = Recommender.fit(TrainingData(own), features, large.SETTINGS, large.MACHINE)
        fitted.save(tmp_path / str(number), {}, own.history.as_of(MONTHS[-1]))
        hashes.add(verify(tmp_path / str(number)).artifact_hash)
    assert len(hashes) == 1


def test_a_cap_on_acquirers_samples_them_and_weighs_them_back(features: FeatureSet):
    own = Panel(History.from_frames(large.frames(MONTHS)), (LEARNT[0],))
    capped = PropensitySettings.model_construct(**{**dict(large.SETTINGS.propensity), "max_acquirer_rows": 5})
    gatherer = Gatherer(features, Vocabulary((), (), {}), ("card", "fund"), np.arange(0), large.SETTINGS, 3)
    whole = gatherer.rows(own)
    settings = large.SETTINGS.model_copy(update={"propensity": capped})
    some = replace(gatherer, settings=settings).rows(own)
    assert 0 < some.acquirers.sum() < whole.acquirers.sum()
    assert some.weights[some.acquirers].sum() == pytest.approx(whole.acquirers.sum())
    assert (some.weights[~some.acquirers] == 1).all()


def test_a_draw_fills_its_room_in_expectation_and_takes_rare_products_whole():
    settings = PropensitySettings(max_acquirer_rows=4_000, max_rate_rows=2_000)
    draw = Draw.of(DateCounts(10_000, 90_000, np.array([9_500, 400, 100])), settings, dates=2)
    assert draw.rare == (1, 2)
    assert draw.acquirers == pytest.approx((2_000 - 500) / (10_000 - 500))
    assert draw.others == pytest.approx(500 / 90_000), "half of the room is left to them"
    few = Draw.of(DateCounts(1_000, 600, np.array([900, 100])), settings, dates=2)
    assert few == Draw(500 / 600, 1.0)
