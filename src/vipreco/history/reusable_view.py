"""Views of a few customers that share a database which stays open, so that each is made in a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from vipreco.columns import CUSTOMER_ID, CUSTOMERS
from vipreco.history.records import Records, changed_columns
from vipreco.history.reusable_database import ReusableDatabase
from vipreco.history.view import View

Rows = Mapping[str, pa.Table]
SAME_COLUMNS: Final = frozenset({CUSTOMERS, "customers_now"})


class ReusableView(View):
    """The knowledge at a date about some customers, valid for as long as it is needed.

    Its database holds the rows of one view at a time: a query of this one fills it again where another view
    was asked in between. `lent` keeps it filled for many queries in a row.

    Args:
        database: Shared with other views of the same date.
        customer_ids: Whose rows are taken from the tables.
        further: Further rows by table, in the columns of the contracts; missing columns are NULL.
    """

    def __init__(
        self, database: ReusableDatabase, customer_ids: Sequence[str], further: Rows | None = None
    ) -> None:
        self.date, self.snapshots = database.date, database.snapshots
        self.newest_month = database.newest_month
        self.customer_ids = frozenset(customer_ids)
        self._database, self._further = database, further or {}
        self._derived: dict[str, tuple[str, str]] = {}
        self._filling = -1  # no filling of a database has this number

    @property
    def snapshot_id(self) -> str:
        """Empty: the rows are those of the tables and of whoever asks."""
        return ""

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the tables with rows of the bank or of whoever asks; the others are empty."""
        return frozenset({*self._database.records.schemas, *self._further})

    @property
    def records(self) -> Records:
        """The rows of the tables."""
        return self._database.records

    @cached_property
    def _known(self) -> Rows:
        """The rows of the tables: found once, though they are filled in and compared with further ones."""
        return self.records.of(sorted(self.customer_ids))

    @property
    def overridden(self) -> Mapping[str, frozenset[str] | None]:
        """Views that may have other rows than the tables give, with the columns that differ; None: any."""
        further = {name: rows for name, rows in self._further.items() if len(rows)}
        customers = further.pop(CUSTOMERS, None)
        rows = dict.fromkeys(self._database.made_with(frozenset(further)))
        if customers is None:
            return rows
        columns = changed_columns(CUSTOMERS, self._known.get(CUSTOMERS), customers)
        made = self._database.made_with(frozenset({CUSTOMERS}))
        # Of what is made of it, `customers_now` alone has the same columns.
        values = {name: columns if name in SAME_COLUMNS else None for name in made}
        return {**values, **rows}

    @contextmanager
    def lent(self) -> Iterator[ReusableView]:
        """Give this view, with the database to itself."""
        with self._database.lock:
            if self._database.filling != self._filling:
                self._fill()
            yield self

    def query(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None, where: str = "query"
    ) -> pa.Table:
        """Run one SELECT over the cut views, as `View.query`."""
        with self.lent():
            return self._database.query(sql, parameters, where)

    def derive(self, name: str, sql: str, where: str) -> None:
        """Store the result of a SELECT as one more table, as `View.derive`."""
        with self.lent():
            self._database.derive(name, sql, where)
            self._derived[name] = sql, where

    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views."""
        with self.lent():
            return self._database.columns(view)

    def of(self, customers: pa.Array) -> ReusableView:
        """Return the same knowledge about these customers only."""
        chosen = frozenset(customers.to_pylist()) & self.customer_ids
        if chosen == self.customer_ids:
            return self
        # A database of its own: the two views are asked in turns, and each turn would fill a shared one anew.
        return ReusableView(self._database.narrower(), sorted(chosen), rows_of(self._further, chosen))

    def _fill(self) -> None:
        self._filling = self._database.fill(len(self.customer_ids), self._known, self._further)
        for name, (sql, where) in self._derived.items():
            self._database.derive(name, sql, where)


def rows_of(rows: Rows, customer_ids: frozenset[str]) -> dict[str, pa.Table]:
    """Return the rows of some customers; tables that are not about customers stay whole."""
    ids = pa.array(sorted(customer_ids), pa.string())
    return {
        name: table.filter(pc.is_in(table[CUSTOMER_ID], ids)) if CUSTOMER_ID in table.column_names else table
        for name, table in rows.items()
    }
