"""Checks over whole files: duplicates, conflicts with what is stored, references to other tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt

from vipreco import columns as c
from vipreco.tables import contracts
from vipreco.tables.contracts import Contract
from vipreco.tables.import_database import EXISTING, integers, name, names, newest, parquet_relation
from vipreco.tables.staged_table import StagedTable

CONFLICT: Final = "conflicting-duplicate"
CONFLICT_STORED: Final = "conflicts-with-stored"
UNKNOWN_CUSTOMER: Final = "unknown-customer"
UNKNOWN_PRODUCT: Final = "unknown-product"
AFTER_SNAPSHOT: Final = "opened-after-snapshot"
DUPLICATE: Final = "duplicate"
IN_FUTURE: Final = "date-in-future"
STRAY_DATE: Final = "date-stray"
STRAY_RATIO: Final = 20
FAR_DAYS: Final = 62

Rows = npt.NDArray[np.int64]
_UNCOMPARED: Final = {c.RECORDED_DATE, c.BATCH_SEQUENCE}


@dataclass(frozen=True)
class Hit:
    """Rows of one staged file that a check found, the column that shows it, and the code."""

    staged: StagedTable
    rows: Rows
    column: str
    code: str


def same_kind(staged: Sequence[StagedTable]) -> list[list[StagedTable]]:
    """Return the staged files of a batch grouped by what must be unique together."""
    kinds: dict[tuple[str, tuple[str, ...]], list[StagedTable]] = {}
    for table in staged:
        kinds.setdefault((table.contract.table, tuple(sorted(table.rule.products))), []).append(table)
    return list(kinds.values())


def repeated(connection: duckdb.DuckDBPyConnection, tables: Sequence[StagedTable]) -> Iterator[Hit]:
    """Find keys that occur more than once in the batch: identical rows, and contradicting ones."""
    contract = tables[0].contract
    key = list(contract.key) + [c.RECORDED_DATE] * all(c.RECORDED_DATE in one.rule.columns for one in tables)
    key += [contracts.ACCOUNT_ID] * all(one.rule.accounts for one in tables)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW batch AS {_numbered(tables)}")
    content = sorted({column for table in tables for column in table.schema.names} - set(key))
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE repeats AS
        WITH twice AS (SELECT {names(key)} FROM batch GROUP BY ALL HAVING count(*) > 1),
        rows AS (SELECT part, position, {names(key)}, {_content(content)} AS content
                 FROM batch SEMI JOIN twice USING ({names(key)}))
        SELECT part, position, min(content) OVER by_key = max(content) OVER by_key AS same,
               row_number() OVER (PARTITION BY {names(key)} ORDER BY part, position) AS number
        FROM rows WINDOW by_key AS (PARTITION BY {names(key)})"""
    )
    yield from _hits(connection, tables, "repeats WHERE same AND number > 1", "", DUPLICATE)
    yield from _hits(connection, tables, "repeats WHERE NOT same", contract.key[0], CONFLICT)


def _content(columns: Sequence[str]) -> str:
    """Return an expression that is equal for two rows exactly when all columns are."""
    return (
        f"to_json(struct_pack({', '.join(f'{name(one)} := {name(one)}' for one in columns)}))::VARCHAR"
        if columns
        else "''"
    )


def _numbered(tables: Sequence[StagedTable]) -> str:
    parts = [
        f"SELECT *, {part} AS part, file_row_number AS position "
        f"FROM {parquet_relation([table.path], 'file_row_number = true')}"
        for part, table in enumerate(tables)
    ]
    return " UNION ALL BY NAME ".join(parts)


def _hits(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[StagedTable], source: str, column: str, code: str
) -> Iterator[Hit]:
    parts, positions = integers(connection, f"SELECT DISTINCT part, position FROM {source} ORDER BY ALL")
    for part, table in enumerate(tables):
        if (parts == part).any():
            yield Hit(table, positions[parts == part], column, code)


