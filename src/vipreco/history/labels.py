"""Labels: acquisitions within a window. The only place that reads past an as-of date."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from vipreco.columns import (
    CLOSED_DATE,
    CUSTOMER_ID,
    HOLDINGS,
    OBSERVATIONS,
    OPENED_DATE,
    PRODUCT_ID,
    PRODUCTS,
    REPEATABLE,
    SNAPSHOT_DATE,
)
from vipreco.history.calendar import add_months
from vipreco.history.contract import CONTRACTS
from vipreco.history.cuts import holdings, known, literal, newest
from vipreco.tables import DAYS_APART, Reopening, reopened_query, reopenings_query


@dataclass(frozen=True)
class Labels:
    """The acquisitions of a window, and the customers about whom they are known.

    Attributes:
        after: The window opens after this date.
        until: Its last date.
        acquired: Table (customer_id, product_id, opened_date, reacquired), ordered by the first two;
            `reacquired` = the product had been held at any time up to `after`.
        observed: Ids, ordered, of the customers present at `after` and seen again in the last month of the
            window. Nobody else has a label: a customer who is not here is unobserved, never a negative.
    """

    after: date
    until: date
    acquired: pa.Table
    observed: pa.Array


@dataclass(frozen=True)
class BankFacts:
    """Facts of the whole bank that the labels of some of its customers depend on.

    Args:
        newest: The newest snapshot that was known when the window opened.
        decided: Mass reopenings that count as acquisitions; the others are none (see `reopenings_query`).
        reopenings: The others; None where the tables hold all customers, so that they can be found there.
    """

    newest: date | None
    decided: Collection[str] = ()
    reopenings: Collection[Reopening] | None = None


def labels_of(
    connection: duckdb.DuckDBPyConnection,
    uncut: Mapping[str, str],
    after: date,
    until: date,
    day: date | None,
    bank: BankFacts,
) -> Labels:
    """Return the labels of the window `(after, until]` as known at `day` (None: all that is known).

    Args:
        connection: Where the relations in `uncut` can be read.
        uncut: SQL of each whole table.
        after: The window opens after this date.
        until: Its last date.
        day: Date whose knowledge is allowed.
        bank: What is a matter of all customers.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE label_observed AS {_observed(uncut, after, until, day, bank.newest)}"
    )
    listed = f"SELECT {CUSTOMER_ID} FROM label_observed ORDER BY {CUSTOMER_ID}"
    observed: pa.Table = connection.sql(listed).to_arrow_table()
    acquired: pa.Table = connection.sql(_acquired(uncut, after, until, day, bank)).to_arrow_table()
    connection.execute("DROP TABLE label_observed")
    return Labels(after, until, acquired, observed[CUSTOMER_ID].combine_chunks())


def anybody_observed(
    connection: duckdb.DuckDBPyConnection,
    uncut: Mapping[str, str],
    after: date,
    until: date,
    day: date | None,
    newest_date: date | None,
) -> bool:
    """Return whether any customer of `after` was seen again at the end of the window, as known at `day`."""
    seen = _observed(uncut, after, until, day, newest_date)
    return connection.execute(f"{seen} LIMIT 1").fetchone() is not None


def _observed(
    uncut: Mapping[str, str], after: date, until: date, day: date | None, newest_date: date | None
) -> str:
    contract = CONTRACTS[OBSERVATIONS]
    start = max(after, add_months(until, -1))
    before = known(contract, uncut[OBSERVATIONS], after)
    return (
        f"SELECT {CUSTOMER_ID} FROM ({known(contract, uncut[OBSERVATIONS], day)}) "
        f"WHERE {SNAPSHOT_DATE} > {literal(start)} AND {SNAPSHOT_DATE} <= {literal(until)} "
        f"INTERSECT SELECT {CUSTOMER_ID} FROM ({before}) "
        f"WHERE {SNAPSHOT_DATE} = {literal(newest_date) if newest_date else 'NULL'}"
    )


def _acquired(uncut: Mapping[str, str], after: date, until: date, day: date | None, bank: BankFacts) -> str:
    start, end = literal(after), literal(until)
    pair = f"{CUSTOMER_ID}, {PRODUCT_ID}"
    held, inside = "SELECT * FROM held", _openings_around(after, until)
    moved = (
        reopenings_query(held, inside, bank.decided)
        if bank.reopenings is None
        else reopened_query(held, inside, bank.reopenings)
    )
    return f"""
    WITH held AS ({holdings(uncut[HOLDINGS], day)}),
    moved AS ({moved}),
    earlier AS (
      SELECT {pair}, bool_or({CLOSED_DATE} IS NULL OR {CLOSED_DATE} > {start}) AS still
      FROM held WHERE {OPENED_DATE} <= {start} GROUP BY {pair}),
    opened AS (
      SELECT {pair}, min({OPENED_DATE}) AS {OPENED_DATE}
      FROM held ANTI JOIN moved USING ({pair}, {OPENED_DATE})
      WHERE {OPENED_DATE} > {start} AND {OPENED_DATE} <= {end} GROUP BY {pair}),
    repeatable AS (
      SELECT {PRODUCT_ID} FROM ({newest(PRODUCTS, uncut[PRODUCTS], day, {})}) WHERE {REPEATABLE})
    SELECT {pair}, {OPENED_DATE}, still IS NOT NULL AS reacquired
    FROM opened SEMI JOIN label_observed USING ({CUSTOMER_ID}) LEFT JOIN earlier USING ({pair})
    WHERE NOT coalesce(still, false) OR {PRODUCT_ID} IN (SELECT {PRODUCT_ID} FROM repeatable)
    ORDER BY {pair}
    """


def mass_reopenings(
    connection: duckdb.DuckDBPyConnection,
    uncut: Mapping[str, str],
    after: date,
    until: date,
    day: date | None,
    decided: Collection[str],
) -> list[Reopening]:
    """Return the mass reopenings around the window `(after, until]` that are no acquisitions."""
    moved = reopenings_query("SELECT * FROM held", _openings_around(after, until), decided)
    names = f"{PRODUCT_ID}, {OPENED_DATE}::VARCHAR, closed_product_id"
    query = (
        f"WITH held AS ({holdings(uncut[HOLDINGS], day)}) SELECT DISTINCT {names} FROM ({moved}) ORDER BY ALL"
    )
    return connection.execute(query).fetchall()


def _openings_around(after: date, until: date) -> str:
    begin, end = literal(after - timedelta(days=DAYS_APART)), literal(until + timedelta(days=DAYS_APART))
    return f"opened.{OPENED_DATE} > {begin} AND opened.{OPENED_DATE} <= {end}"
