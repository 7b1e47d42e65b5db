"""Views of a release's tables that stay open, for one question at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pyarrow as pa

from vipreco.history import AsOfView, History, Records, ReusableView, View, rows_of
from vipreco.online.store_overlay import Rows


class Views:
    """What is known of a few customers on a day.

    Args:
        records: The rows of the tables.
        as_of: The date that was prepared for; its view stays, and that of the newest other day.
    """

    def __init__(self, records: Records, as_of: date) -> None:
        self.records, self.as_of = records, as_of
        self._standing: dict[date, ReusableView] = {}
        self._alone = threading.Lock()  # one question at a time: two would only hold each other up

    @contextmanager
    def of(self, customer_ids: Sequence[str], day: date, more: Rows) -> Iterator[View]:
        """Give what is known of some customers, for as long as nobody else asks.

        Args:
            customer_ids: Whose.
            day: The date whose knowledge is allowed.
            more: Further rows by table.
        """
        with self.on(customer_ids, (day,), more) as (view,):
            yield view

    @contextmanager
    def on(self, customer_ids: Sequence[str], days: Sequence[date], more: Rows) -> Iterator[list[View]]:
        """Give the same on several days; at most one of them is another than that prepared for."""
        with self._alone:
            yield [self._at(day).ask(customer_ids, more) for day in days]

    def lasting(self, customer_ids: Sequence[str], day: date, more: Rows) -> View:
        """Return the same for as long as it is needed: asked for something, it takes its turn."""
        return _Lasting(self, customer_ids, day, more)

    def _at(self, day: date) -> ReusableView:
        if day not in self._standing:
            kept = {one: view for one, view in self._standing.items() if one == self.as_of}
            self._standing = {**kept, day: ReusableView(self.records, day)}
        return self._standing[day]


class _Lasting(AsOfView):
    """What is known of some customers on a day, without a database of its own; what was found is kept."""

    def __init__(self, views: Views, customer_ids: Sequence[str], day: date, more: Rows) -> None:
        snapshots = tuple(sorted((item for item in views.records.calendar if item <= day), reverse=True))
        super().__init__(History.from_frames({}), day, snapshots)
        self._views, self._ids, self._more = views, tuple(customer_ids), more
        self._found: dict[tuple[str, str], pa.Table] = {}

    @property
    def present_tables(self) -> frozenset[str]:
        """Names of the tables with rows of the bank or of the store."""
        return frozenset({*self._views.records.schemas, *self._more})

    def query(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None, where: str = "query"
    ) -> pa.Table:
        """Run one SELECT over the cut views, as `View.query`."""
        key = sql, repr(parameters)
        if key not in self._found:
            with self._views.of(self._ids, self.date, self._more) as view:
                self._found[key] = view.query(sql, parameters, where)
        return self._found[key]

    def derive(self, name: str, sql: str, where: str) -> None:
        """Keep nothing: what is decided is decided while a view stands.

        Raises:
            NotImplementedError: Always.
        """
        raise NotImplementedError(name)

    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views."""
        with self._views.of(self._ids, self.date, self._more) as standing:
            return standing.columns(view)

    def of(self, customers: pa.Array) -> AsOfView:
        """Return the same knowledge about these customers only."""
        chosen = frozenset(customers.to_pylist())
        ids = [one for one in self._ids if one in chosen]
        return _Lasting(self._views, ids, self.date, rows_of(self._more, chosen))
