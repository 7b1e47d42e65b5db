"""The rule of the two clocks over a few rows in memory, by the same SQL that cuts the tables."""

from __future__ import annotations

from datetime import date
from functools import cache

import duckdb
import pyarrow as pa

from vipreco.history.contract import CONTRACTS
from vipreco.history.cuts import cut
from vipreco.history.sources import connect, describe, typed


def known_at(table: str, rows: pa.Table, day: date | None) -> pa.Table:
    """Return the newest version of each fact in some rows of a table, as a view at `day` shows it.

    Args:
        table: Name of the contract.
        rows: Uncut, in the columns of the table; missing ones are NULL.
        day: The date whose knowledge is allowed; None: all that is in the rows.
    """
    with _database().cursor() as connection:
        connection.register("uncut", rows)
        uncut = typed(CONTRACTS[table], "uncut", describe(connection, "uncut"))
        return connection.sql(cut(table, uncut, day)).to_arrow_table()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return connect(threads=1)
