"""Features that were laid down are the same as computed ones, whatever becomes known of whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from vipreco.features import (
    ComputedFeatures,
    FeatureSet,
    StoredFeatureSet,
    Vocabulary,
    open_stored_features,
    save_features,
    save_packed_features,
)
from vipreco.features.stored_features import Invalidation, reads
from vipreco.history import History, Records, ReusableDatabase, ReusableView
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine

FEATURES = Path(__file__).parents[2] / "features"
MONTHS = [date(2024, month, 28) for month in range(1, 8)]
DAY = MONTHS[-1]
NOON = datetime.fromisoformat("2024-07-28T12:00")
IDS = [f"c{number}" for number in range(12)]
PRODUCTS = ("account", "card", "fund")
LADDER = TierLadder(
    vip=("VIP",), ladder=(TierLine(tier="MASS", from_amount=0.0), TierLine(tier="VIP", from_amount=500.0))
)
Rows = Mapping[str, pa.Table]
OUTCOMES = ("accepted", "declined", "postponed", "unreachable")


def customer_rows(customer: str, months: list[date], number: int, **values: Any) -> list[dict[str, Any]]:
    row = {
        "customer_id": customer,
        "tier": "VIP" if number % 2 else "MASS",
        "risk_level": f"R{number % 4}",
        "birth_date": date(1960 + number, 3, 1),
        "attribute_visits": float(number),
        "attribute_sort": "ab"[number % 2],
        "attribute_since": date(2020, 1, 1 + number),
        "batch_sequence": 0,
    }
    return [
        {**row, "snapshot_date": month, "aum_amount": 100.0 * number + 10 * place, **values}
        for place, month in enumerate(months)
    ]


def tables() -> dict[str, pa.Table]:
    customers = [
        row for number, one in enumerate(IDS) for row in customer_rows(one, MONTHS[number % 3 :], number)
    ]
    held = [
        {
            "customer_id": one,
            "product_id": product,
            "opened_date": MONTHS[(number + place) % 6],
            "balance_amount": 5.0,
        }
        for number, one in enumerate(IDS)
        for place, product in enumerate(PRODUCTS[: number % 4])
    ]
    activity = [
        {"customer_id": one, "month_date": month, "flow_amount": 3.0 * number - place, "visits": number}
        for number, one in enumerate(IDS[1:])
        for place, month in enumerate(MONTHS)
    ]
    contacts = [
        {
            "contact_id": f"k{number}",
            "customer_id": one,
            "product_id": PRODUCTS[number % 3],
            "channel": "call",
            "contacted_at": NOON - timedelta(days=50 - number),
            "outcome": OUTCOMES[number % 4],
        }
        for number, one in enumerate(IDS[2:])
    ]
    products = [{"product_id": one, "family": one[0], "recorded_date": MONTHS[0]} for one in PRODUCTS]
    rows = {
        "customers": customers,
        "holdings": held,
        "activity": activity,
        "contacts": contacts,
        "products": products,
    }
    return {name: pa.Table.from_pylist(found) for name, found in rows.items()}


@dataclass(frozen=True)
class Bank:
    """Stored features of a bank, and what computes without them."""

    features: FeatureSet
    vocabulary: Vocabulary
    records: Records
    stored: StoredFeatureSet
    database: ReusableDatabase
    plain: ReusableDatabase

    def view(self, customers: list[str], more: Rows) -> ReusableView:
        """Return a view of some customers."""
        return ReusableView(self.database, customers, more)

    def both(self, customers: list[str], more: Rows) -> tuple[ComputedFeatures, ComputedFeatures]:
        """Return the features with and without stored features."""
        found = self.stored.compute(self.view(customers, more), PRODUCTS).encoded(self.vocabulary)
        alone = ReusableView(self.plain, customers, more)
        return found, self.features.compute(alone, PRODUCTS).encoded(self.vocabulary)

    def same(self, customers: list[str], more: Rows) -> None:
        """Make sure that they are equal to the last bit."""
        found, expected = self.both(customers, more)
        assert found.customer_ids.tolist() == expected.customer_ids.tolist()
        ours, theirs = found.matrix(), expected.matrix()
        assert ours.names == theirs.names
        np.testing.assert_array_equal(ours.values, theirs.values)
        np.testing.assert_array_equal(found.blank, expected.blank)


@pytest.fixture(scope="module", params=["all tables", "no contacts", "packed"])
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    frames = tables()
    if request.param == "no contacts":
        frames.pop("contacts")
    features = FeatureSet.read(FEATURES, LADDER)
    learnt = features.compute(History.from_frames(tables()).as_of(DAY), PRODUCTS)
    vocabulary = features.learn_vocabulary(learnt)
    packed = request.param == "packed"
    return stored_bank(frames, features, vocabulary, tmp_path_factory.mktemp("bank"), packed=packed)


def stored_bank(
    frames: Rows, features: FeatureSet, vocabulary: Vocabulary, folder: Path, *, packed: bool = False
) -> Bank:
    history = History.from_frames(frames)
    computed = features.compute(history.as_of(DAY), PRODUCTS).encoded(vocabulary)
    (folder / "features").mkdir()
    (folder / "records").mkdir()
    (save_packed_features if packed else save_features)(computed, folder / "features")
    ids = computed.customer_ids
    history.save_records(folder / "records", pa.array(ids.tolist(), pa.string()), packed=packed)
    records = Records(folder / "records", ids, MONTHS)
    stored = StoredFeatureSet(
        features, vocabulary, PRODUCTS, open_stored_features(folder / "features", records, DAY, ids)
    )
    return Bank(
        features, vocabulary, records, stored, ReusableDatabase(records, DAY), ReusableDatabase(records, DAY)
    )


def test_of_whom_nothing_is_new_nothing_is_computed(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    for customers in ([IDS[3]], IDS, [IDS[0], "nobody", IDS[7]]):
        bank.same(customers, {})
    found = bank.stored.compute(bank.view(IDS[2:4], {}), PRODUCTS)
    alone = bank.features.compute(
        History.from_frames(bank.records.of(IDS[2:4]), calendar=MONTHS).as_of(DAY), PRODUCTS
    )
    np.testing.assert_array_equal(found.matrix().values, alone.encoded(bank.vocabulary).matrix().values)
    monkeypatch.setattr(FeatureSet, "_made", None)
    assert len(bank.stored.compute(bank.view(IDS, {}), PRODUCTS)) == len(IDS)


def contact_rows(customer: str, number: int, outcome: str) -> list[dict[str, Any]]:
    row = {"contact_id": f"new{number}", "customer_id": customer, "product_id": PRODUCTS[number % 3]}
    moment = NOON - timedelta(days=25 - number)
    return [{**row, "channel": "app", "contacted_at": moment, "outcome": outcome}]


def changed_rows(draw: Callable[[Any], Any], customer: str, known: bool) -> dict[str, list[dict[str, Any]]]:
    """Return further rows of one customer: none, or some of each kind that a request or the store brings."""
    number = draw(st.integers(0, 25))
    found: dict[str, list[dict[str, Any]]] = {}
    if not known or draw(st.booleans()):
        aum = draw(st.sampled_from([None, 0.0, 499.99, 12345.67]))
        found["customers"] = customer_rows(customer, [DAY], number, aum_amount=aum, batch_sequence=7)
    if not known:
        found["observations"] = [{"customer_id": customer, "snapshot_date": DAY}]
    if draw(st.booleans()):
        row = {"customer_id": customer, "product_id": draw(st.sampled_from(PRODUCTS)), "batch_sequence": 7}
        opened = draw(st.sampled_from([*MONTHS, DAY - timedelta(days=1)]))
        closed = draw(st.sampled_from([None, DAY]))
        found["holdings"] = [{**row, "opened_date": opened, "closed_date": closed}]
    if draw(st.booleans()):
        found["contacts"] = contact_rows(customer, number, draw(st.sampled_from(OUTCOMES)))
    if draw(st.booleans()):
        found["activity"] = [
            {"customer_id": customer, "month_date": DAY, "flow_amount": 1.5 * number, "batch_sequence": 7}
        ]
    return found


@st.composite
def questions(draw: Callable[[Any], Any]) -> tuple[list[str], Rows]:
    known = draw(st.lists(st.sampled_from(IDS), max_size=3, unique=True))
    new = draw(st.sampled_from([[], [""], ["new"]])) if known else [draw(st.sampled_from(["", "new"]))]
    rows: dict[str, list[dict[str, Any]]] = {}
    for customer in (*known, *new):
        for name, found in changed_rows(draw, customer, customer in known).items():
            rows.setdefault(name, []).extend(found)
    if draw(st.booleans()):
        rows["products"] = [{"product_id": "fund", "family": "z", "recorded_date": DAY, "batch_sequence": 1}]
    schemas = {name: table.schema for name, table in tables().items()}
    more = {name: typed(found, schemas.get(name)) for name, found in rows.items()}
    return [*known, *new], more


def typed(rows: list[dict[str, Any]], schema: pa.Schema | None) -> pa.Table:
    """Return rows in the types of a table."""
    types = {field.name: field.type for field in schema or []} | {"closed_date": pa.date32()}
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: pa.array([row.get(name) for row in rows], types.get(name)) for name in names})


@settings(
    max_examples=50,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(question=questions())
def test_stored_and_computed_features_are_the_same_as_all_computed(
    bank: Bank, question: tuple[list[str], Rows]
) -> None:
    bank.same(*question)


BY_CUSTOMERS = {
    "activity_to_assets",
    "asset_path",
    "attribute_categories",
    "attribute_dates",
    "attribute_numbers",
    "profile",
    "tier_distance",
}
BY_HOLDINGS = {"baskets", "customer_holdings", "product_state", "holding_states", "holding_changes"}
BY_PRESENCE = {"customer_presence", "product_state", "presence"}
TOUCHED = {
    "customers": BY_CUSTOMERS,
    "holdings": BY_HOLDINGS | {"presence"},  # which the products' states read, too
    "contacts": {"contact_history", "product_contacts"},
    "activity": {"activity", "activity_mean", "activity_peak", "activity_to_assets"},
    "products": {"baskets", "holding_states"},
    "observations": BY_CUSTOMERS | BY_PRESENCE | {"calendar", "holding_states", "holding_changes"},
}


@pytest.mark.parametrize("table", sorted(TOUCHED))
def test_the_sql_tells_which_files_read_what_is_new(bank: Bank, table: str) -> None:
    rows = {**tables(), "observations": tables()["customers"].select(["customer_id", "snapshot_date"])}
    view = bank.view([IDS[4]], {table: rows[table].slice(0, 1), "contacts": rows["contacts"]})
    planned = bank.features._planned(view)
    overridden = bank.view([IDS[4]], {table: rows[table].slice(0, 1)}).overridden
    found = Invalidation.of(planned, bank.vocabulary, overridden)
    assert {item.file.name for item in found.planned} == TOUCHED[table]


COLUMNS = {
    "tier": ("MASS", {"profile", "tier_distance"}),
    "aum_amount": (Decimal("12345.67"), {"activity_to_assets", "asset_path", "profile", "tier_distance"}),
    "risk_level": ("R9", {"profile"}),
    "birth_date": (None, {"profile"}),
    "attribute_visits": (77.0, {"attribute_numbers"}),
    "attribute_sort": ("a", {"attribute_categories"}),
    "attribute_since": (date(2021, 5, 5), {"attribute_dates"}),
}


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_another_value_of_a_column_leaves_files_alone_that_do_not_look_at_it(bank: Bank, column: str) -> None:
    value, files = COLUMNS[column]
    known = bank.records.of([IDS[3]])["customers"].to_pylist()
    newest = max(known, key=lambda row: row["snapshot_date"])
    changed = {**newest, column: value, "batch_sequence": 9}
    assert changed[column] != newest[column]
    more = {"customers": pa.Table.from_pylist([changed], bank.records.schemas["customers"])}
    view = bank.view([IDS[3]], more)
    differs = frozenset({column, "batch_sequence"})
    assert view.overridden == {"customers": differs, "customers_now": differs}
    found = Invalidation.of(bank.features._planned(view), bank.vocabulary, view.overridden)
    assert {item.file.name for item in found.planned} == files
    bank.same([IDS[3]], more)


def test_a_row_that_was_known_before_all_others_of_its_fact_may_change_anything(bank: Bank) -> None:
    known = bank.records.of([IDS[3]])["customers"].to_pylist()
    newest = max(known, key=lambda row: row["snapshot_date"])
    schema = bank.records.schemas["customers"]
    day = timedelta(days=1)
    for other in (
        {"recorded_date": newest["recorded_date"] - day},
        {"recorded_date": None},
        {"snapshot_date": newest["snapshot_date"] - day},
    ):
        more = {"customers": pa.Table.from_pylist([{**newest, **other}], schema)}
        assert bank.view([IDS[3]], more).overridden == {"customers": None, "customers_now": None}


@pytest.mark.parametrize("table", ["customers", "holdings", "contacts", "activity"])
def test_a_feature_that_were_kept_wrongly_would_be_seen(
    bank: Bank, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {
        "customers": customer_rows(IDS[4], [DAY], 9, batch_sequence=7),
        "holdings": [{"customer_id": IDS[4], "product_id": "fund", "opened_date": DAY}],
        "contacts": contact_rows(IDS[4], 3, "declined"),
        "activity": [{"customer_id": IDS[4], "month_date": DAY, "flow_amount": 77.0, "batch_sequence": 7}],
    }
    more = {table: typed(rows[table], tables()[table].schema)}
    bank.same([IDS[4]], more)
    monkeypatch.setattr(ReusableView, "overridden", {})
    with pytest.raises(AssertionError):
        bank.same([IDS[4]], more)


OWN = """
[[file]]
name = "reached"
grain = "shared"
description = "Contacts that reached somebody."
tables = ["contacts"]

