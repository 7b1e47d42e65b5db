"""Files of a batch: staged rows, intervals computed from flags, and observations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from vipreco import columns as c
from vipreco.tables import contracts, panels, parquet_files
from vipreco.tables.import_database import batches, name, parquet_relation
from vipreco.tables.intake import Intake
from vipreco.tables.staged_table import StagedTable

Files = dict[str, list[Path]]


def write_tables(
    connection: duckdb.DuckDBPyConnection, intakes: Sequence[Intake], folder: Path, sequence: int
) -> Files:
    """Write the batch's files into `folder`; return them by table."""
    files: Files = {}
    staged = [table for intake in intakes for table in intake.tables if table.rows]
    for table in staged:
        if not table.contract.panel:
            files.setdefault(table.contract.table, []).append(_store(connection, table, folder, files))
    panel = [table for table in staged if table.contract.panel]
    if panel:
        intervals = panels.interval_batches(connection, panel, sequence)
        _write(files, folder, c.HOLDINGS, intervals, panels.INTERVAL_SCHEMA)
    if query := _observations(intakes, sequence):
        _write(
            files, folder, c.OBSERVATIONS, batches(connection, query), contracts.schema_of(contracts.OBSERVED)
        )
    return files


def _store(connection: duckdb.DuckDBPyConnection, table: StagedTable, folder: Path, files: Files) -> Path:
    """Put a staged file into the batch; an interval that is closed becomes two versions."""
    target = _target(folder, table.contract.table, files)
    if table.contract is contracts.HOLDINGS and c.RECORDED_DATE not in table.rule.columns:
        schema = contracts.schema_of(table.contract)
        parquet_files.write_batches(target, schema, batches(connection, _opening_and_closing(table)))
    else:
        table.path = table.path.replace(target)
    target.chmod(0o600)
    return target


def _opening_and_closing(table: StagedTable) -> str:
    """Return the query that tells a closing apart from its opening: each was known at its own date."""
    source = _holdings(table)
    opened = f"SELECT * REPLACE (NULL::DATE AS closed_date, opened_date AS recorded_date) FROM {source}"
    closed = f"SELECT * FROM {source} WHERE closed_date IS NOT NULL"
    order = ", ".join(
        name(column) for column in (c.CUSTOMER_ID, c.PRODUCT_ID, c.OPENED_DATE, c.RECORDED_DATE)
    )
    return f"SELECT * FROM ({opened} UNION ALL {closed}) ORDER BY {order}, closed_date NULLS FIRST"


def _holdings(table: StagedTable) -> str:
    """Return the relation of the holdings: several accounts opened on one day are one, with their sum."""
    source = parquet_relation([table.path])
    if not table.rule.accounts:
        return source
    return (
        f"(SELECT {c.CUSTOMER_ID}, {c.PRODUCT_ID}, {c.OPENED_DATE}, "
        f"CASE WHEN count(*) = count({c.CLOSED_DATE}) THEN max({c.CLOSED_DATE}) END AS {c.CLOSED_DATE}, "
        f"sum({c.BALANCE_AMOUNT})::DECIMAL(18, 2) AS {c.BALANCE_AMOUNT}, "
        f"max({c.RECORDED_DATE}) AS {c.RECORDED_DATE}, max({c.BATCH_SEQUENCE}) AS {c.BATCH_SEQUENCE} "
        f"FROM {source} GROUP BY ALL)"
    )


def _observations(intakes: Sequence[Intake], sequence: int) -> str:
    """Return the query for who was seen when: customers' rows, flag rows, openings."""
    parts = [_seen(table) for intake in intakes for table in _observing(intake.tables)]
    if not parts:
        return ""
    return (
        f"SELECT {c.CUSTOMER_ID}, {c.SNAPSHOT_DATE}, min({c.RECORDED_DATE}) AS {c.RECORDED_DATE}, "
        f"{sequence}::INTEGER AS {c.BATCH_SEQUENCE} FROM ({' UNION ALL '.join(parts)}) "
        f"GROUP BY ALL ORDER BY {c.SNAPSHOT_DATE}, {c.CUSTOMER_ID}"
    )


def _observing(tables: Sequence[StagedTable]) -> list[StagedTable]:
    """Return the tables of a source that say who was seen when; flags beside their customers add nothing."""
    found: dict[tuple[str, str], StagedTable] = {}
    for table in tables:
        if table.rows and (table.contract is contracts.CUSTOMERS or table.contract.panel):
            rules = table.rule.rules()
            who, when = rules[c.CUSTOMER_ID], rules[table.contract.clock]
            found.setdefault((who.model_dump_json(), when.model_dump_json()), table)
    return list(found.values())


def _seen(table: StagedTable) -> str:
    known = c.RECORDED_DATE if table.contract is contracts.CUSTOMERS else table.contract.clock
    return (
        f"SELECT {c.CUSTOMER_ID}, {table.contract.clock} AS {c.SNAPSHOT_DATE}, {known} AS {c.RECORDED_DATE} "
        f"FROM {parquet_relation([table.path])}"
    )


def _target(folder: Path, table: str, files: Files) -> Path:
    number = len(files.get(table, []))
    return folder / (f"{table}.parquet" if not number else f"{table}-{number}.parquet")


def _write(files: Files, folder: Path, table: str, rows: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
    target = _target(folder, table, files)
    if parquet_files.write_batches(target, schema, rows):
        files.setdefault(table, []).append(target)
    else:
        target.unlink()