def stored_already(
    connection: duckdb.DuckDBPyConnection, staged: StagedTable, *, same_day: bool = False
) -> Iterator[Hit]:
    """Compare rows with the newest stored version of their key: identical, later, or contradicting.

    With `same_day`, a row that was recorded on the day of the stored one is later.
    """
    contract = staged.contract
    if contract.panel:
        return
    key = list(contract.key)
    stored = {row[0] for row in connection.execute(f"DESCRIBE {EXISTING}{contract.table}").fetchall()}
    left_out = {*key, *_UNCOMPARED, contracts.ACCOUNT_ID}
    content = [column for column in staged.schema.names if column not in left_out]
    known = " AND ".join(
        f"n.{name(one)} IS NOT DISTINCT FROM {'o.' + name(one) if one in stored else 'NULL'}"
        for one in content
    )
    after = ">=" if same_day else ">"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE meets AS
        SELECT 0 AS part, position, {known or "true"} AS same,
               n.recorded_date {after} o.recorded_date AS later
        FROM ({_as_stored(staged)}) n JOIN ({_newest_near(contract, staged)}) o USING ({names(key)})"""
    )
    yield from _hits(connection, [staged], "meets WHERE same", "", DUPLICATE)
    yield from _hits(connection, [staged], "meets WHERE NOT same AND NOT later", key[0], CONFLICT_STORED)
    corrected = integers(connection, "SELECT count(*) FROM meets WHERE NOT same AND later")[0]
    staged.counts["rows correct or continue a stored one"] = int(corrected[0])


def _as_stored(staged: StagedTable) -> str:
    """Return the query for the numbered rows; accounts of one holding have what they amount to."""
    rows = _numbered([staged])
    if not staged.rule.accounts:
        return rows
    return (
        f"SELECT * REPLACE (sum({c.BALANCE_AMOUNT}) OVER one::DECIMAL(18, 2) AS {c.BALANCE_AMOUNT}, "
        f"CASE WHEN count(*) OVER one = count({c.CLOSED_DATE}) OVER one "
        f"THEN max({c.CLOSED_DATE}) OVER one END AS {c.CLOSED_DATE}, "
        f"max({c.RECORDED_DATE}) OVER one AS {c.RECORDED_DATE}) "
        f"FROM ({rows}) WINDOW one AS (PARTITION BY {names(staged.contract.key)})"
    )


def _newest_near(contract: Contract, staged: StagedTable) -> str:
    """Return the newest stored versions, only of the snapshots that the staged file has."""
    query = newest(contract.table, contract)
    if contract.clock not in contract.key:
        return query
    clock = name(contract.clock)
    bounds = f"SELECT {{}}({clock}) FROM {parquet_relation([staged.path])}"
    near = f"WHERE {clock} BETWEEN ({bounds.format('min')}) AND ({bounds.format('max')})"
    return query.replace(" QUALIFY", f" {near} QUALIFY")


def unknown_references(
    connection: duckdb.DuckDBPyConnection, staged: StagedTable, tables: Sequence[StagedTable]
) -> Iterator[Hit]:
    """Find rows that name a customer or a product which neither the stored tables nor this batch have."""
    for column, table, code in (
        (c.CUSTOMER_ID, c.CUSTOMERS, UNKNOWN_CUSTOMER),
        (c.PRODUCT_ID, c.PRODUCTS, UNKNOWN_PRODUCT),
    ):
        if column in staged.contract.references:
            query = (
                f"(SELECT part, position FROM ({_numbered([staged])}) WHERE {column} IS NOT NULL "
                f"AND {column} NOT IN ({_known_ids(column, table, tables)}))"
            )
            yield from _hits(connection, [staged], query, column, code)


def _known_ids(column: str, table: str, tables: Sequence[StagedTable]) -> str:
    parts = [f"SELECT {column} FROM {EXISTING}{table}"]
    parts += [
        f"SELECT {column} FROM {parquet_relation([one.path])}"
        for one in tables
        if one.contract.table == table
    ]
    return " UNION ".join(parts)


def opened_after_snapshot(
    connection: duckdb.DuckDBPyConnection, staged: StagedTable, tables: Sequence[StagedTable]
) -> Iterator[Hit]:
    """Find intervals that open after the newest snapshot of the customers."""
    if staged.contract is not contracts.HOLDINGS:
        return
    parts = [f"SELECT max({c.SNAPSHOT_DATE}) AS newest FROM {EXISTING}{c.OBSERVATIONS}"]
    parts += [
        f"SELECT max({one.contract.clock}) FROM {parquet_relation([one.path])}"
        for one in tables
        if one.contract in (contracts.CUSTOMERS, contracts.FLAGS, contracts.OPENINGS, contracts.OPENINGS_WIDE)
    ]
    newest_date = f"(SELECT max(newest) FROM ({' UNION ALL '.join(parts)}))"
    query = f"(SELECT part, position FROM ({_numbered([staged])}) WHERE {c.OPENED_DATE} > {newest_date})"
    yield from _hits(connection, [staged], query, c.OPENED_DATE, AFTER_SNAPSHOT)


def in_future(
    connection: duckdb.DuckDBPyConnection, staged: StagedTable, newest_date: dt.date
) -> Iterator[Hit]:
    """Find rows that happened, or were recorded, after `newest_date`."""
    for column in dict.fromkeys((staged.contract.clock, c.RECORDED_DATE)):
        if column in staged.schema.names:
            query = (
                f"(SELECT part, position FROM ({_numbered([staged])}) "
                f"WHERE CAST({name(column)} AS DATE) > DATE '{newest_date.isoformat()}')"
            )
            yield from _hits(connection, [staged], query, column, IN_FUTURE)


def stray_snapshots(connection: duckdb.DuckDBPyConnection, tables: Sequence[StagedTable]) -> Iterator[Hit]:
    """Find rows with a snapshot date that so few others have that it must be mistyped.

    Snapshots are counted over the batch and what is stored. A date is a stray one if the date before it has
    at least `STRAY_RATIO` times as many rows, or, for the first date of all, if another so large one lies
    more than two months after it: a bank may begin small, but not far away from all others.
    """
    counts = _snapshot_counts(connection, tables)
    days = sorted(counts)
    largest = max(counts.values(), default=0)
    stray = {
        day
        for before, day in pairwise(days)
        if counts[day] * STRAY_RATIO <= counts[before] and counts[day] * STRAY_RATIO <= largest
    }
    if len(days) > 1 and counts[days[0]] * STRAY_RATIO <= largest and (days[1] - days[0]).days > FAR_DAYS:
        stray.add(days[0])
    if stray:
        listed = ", ".join(f"DATE '{day.isoformat()}'" for day in sorted(stray))
        clock = tables[0].contract.clock
        query = f"(SELECT part, position FROM ({_numbered(tables)}) WHERE {clock} IN ({listed}))"
        yield from _hits(connection, tables, query, clock, STRAY_DATE)


def stored_snapshots(connection: duckdb.DuckDBPyConnection) -> list[dt.date]:
    """Return the dates of the stored snapshots."""
    rows = connection.execute(f"SELECT DISTINCT {c.SNAPSHOT_DATE} FROM {EXISTING}{c.OBSERVATIONS}")
    return [row[0] for row in rows.fetchall()]


def _snapshot_counts(
    connection: duckdb.DuckDBPyConnection, tables: Sequence[StagedTable]
) -> dict[dt.date, int]:
    clock = tables[0].contract.clock
    stored = f"SELECT {c.SNAPSHOT_DATE} AS day, {c.CUSTOMER_ID} FROM {EXISTING}{c.OBSERVATIONS}"
    rows = connection.execute(
        f"SELECT day, count(DISTINCT {c.CUSTOMER_ID}) FROM (SELECT {clock} AS day, {c.CUSTOMER_ID} "
        f"FROM ({_numbered(tables)}) UNION ALL {stored}) GROUP BY day"
    ).fetchall()
    return dict(rows)


def missing_products(connection: duckdb.DuckDBPyConnection, tables: Sequence[StagedTable]) -> list[str]:
    """Return the products of flag columns that no products table knows."""
    wanted = {product for table in tables for product in table.rule.products}
    known = connection.execute(_known_ids(c.PRODUCT_ID, c.PRODUCTS, tables)).fetchall()
    return sorted(wanted - {row[0] for row in known})


def changed_meaning(connection: duckdb.DuckDBPyConnection, staged: StagedTable) -> list[str]:
    """Return product ids whose name or family differs from the stored one without a later recorded date."""
    if staged.contract is not contracts.PRODUCTS:
        return []
    rows = connection.execute(
        f"""SELECT n.product_id FROM {parquet_relation([staged.path])} n
        JOIN ({newest(c.PRODUCTS, contracts.PRODUCTS)}) o USING (product_id)
        WHERE (n.name <> o.name OR n.family <> o.family) AND n.recorded_date <= o.recorded_date ORDER BY 1"""
    ).fetchall()
    return [row[0] for row in rows]
