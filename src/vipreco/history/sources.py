"""The uncut tables as relations in a DuckDB connection: Parquet files, or Arrow tables in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from vipreco.columns import BATCH_SEQUENCE, RECORDED_DATE
from vipreco.history.contract import CONTRACTS, TableContract
from vipreco.memory import query_bytes
from vipreco.tables import parquet_relation

Columns = dict[str, str]


class Sources(Protocol):
    """The uncut tables of a bank, wherever they are."""

    folder: Path | None

    def has(self, table: str) -> bool:
        """Return True where the table was imported at all."""

    def attach(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Return the relation of each existing table, which `connection` can read from now on."""

    def detach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take tables in memory away from `connection` again; files are shut off by `lock_connection`."""


class ParquetSources:
    """The Parquet files of an imported tables folder."""

    def __init__(self, folder: Path, files: Mapping[str, list[Path]]) -> None:
        self.folder: Path | None = folder
        self._files = {table: paths for table, paths in files.items() if paths}

    def has(self, table: str) -> bool:
        """Return True where the table has a file."""
        return table in self._files

    def attach(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Return a `read_parquet` call for each table."""
        return {table: parquet_relation(paths) for table, paths in self._files.items()}

    def detach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Nothing to do: the files stay where they are."""


class FrameSources:
    """Arrow tables in memory: small histories of tests."""

    folder: Path | None = None

    def __init__(self, frames: Mapping[str, pa.Table]) -> None:
        self._frames = dict(frames)

    def has(self, table: str) -> bool:
        """Return True where the table was given."""
        return table in self._frames

    def attach(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Register the frames."""
        for table, frame in self._frames.items():
            connection.register(_registered(table), frame)
        return {table: _registered(table) for table in self._frames}

    def detach(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Forget the frames."""
        for table in self._frames:
            connection.unregister(_registered(table))


def connect(threads: int, memory: int | None = None) -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory that spills under the system's folder for temporary files.

    Args:
        threads: Threads for queries.
        memory: Bytes of the process, of which a query may take a share; None: those of the machine.
    """
    spill = Path(tempfile.gettempdir()) / f"vipreco-spill-{os.getpid()}"
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "memory_limit": f"{query_bytes(memory)}B",
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        "python_enable_replacements": False,
    }
    return duckdb.connect(":memory:", config=config)


def describe(connection: duckdb.DuckDBPyConnection, relation: str) -> Columns:
    """Return name and DuckDB type of the columns of a relation."""
    rows = connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def typed(contract: TableContract, relation: str | None, columns: Columns) -> str:
    """Return SQL of the table as its contract says: types cast, missing columns NULL, clocks filled."""
    parts = [_typed_column(contract, name, name in columns) for name in contract.types]
    parts += [quoted(name) for name in columns if name not in contract.types]
    source = f" FROM {relation}" if relation else " WHERE false"
    return f"SELECT {', '.join(parts)}{source}"


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return `value` as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def table_names(sources: Sources) -> list[str]:
    """Return the names of the imported tables."""
    return [table for table in CONTRACTS if sources.has(table)]


def _typed_column(contract: TableContract, name: str, present: bool) -> str:
    kind = contract.types[name]
    value = f"CAST({quoted(name)} AS {kind})" if present else f"CAST(NULL AS {kind})"
    if name == RECORDED_DATE:
        default = contract.recorded_default
        value = f"coalesce({value}, {default})" if present else default
    if name == BATCH_SEQUENCE:
        value = f"coalesce({value}, 0)"
    return f"{value} AS {name}"


def _registered(table: str) -> str:
    return f"uncut_{table}"
