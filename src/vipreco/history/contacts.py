"""Contacts of a window, for learning what they did: like labels, they lie beyond an as-of date."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
import pyarrow as pa

from vipreco.columns import CHANNEL, CONTACT_ID, CONTACTED_AT, CONTACTS, CUSTOMER_ID, OUTCOME, PRODUCT_ID
from vipreco.history.cuts import cut, literal

CONTACTED_DATE = "contacted_date"
CALL = "call"


def contacts_of(
    connection: duckdb.DuckDBPyConnection,
    uncut: Mapping[str, str],
    after: date,
    until: date,
    own: str = "",
    known: date | None = None,
) -> pa.Table:
    """Return the contacts about a product in the window `(after, until]`.

    Args:
        connection: Database in which the uncut tables can be read.
        uncut: SQL of each table.
        after: The window opens after this date.
        until: The window's last date.
        own: SQL condition of the customers that are meant; empty: all.
        known: Date whose knowledge is used; None: all that is known.

    Returns:
        Rows customer_id, product_id, channel, contacted_date, outcome, ordered by customer, product and time.
    """
    day = f"CAST({CONTACTED_AT} AS DATE)"
    found: pa.Table = connection.sql(
        f"SELECT {CUSTOMER_ID}, {PRODUCT_ID}, {CHANNEL}, {day} AS {CONTACTED_DATE}, {OUTCOME} "
        f"FROM ({cut(CONTACTS, uncut[CONTACTS], known)}) "
        f"WHERE {day} > {literal(after)} AND {day} <= {literal(until)} "
        f"AND {PRODUCT_ID} IS NOT NULL AND {CHANNEL} IS NOT NULL {'AND ' + own if own else ''} "
        f"ORDER BY {CUSTOMER_ID}, {PRODUCT_ID}, {CONTACTED_AT}, {CONTACT_ID}"
    ).to_arrow_table()
    return found


def called_of(
    connection: duckdb.DuckDBPyConnection,
    uncut: Mapping[str, str],
    after: date,
    until: date,
    known: date | None = None,
) -> pa.Table:
    """Return who was called in the window `(after, until]`, about a product or not, answered or not.

    Returns:
        Rows customer_id, each once, in their order.
    """
    day = f"CAST({CONTACTED_AT} AS DATE)"
    found: pa.Table = connection.sql(
        f"SELECT DISTINCT {CUSTOMER_ID} FROM ({cut(CONTACTS, uncut[CONTACTS], known)}) "
        f"WHERE {CHANNEL} = '{CALL}' AND {day} > {literal(after)} AND {day} <= {literal(until)} "
        f"ORDER BY {CUSTOMER_ID}"
    ).to_arrow_table()
    return found
