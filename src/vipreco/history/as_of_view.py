"""What the bank knew at one date: the only thing that features and decisions see."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from vipreco.errors import UsageError
from vipreco.history.contract import VIEWS
from vipreco.history.cuts import Cut
from vipreco.history.query_check import check_query
from vipreco.history.view import View

if TYPE_CHECKING:
    from vipreco.history.history import History


class AsOfView(View):
    """The tables cut at a date by both clocks, in a database of its own.

    Attributes:
        date: The date whose knowledge is allowed.
        snapshots: The snapshots known at that date, newest first; those of the bank, not of a customer.
    """

    def __init__(
        self, history: History, day: date, snapshots: tuple[date, ...], customers: pa.Array | None = None
    ) -> None:
        self.date = day
        self.snapshots = snapshots
        self._history = history
        self._customers = customers
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._names = VIEWS

    @property
    def snapshot_id(self) -> str:
        """Fingerprint of the imported tables behind the view; empty for tables in memory."""
        return self._history.snapshot_id

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """A database of its own in which the cut views exist and nothing else; made at first use."""
        if self._connection is None:
            self._connection = self._history.open_view(self.date, self.snapshots, self._customers)
        return self._connection

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the tables that were imported; the others exist but are empty."""
        return self._history.present_tables

    def query(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None, where: str = "query"
    ) -> pa.Table:
        """Run one SELECT over the cut views and return its rows.

        Raises:
            UsageError: It reads anything but the views, or DuckDB cannot run it; `where` names the file.
        """
        check_query(sql, self._names, where)
        try:
            return self.connection.sql(sql, params=parameters).to_arrow_table()
        except (duckdb.ProgrammingError, duckdb.DataError) as error:
            raise failed(error, where) from error

    def derive(self, name: str, sql: str, where: str) -> None:
        """Keep the result of a SELECT over the views as one more table `name`, for later queries.

        Raises:
            UsageError: As `query`, or the name is taken.
        """
        check_query(sql, self._names, where)
        if name in VIEWS:
            raise UsageError(f"{name} is the name of a view already", where=where, code="table")
        try:
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        except (duckdb.ProgrammingError, duckdb.DataError) as error:
            raise failed(error, where) from error
        self._names = self._names | {name}

    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views, in the order of the table."""
        rows = self.connection.execute(f"DESCRIBE SELECT * FROM {view}").fetchall()
        return {str(row[0]): str(row[1]) for row in rows}

    def on(self, day: date) -> AsOfView:
        """Return what was known at another date, of the customers who are asked about here."""
        other = self._history.as_of(day)
        return other if self._customers is None else other.of(self._customers)

    def of(self, customers: pa.Array) -> AsOfView:
        """Return the same knowledge about these customers only; those without a snapshot drop out."""
        return AsOfView(self._history, self.date, self.snapshots, customers)

    def save_records(self, folder: Path, customers: pa.Array) -> None:
        """Write the uncut rows of some customers, as `History.save_records`; `Records` cuts them later."""
        self._history.save_records(folder, customers)


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


def failed(error: duckdb.Error, where: str) -> UsageError:
    """Return what is told of SQL that cannot run."""
    first = str(error).splitlines()[0]
    return UsageError(
        f"the SQL cannot run: {first}", where=where, remedy="correct the SQL", code="feature-sql"
    )