[[file]]
name = "moods"
grain = "customer"
family = "Test"
description = "What came of the last contact, through a step."
tables = ["reached"]
features = [{ name = "mood", type = "category", description = "Outcome of the test." }]

[[file]]
name = "wealth"
grain = "customer"
family = "Test"
description = "Assets, which no contact changes."
tables = ["customers_now"]
features = [{ name = "wealth", type = "number", description = "Assets of the test." }]
"""
OWN_SQL = {
    "reached": "SELECT * FROM contacts WHERE outcome <> 'unreachable'",
    "moods": "SELECT customer_id, max_by(outcome, contacted_at) AS mood FROM reached GROUP BY customer_id",
    "wealth": "SELECT customer_id, aum_amount AS wealth FROM customers_now",
}


def test_an_outcome_of_the_day_reaches_what_reads_it_through_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    definition = {"dictionary.toml": OWN.encode(), "prohibited.toml": b"prohibited = []"}
    definition |= {f"{name}.sql": sql.encode() for name, sql in OWN_SQL.items()}
    features = FeatureSet.from_definition(definition)
    vocabulary = features.learn_vocabulary(
        features.compute(History.from_frames(tables()).as_of(DAY), PRODUCTS)
    )
    bank = stored_bank(tables(), features, vocabulary, tmp_path)
    run: list[list[str]] = []
    made = FeatureSet._made
    monkeypatch.setattr(
        FeatureSet,
        "_made",
        lambda self, view, planned, *rest: (
            run.append([item.file.name for item in planned]) or made(self, view, planned, *rest)
        ),
    )
    more = {"contacts": typed(contact_rows(IDS[5], 3, "postponed"), tables()["contacts"].schema)}
    found = bank.stored.compute(bank.view([IDS[5]], more), PRODUCTS)
    assert run == [["reached", "moods"]]
    assert vocabulary.categories["mood"][int(found.customer_values[0, 0])] == "postponed"
    assert found.customer_values[0, 1] == 100.0 * 5 + 10 * 4
    bank.same([IDS[5]], more)
    assert reads(features._planned(bank.view([], {})))["moods"] == {"reached", "contacts"}
