"""The one interface through which features, rules and lists see the tables: cut at a date, by both clocks."""

from __future__ import annotations

import datetime
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa

from vipreco.columns import CUSTOMER_ID, PRODUCTS


class View(Protocol):
    """The knowledge of the bank at one date.

    Attributes:
        date: The date whose knowledge is allowed.
        snapshots: The snapshots known at that date, newest first; those of the bank, not of a customer.
        newest_month: The newest activity month known at that date, of the bank, not of a customer.
    """

    date: datetime.date
    snapshots: tuple[datetime.date, ...]
    newest_month: datetime.date | None

    @property
    def snapshot_date(self) -> datetime.date:
        """The newest snapshot known at `date`."""
        return self.snapshots[0]

    @property
    @abstractmethod
    def snapshot_id(self) -> str:
        """Fingerprint of the imported tables behind the view; empty for tables in memory."""

    @property
    @abstractmethod
    def present_tables(self) -> frozenset[str]:
        """Names of the tables that have rows of the bank; the others exist but are empty."""

    @abstractmethod
    def query(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] | None = None, where: str = "query"
    ) -> pa.Table:
        """Run one SELECT over the cut views and return its rows.

        Raises:
            UsageError: It reads anything but the views, or DuckDB cannot run it; `where` names the file.
        """

    @abstractmethod
    def derive(self, name: str, sql: str, where: str) -> None:
        """Store the result of a SELECT over the views as one more table `name`, for later queries.

        Raises:
            UsageError: As `query`, or the name is taken.
        """

    @abstractmethod
    def columns(self, view: str) -> dict[str, str]:
        """Return name and DuckDB type of the columns of one of the views, in the order of the table."""

    @abstractmethod
    def of(self, customers: pa.Array) -> View:
        """Return the same knowledge about these customers only; those without a snapshot drop out."""

    def population(self) -> pa.Table:
        """Return (customer_id, tier) of the customers observed at `snapshot_date`, ordered by id."""
        return self.query(f"SELECT {CUSTOMER_ID}, tier FROM customers_now ORDER BY {CUSTOMER_ID}")

    def catalog_table(self) -> pa.Table:
        """Return the newest version of each product known at `date`, ordered by id."""
        return self.query(f"SELECT * FROM {PRODUCTS} ORDER BY product_id")
