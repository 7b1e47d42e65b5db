"""A DuckDB connection over the stored tables and the batch being imported."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vipreco import columns as c
from vipreco.memory import query_bytes
from vipreco.tables import contracts
from vipreco.tables.batches import Manifest

EXISTING = "existing_"
GLOB = re.compile(r"[*?\[]")


@contextmanager
def import_database(
    folder: Path, manifest: Manifest, scratch: Path, threads: int, memory: int | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection in which `existing_<table>` are the stored tables; it spills to `scratch`.

    Args:
        folder: The tables folder.
        manifest: Its manifest.
        scratch: Folder for what does not fit in memory.
        threads: Threads for queries.
        memory: Bytes of the process, of which a query may take a share; None: those of the machine.
    """
    connection = duckdb.connect()
    try:
        connection.execute(f"SET threads = {int(threads)}")
        connection.execute(f"SET memory_limit = '{query_bytes(memory)}B'")
        connection.execute("SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = {quoted(scratch)}")
        for table, contract in contracts.STORED_CONTRACTS.items():
            schema = contracts.schema_of(contract)
            paths = [folder / entry["path"] for entry in manifest.files(table)]
            connection.execute(f"CREATE TEMP VIEW {EXISTING}{table} AS {relation(paths, schema)}")
        yield connection
    finally:
        connection.close()


def quoted(value: Path | str) -> str:
    """Return `value` as an SQL text."""
    return "'" + str(value).replace("'", "''") + "'"


def name(identifier: str) -> str:
    """Return `identifier` as an SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Sequence[str], prefix: str = "") -> str:
    """Return identifiers as an SQL list of names."""
    return ", ".join(prefix + name(identifier) for identifier in identifiers)


def relation(paths: Sequence[Path], schema: pa.Schema, extra: str = "") -> str:
    """Return a query over Parquet files, or an empty one with the columns of `schema`."""
    if not paths:
        nothing = ", ".join(
            f"NULL::{contracts.sql_type(field.type)} AS {name(field.name)}" for field in schema
        )
        return f"SELECT {nothing} WHERE false"
    return f"SELECT * FROM {parquet_relation(paths, 'union_by_name = true' + extra)}"


def literal_path(path: Path) -> str:
    """Return a path as DuckDB has to be told it, so that no character of it stands for other names.

    >>> literal_path(Path("/a?b/c"))
    '/a[?]b/c'
    """
    return GLOB.sub(r"[\g<0>]", str(path))


def parquet_relation(paths: Sequence[Path], options: str = "union_by_name = true") -> str:
    """Return the `read_parquet` call for exactly these files.

    In a path, `?`, `*` and `[` would stand for other names too (a neighbour's folder among them), and a
    folder `year=2025` would become a column.
    """
    listed = ", ".join(quoted(literal_path(path)) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false, {options})"


def newest(table: str, contract: contracts.Contract) -> str:
    """Return a query for the newest version of each row of a stored table."""
    return (
        f"SELECT * FROM {EXISTING}{table} QUALIFY row_number() OVER (PARTITION BY {names(contract.key)} "
        f"ORDER BY {c.RECORDED_DATE} DESC, {c.BATCH_SEQUENCE} DESC) = 1"
    )


def integers(connection: duckdb.DuckDBPyConnection, query: str) -> list[npt.NDArray[np.int64]]:
    """Run a query whose columns are integers; return them as arrays."""
    table = connection.sql(query).to_arrow_table()
    return [column.to_numpy().astype(np.int64) for column in table.columns]


def batches(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.RecordBatch]:
    """Run a query and yield its rows in batches."""
    yield from connection.sql(query).to_arrow_reader(1 << 17)
