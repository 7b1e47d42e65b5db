"""The as-of view against a plain-Python oracle that knows nothing of SQL, on random small banks."""

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given, settings, strategies as st

from vipreco.history import History, add_months

START = date(2020, 1, 1)
DAYS = st.integers(0, 70).map(lambda days: START + timedelta(days=days))
CUSTOMERS = st.sampled_from(["1", "2", "3"])
VERSION = st.tuples(CUSTOMERS, st.sampled_from(["a", "b"]), DAYS, st.none() | DAYS, DAYS)
SIGHT = st.tuples(CUSTOMERS, st.sampled_from([date(2020, 1, 31), date(2020, 2, 29)]), DAYS)
BANKS = st.tuples(
    st.lists(VERSION, max_size=12), st.lists(SIGHT, max_size=8), st.sets(st.sampled_from(["a", "b"]))
)


def history(versions, sights, repeatable):
    holdings = pa.Table.from_pylist(
        [
            dict(zip(HOLDING_COLUMNS, (*version, batch), strict=True))
            for batch, version in enumerate(versions)
        ],
        schema=HOLDING_SCHEMA,
    )
    observations = pa.Table.from_pylist(
        [dict(zip(SIGHT_COLUMNS, (*sight, batch), strict=True)) for batch, sight in enumerate(sights)],
        schema=SIGHT_SCHEMA,
    )
    products = pa.table({"product_id": ["a", "b"], "repeatable": [name in repeatable for name in "ab"]})
    return History.from_frames({"holdings": holdings, "observations": observations, "products": products})


HOLDING_COLUMNS = (
    "customer_id",
    "product_id",
    "opened_date",
    "closed_date",
    "recorded_date",
    "batch_sequence",
)
HOLDING_SCHEMA = pa.schema(
    list(zip(HOLDING_COLUMNS, [pa.string(), pa.string(), *[pa.date32()] * 3, pa.int32()], strict=True))
)
SIGHT_COLUMNS = ("customer_id", "snapshot_date", "recorded_date", "batch_sequence")
SIGHT_SCHEMA = pa.schema(
    list(zip(SIGHT_COLUMNS, [pa.string(), pa.date32(), pa.date32(), pa.int32()], strict=True))
)


def known_holdings(versions, day):
    """The newest version of each holding that had happened and was recorded by `day`, without empty ones."""
    newest = {}
    for batch, (customer, product, opened, closed, recorded) in enumerate(versions):
        if day is None or (opened <= day and recorded <= day):
            key, clock = (customer, product, opened), (recorded, batch)
            if key not in newest or clock > newest[key][0]:
                newest[key] = (clock, closed)
    real = {key: closed for key, (_, closed) in newest.items() if closed is None or closed > key[2]}
    return {
        (*key, closed if closed is not None and (day is None or closed <= day) else None)
        for key, closed in real.items()
    }


def present(sights, day):
    """Return the customers of the newest snapshot that is known at `day`."""
    known = [(customer, seen) for customer, seen, recorded in sights if seen <= day and recorded <= day]
    newest = max((seen for _, seen in known), default=None)
    return newest, {customer for customer, seen in known if seen == newest}


def expected_labels(versions, sights, repeatable, after, until):
    start = max(after, add_months(until, -1))
    at_end = {customer for customer, seen, _ in sights if start < seen <= until}
    observed = at_end & present(sights, after)[1]
    holdings = known_holdings(versions, None)
    acquired = {}
    for customer, product, opened, _ in sorted(holdings, key=lambda item: item[2], reverse=True):
        earlier = [item for item in holdings if item[:2] == (customer, product) and item[2] <= after]
        still = any(item[3] is None or item[3] > after for item in earlier)
        if after < opened <= until and customer in observed and (not still or product in repeatable):
            acquired[customer, product] = (customer, product, opened, bool(earlier))
    return sorted(acquired.values()), sorted(observed)


@settings(max_examples=60, deadline=None)
@given(BANKS, DAYS)
def test_a_view_is_what_the_oracle_knows_at_the_date(bank, day):
    versions, sights, _ = bank
    snapshot, population = present(sights, day)
    if snapshot is None:
        return
    view = history(*bank).as_of(day)
    columns = "customer_id, product_id, opened_date, closed_date"
    found = view.query(f"SELECT {columns} FROM holdings").to_pylist()
    assert {tuple(row.values()) for row in found} == known_holdings(versions, day)
    assert len(found) == len(known_holdings(versions, day))
    assert view.snapshot_date == snapshot
    assert view.population()["customer_id"].to_pylist() == sorted(population)


@settings(max_examples=60, deadline=None)
@given(BANKS, DAYS, st.integers(1, 60))
def test_labels_are_what_the_oracle_counts(bank, after, length):
    until = after + timedelta(days=length)
    found = history(*bank).acquisitions(after, until)
    acquired = [tuple(row.values()) for row in found.acquired.to_pylist()]
    assert (acquired, found.observed.to_pylist()) == expected_labels(*bank, after, until)


@settings(max_examples=30, deadline=None)
@given(BANKS, DAYS, st.lists(VERSION, max_size=6))
def test_a_fact_recorded_later_changes_nothing_before(bank, day, more):
    versions, sights, repeatable = bank
    if present(sights, day)[0] is None:
        return
    later = [(*version[:4], day + timedelta(days=1 + number)) for number, version in enumerate(more)]
    ask = "SELECT * EXCLUDE (batch_sequence) FROM holdings ORDER BY ALL"
    before = history(versions, sights, repeatable).as_of(day).query(ask)
    assert history(versions + later, sights, repeatable).as_of(day).query(ask).equals(before)
