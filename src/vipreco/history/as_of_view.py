"""The view of a whole bank or some of its customers at one date, over the imported tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from vipreco.errors import ResourcesError, UsageError, VipRecoError
from vipreco.history.bank_calendar import BankCalendar
from vipreco.history.contract import VIEWS
from vipreco.history.cuts import Cut
from vipreco.history.query_check import check_query
from vipreco.history.sources import describe
from vipreco.history.view import View
from vipreco.memory import is_out_of_memory


class UncutTables(Protocol):
    """The imported tables of a bank, which open databases of their cut views."""

    snapshot_id: str

    @property
    def calendar(self) -> BankCalendar:
        """The bank's snapshots and activity months."""

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the tables that were imported."""

    def open_view(self, day: date, customers: pa.Array | None) -> duckdb.DuckDBPyConnection:
        """Return a new database with nothing in it but the views cut at `day`."""


class AsOfView(View):
    """The tables cut at a date by both clocks, in a database of its own.

    Attributes:
        date: The date whose knowledge is allowed.
        snapshots: The snapshots known at that date, newest first; those of the bank, not of a customer.
        newest_month: The newest activity month known at that date, of the bank, not of a customer.
    """

    def __init__(self, tables: UncutTables, day: date, customers: pa.Array | None = None) -> None:
        self.date = day
        self.snapshots = tables.calendar.known_snapshots(day)
        self.newest_month = tables.calendar.newest_month(day)
        self._tables = tables
        self._customers = customers
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._names = VIEWS

    @property
    def snapshot_id(self) -> str:
        """Fingerprint of the imported tables behind the view; empty for tables in memory."""
        return self._tables.snapshot_id

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """A database of its own in which the cut views exist and nothing else; made at first use."""
        if self._connection is None:
            self._connection = self._tables.open_view(self.date, self._customers)
        return self._connection

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the tables that were imported; the others exist but are empty."""
        return self._tables.present_tables

    def query(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None, where: str = "query"
    ) -> pa.Table:
        """Run one SELECT over the cut views, as `View.query`."""
        check_query(sql, self._names, where)
        try:
            return self.connection.sql(sql, params=parameters).to_arrow_table()
        except (duckdb.ProgrammingError, duckdb.DataError) as error:
            raise failed(error, where) from error

    def derive(self, name: str, sql: str, where: str) -> None:
        """Store the result of a SELECT as one more table, as `View.derive`."""
        check_query(sql, self._names, where)
        derive_table(self.connection, name, sql, where)
        self._names = self._names | {name}

    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views, in the order of the table."""
        return describe(self.connection, view)

    def of(self, customers: pa.Array) -> AsOfView:
        """Return the same knowledge about these customers only; those without a snapshot drop out."""
        return AsOfView(self._tables, self.date, customers)


def derive_table(connection: duckdb.DuckDBPyConnection, name: str, sql: str, where: str) -> None:
    """Create a table of the rows of a SELECT that was checked.

    Raises:
        UsageError: The name is that of a view, or the SQL cannot run; `where` names the file.
    """
    if name in VIEWS:
        raise UsageError(f"{name} is the name of a view already", where=where, code="table")
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
    except (duckdb.ProgrammingError, duckdb.DataError) as error:
        raise failed(error, where) from error


def create_views(connection: duckdb.DuckDBPyConnection, cuts: Sequence[Cut], lazy: frozenset[str]) -> None:
    """Create each cut as a table, or as a view when its name is in `lazy`."""
    for cut in cuts:
        kind = "VIEW" if cut.name in lazy else "TABLE"
        connection.execute(f"CREATE {kind} {cut.name} AS {cut.query}")


def lock_connection(connection: duckdb.DuckDBPyConnection, folders: Sequence[str]) -> None:
    """Take away every way to other files: only `folders` stay readable, and no setting can change."""
    connection.execute("SET allowed_directories = $1", [list(folders)])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def failed(error: duckdb.Error, where: str) -> VipRecoError:
    """Return the error of SQL that cannot run."""
    if is_out_of_memory(error):
        return ResourcesError(
            "there is not enough memory for a query",
            where=where,
            remedy="close other programs, or set `memory_gb` under [engine] in vipreco.toml to what there is",
            code="query-memory",
        )
    first = str(error).splitlines()[0]
    return UsageError(
        f"the SQL cannot run: {first}", where=where, remedy="correct the SQL", code="feature-sql"
    )
