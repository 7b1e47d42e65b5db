"""Cited facts: exact on a bank that can be read by eye, and twice the same on random ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import Phase, given, settings, strategies as st

from vipreco.explanations import FactBook, RawTables, ReasonCatalog, check_facts, cited_frame, facts
from vipreco.explanations.facts import Fact, key_of
from vipreco.history import History

GOLDEN = Path(__file__).parents[2] / "features" / "golden"
CATALOGUE = ReasonCatalog.shipped()
PRODUCTS = ("card", "fund", "loan")
JUNE = date(2020, 6, 30)
OWN = {"customers": ("attribute_income",), "activity": ("flow",)}


def golden_frames() -> dict[str, pa.Table]:
    texts = ("customer_id", "contact_id", "product_id", "outcome", "tier")
    kinds = {"attribute_income": pa.float64(), "flow": pa.float64(), **dict.fromkeys(texts, pa.string())}
    options = pacsv.ConvertOptions(column_types=kinds, strings_can_be_null=True)
    names = ("customers", "holdings", "products", "contacts", "activity")
    return {name: pacsv.read_csv(GOLDEN / f"{name}.csv", convert_options=options) for name in names}


def all_keys(tables: set[str]) -> list[tuple[str, str]]:
    keys = set()
    for kind, entry in CATALOGUE.fact.items():
        if entry.table in tables:
            for subject in (*PRODUCTS, *OWN.get(entry.table, ())):
                known = subject in PRODUCTS or entry.column == "*"
                if known and (entry.column != "*" or subject not in PRODUCTS):
                    keys.add(key_of(entry, kind, subject))
    return sorted(keys)


def cited(book: FactBook) -> Iterator[tuple[str, Fact]]:
    """Give every fact of a book with its customer."""
    for kind, subject in sorted(book.cells):
        for place in np.flatnonzero(book.cells[kind, subject].there).tolist():
            yield str(book.customer_ids[place]), book.fact(kind, subject, place)


def book_of(frames: dict[str, pa.Table], day: date, tables: set[str]) -> FactBook:
    view = History.from_frames(frames).as_of(day)
    ids = np.array(view.population()["customer_id"].to_pylist())
    return FactBook.of(view, ids, all_keys(tables), CATALOGUE)


def raw_of(frames: dict[str, pa.Table], day: date, customers: list[str]) -> RawTables:
    scans = {name: pl.DataFrame(frame).lazy() for name, frame in frames.items()}
    return RawTables.of(scans, day, customers)


@pytest.fixture(scope="module")
def golden() -> FactBook:
    return book_of(golden_frames(), JUNE, {"customers", "holdings", "activity", "contacts"})


EXPECTED = {  # worked out by hand from features/golden
    ("assets", ""): (JUNE, "200.00", None),
    ("assets_before", ""): (date(2020, 3, 31), "200.00", None),
    ("tier", ""): (JUNE, "VIP", None),
    ("holding", "card"): (date(2020, 5, 31), "2020-05-31", "card"),
    ("balance", "card"): (date(2020, 5, 31), "100.50", "card"),
    ("left", "loan"): (JUNE, "2020-06-30", "loan"),
    ("income", "attribute_income"): (JUNE, "12.0", None),
    ("income_before", "attribute_income"): (date(2020, 5, 31), "10.0", None),
    ("ended", ""): (JUNE, "2020-06-30", "loan"),
    ("activity", "flow"): (JUNE, "8.0", None),
    ("activity_peak", "flow"): (date(2020, 4, 30), "9.0", None),
    ("last_contact", ""): (date(2020, 6, 10), "declined", "fund"),
    ("last_accepted", ""): (date(2020, 3, 20), "accepted", "card"),
    ("contact_about", "card"): (date(2020, 3, 20), "accepted", "card"),
    ("declined", "fund"): (date(2020, 6, 10), "declined", "fund"),
}
ABSENT = [("holding", "loan"), ("left", "card"), ("contact_about", "loan"), ("declined", "card")]


@pytest.mark.parametrize("key", sorted(EXPECTED))
def test_each_kind_of_fact_is_the_cell_that_a_person_finds(golden: FactBook, key: tuple[str, str]):
    fact = golden.fact(*key, 0)
    assert golden.customer_ids[0] == "A"
    assert (fact.date, fact.value, fact.product_id) == EXPECTED[key]


def test_what_did_not_happen_or_was_not_known_is_no_fact(golden: FactBook):
    assert [key for key in ABSENT if golden.cells[key].there[0]] == []


def test_the_stored_rows_confirm_every_fact_of_the_golden_bank(golden: FactBook):
    told = list(cited(golden))
    assert len(told) > len(EXPECTED)
    checked = check(told, raw_of(golden_frames(), JUNE, ["A", "B", "D"]))
    assert checked["equal"].all()


def check(told: list[tuple[str, Fact]], raw: RawTables) -> pl.DataFrame:
    return check_facts(cited_frame([who for who, _ in told], [fact for _, fact in told]), raw, CATALOGUE)


SPOILED = {
    "value": lambda fact: replace(fact, value=fact.value + "1"),
    "date": lambda fact: replace(fact, date=fact.date - timedelta(days=1)),
    "product": lambda fact: replace(fact, product_id="gold"),
    "column": lambda fact: replace(fact, column="tier" if fact.column != "tier" else "aum_amount"),
    "table": lambda fact: replace(fact, table="products"),
}


@pytest.mark.parametrize("part", sorted(SPOILED))
def test_a_fact_that_is_wrong_in_any_part_is_caught(golden: FactBook, part: str):
    raw = raw_of(golden_frames(), JUNE, ["A", "B", "D"])
    told = [
        (who, SPOILED[part](fact)) for who, fact in cited(golden) if fact.column not in ("attribute", "flow")
    ]
    assert not check(told, raw)["equal"].any()


def test_a_fact_of_another_customer_is_caught(golden: FactBook):
    told = [("D" if who == "A" else "A", fact) for who, fact in cited(golden) if fact.table == "holdings"]
    assert not check(told, raw_of(golden_frames(), JUNE, ["A", "B", "D"]))["equal"].any()


def test_a_lookup_that_takes_the_wrong_row_is_caught(monkeypatch: pytest.MonkeyPatch):
    def first(table: pl.DataFrame, keys: list[str], order: list[str]) -> pl.DataFrame:
        return table.sort(order).unique(keys, keep="first", maintain_order=True)

    monkeypatch.setattr(facts, "_last", first)
    frames = golden_frames()
    earlier = {"customer_id": "A", "product_id": "loan", "opened_date": date(2018, 1, 1)}
    earlier |= {"closed_date": date(2018, 6, 1), "recorded_date": date(2018, 6, 1), "batch_sequence": 1}
    one = pa.Table.from_pylist([{**earlier, "balance_amount": None}], frames["holdings"].schema)
    frames["holdings"] = pa.concat_tables([frames["holdings"], one])
    book = book_of(frames, JUNE, {"holdings"})
    checked = check(list(cited(book)), raw_of(frames, JUNE, ["A", "B", "D"]))
    assert set(checked.filter(~pl.col("equal"))["kind"]) == {"left", "ended"}


START = date(2020, 1, 1)
DAYS = st.integers(0, 200).map(lambda days: START + timedelta(days=days))
MONTH_ENDS = st.sampled_from([date(2020, month, 28) for month in range(1, 8)])
WHO, WHAT = st.sampled_from(["1", "2", "3"]), st.sampled_from(PRODUCTS)
CUSTOMER = st.tuples(WHO, MONTH_ENDS, DAYS, st.sampled_from(["A", "B", None]), st.integers(0, 3))
HOLDING = st.tuples(WHO, WHAT, DAYS, st.none() | DAYS, st.none() | DAYS)
MOMENTS = DAYS.map(lambda day: datetime.combine(day, time(9, 30)))
OUTCOMES = st.sampled_from(["accepted", "declined", "postponed"])
TOLD = st.tuples(st.sampled_from("pqr"), WHO, st.none() | WHAT, MOMENTS, OUTCOMES)
CONTACT = TOLD.map(lambda contact: (contact[0] + contact[1], *contact[1:]))  # a contact keeps its customer
ACTIVITY = st.tuples(WHO, MONTH_ENDS, st.none() | DAYS, st.none() | st.integers(0, 3))
BANK = st.tuples(
    st.lists(CUSTOMER, min_size=1, max_size=14),
    st.lists(HOLDING, min_size=1, max_size=10),
    st.lists(CONTACT, min_size=1, max_size=6),
    st.lists(ACTIVITY, min_size=1, max_size=10),
    DAYS,
)
SCHEMAS = {
    "customers": "customer_id snapshot_date recorded_date tier aum_amount batch_sequence",
    "holdings": "customer_id product_id opened_date closed_date recorded_date batch_sequence",
    "contacts": "contact_id customer_id product_id contacted_at outcome batch_sequence",
    "activity": "customer_id month_date recorded_date flow batch_sequence",
}


def kind_of(name: str) -> pa.DataType:
    if name.endswith("_date") or name == "contacted_at":
        return pa.timestamp("us") if name == "contacted_at" else pa.date32()
    numbers = {"aum_amount": pa.decimal128(18, 2), "flow": pa.float64(), "batch_sequence": pa.int32()}
    return numbers.get(name, pa.string())


def bank_frames(bank: tuple[list[tuple[object, ...]], ...]) -> dict[str, pa.Table]:
    found = {}
    for (table, names), rows in zip(SCHEMAS.items(), bank, strict=False):
        columns = names.split()
        records = [dict(zip(columns, (*row, batch), strict=True)) for batch, row in enumerate(rows)]
        found[table] = pa.Table.from_pylist(records, pa.schema([(name, kind_of(name)) for name in columns]))
    found["products"] = pa.table({"product_id": list(PRODUCTS)})
    return found


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(BANK)
def test_facts_are_own_known_by_both_clocks_and_equal_to_a_plain_reading(bank):
    *rows, day = bank
    if not any(seen <= day and recorded <= day for _, seen, recorded, _, _ in rows[0]):
        return
    frames = bank_frames(tuple(rows))
    keys = [key for key in all_keys(set(SCHEMAS)) if cited_column(key) in " ".join(SCHEMAS.values()).split()]
    view = History.from_frames(frames).as_of(day)
    ids = np.array(view.population()["customer_id"].to_pylist())
    book = FactBook.of(view, ids, keys, CATALOGUE)
    told = list(cited(book))
    assert all(fact.date <= day for _, fact in told)
    raw = raw_of(frames, day, ids.tolist())
    assert check(told, raw)["equal"].all()
    assert {(who, fact) for who, fact in told} == set(by_raw(raw, keys, ids.tolist()))


def cited_column(key: tuple[str, str]) -> str:
    column = CATALOGUE.fact[key[0]].column
    return key[1] if column == "*" else column


def by_raw(raw: RawTables, keys: list[tuple[str, str]], ids: list[str]) -> Iterator[tuple[str, Fact]]:
    """Give what the plain reading would cite: so nothing is forgotten either."""
    for kind, subject in keys:
        entry = CATALOGUE.fact[kind]
        column = cited_column((kind, subject))
        for row in raw.cells(entry, column).iter_rows(named=True):
            mine = entry.row not in facts.PRODUCT_ROWS or row["product_id"] == subject
            if mine and row["customer_id"] in ids:
                cell = (row["date"], row["value"], row["product_id"])
                yield row["customer_id"], Fact(kind, entry.table, column, *cell)
