"""A finding of `validate`, and the tables that its rules ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from vipreco.tables.contracts import CONTRACTS, schema_of
from vipreco.tables.import_database import names, relation
from vipreco.tables.snapshot import Tables

Severity = Literal["error", "warning", "note"]
ORDER: tuple[Severity, ...] = ("error", "warning", "note")
PAGE = "docs/findings.md"
EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """Rows of one table that a rule points at.

    Attributes:
        code: Stable name of the rule.
        severity: error: cannot be right; warning: those rows are not offered or used; note: worth knowing.
        table: The table.
        what: The rule in one sentence.
        rows: Number of rows, or of customers.
        examples: File and row (counted from 1) of some of them, or their dates and products.
    """

    code: str
    severity: Severity
    table: str
    what: str
    rows: int
    examples: tuple[str, ...]

    @property
    def page(self) -> str:
        """The section of the documentation about the rule."""
        return f"{PAGE}#{self.code}"


@dataclass(frozen=True)
class StoredRows:
    """The stored tables in a database: `TABLE` has all versions, `TABLE_now` the newest of each row."""

    connection: duckdb.DuckDBPyConnection
    tables: Tables

    def has(self, table: str) -> bool:
        """Return whether the bank brought the table."""
        return bool(self.tables.files(table))

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.connection.sql(query).fetchall()

    def columns(self, table: str) -> dict[str, str]:
        """Return the columns of a table with their DuckDB types."""
        return {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE {table}").fetchall()}


@contextmanager
def stored_rows(tables: Tables) -> Iterator[StoredRows]:
    """Give the stored tables in a database of their own."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        for table, contract in CONTRACTS.items():
            extra = ", filename = 'source_file', file_row_number = true"
            query = relation(tables.files(table), schema_of(contract), extra)
            connection.execute(f"CREATE TEMP VIEW {table} AS {query}")
            connection.execute(
                f"CREATE TEMP VIEW {table}_now AS SELECT * FROM {table} QUALIFY row_number() OVER ("
                f"PARTITION BY {names(contract.key)} ORDER BY recorded_date DESC, batch_sequence DESC) = 1"
            )
        yield StoredRows(connection, tables)
