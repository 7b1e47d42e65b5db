"""Customers of a manager on a day: own ones, those who were handed over, and those of covered managers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

import polars as pl
import pyarrow as pa

from vipreco.columns import CUSTOMER_ID, MANAGER_ID
from vipreco.errors import InputRejectedError
from vipreco.history import View
from vipreco.lists.offers import Audience
from vipreco.lists.workdays import Availability

# Those of the bank's tables, and those who may have come from elsewhere; not the whole bank.
CUSTOMERS = f"""
    SELECT {CUSTOMER_ID}, {MANAGER_ID} FROM customers_now
    WHERE {MANAGER_ID} IN (SELECT unnest(CAST($own AS VARCHAR[])))
        OR {CUSTOMER_ID} IN (SELECT unnest(CAST($moved AS VARCHAR[])))
    ORDER BY {CUSTOMER_ID}
"""
Moved = Mapping[str, tuple[str, str]]
"""Manager who handed over and manager who got each customer that was handed over, by customer."""
NO_HAND_OVERS: Final[Moved] = MappingProxyType({})


def holder(moved: Moved, customer_id: str, by_tables: str | None) -> str | None:
    """Return the manager of a customer; a hand-over holds while the tables name who handed over."""
    giver, taker = moved.get(customer_id, (None, None))
    return taker if giver is not None and giver == by_tables else by_tables


def holders(moved: Moved) -> pl.Expr:
    """Return the same of each row of a frame with customers and their managers by the tables.

    Args:
        moved: Not empty.
    """
    by_tables = pl.col(MANAGER_ID)
    giver, taker = (
        pl.col(CUSTOMER_ID).replace_strict([*moved], [*chosen], default=None, return_dtype=pl.String())
        for chosen in zip(*moved.values(), strict=True)
    )
    return pl.when(giver == by_tables).then(taker).otherwise(by_tables).alias(MANAGER_ID)


@dataclass(frozen=True)
class ManagerBook:
    """A manager's book by the bank's tables and by what was arranged since.

    Args:
        manager_id: The manager.
        moved: Who handed over and who got each customer that was handed over, by customer.
        cover_ends: Last day of the leave cover by manager for whom this one stands in.
        absences: First and last day of each absence of the manager.
    """

    manager_id: str
    moved: Moved = field(default_factory=dict)
    cover_ends: Mapping[str, date] = field(default_factory=dict)
    absences: tuple[tuple[date, date], ...] = ()

    @property
    def is_of_tables(self) -> bool:
        """Return whether the bank's tables alone say who is in the book."""
        return not self.moved and not self.cover_ends

    def holder(self, customer_id: str, by_tables: str | None) -> str | None:
        """Return the manager of a customer, as hand-overs have it."""
        return holder(self.moved, customer_id, by_tables)

    def customers(self, view: View) -> dict[str, str]:
        """Return the manager of each customer of the book in the newest snapshot of a view, by customer."""
        own = [self.manager_id, *self.cover_ends]
        rows = view.query(CUSTOMERS, {"own": own, "moved": list(self.moved)}, where="manager's book")
        pairs = zip(rows[CUSTOMER_ID].to_pylist(), rows[MANAGER_ID].to_pylist(), strict=True)
        held = ((str(customer), self.holder(customer, manager)) for customer, manager in pairs)
        return {customer: manager for customer, manager in held if manager in own}

    def audience(
        self, view: View, customers: pa.Array | None = None, tiers: tuple[str, ...] | None = None
    ) -> Audience:
        """Return the customers of the book, of these ids and of these tiers alone where some are given."""
        if self.is_of_tables:
            return Audience(customers, self.manager_id, tiers)
        chosen = None if customers is None else set(customers.to_pylist())
        ids = [one for one in self.customers(view) if chosen is None or one in chosen]
        return Audience(pa.array(ids, pa.string()), None, tiers)

    def availability(self, managers: Mapping[str, str | None]) -> Availability:
        """Return the manager's absences, and until when customers of covered managers are seen.

        Args:
            managers: Manager of each customer of the book, by customer.
        """
        ends = {one: self.cover_ends.get(manager or "") for one, manager in managers.items()}
        return Availability(self.absences, {one: day for one, day in ends.items() if day is not None})

    def availability_in(self, view: View) -> Availability:
        """Return the same for the customers of the book in a view; without covers nobody is looked for."""
        return self.availability(self.customers(view) if self.cover_ends else {})

    def check(self, view: View, customer_id: str) -> None:
        """Make sure that a customer is in the book.

        Raises:
            InputRejectedError: Not in the book, or not a customer at all; the two are not told apart.
        """
        sql = f"SELECT {MANAGER_ID} FROM customers_now WHERE {CUSTOMER_ID} = $1"
        found = view.query(sql, [customer_id])[MANAGER_ID].to_pylist()
        if not found or self.holder(customer_id, found[0]) not in {self.manager_id, *self.cover_ends}:
            raise InputRejectedError("the customer is not in your book", code="not-in-your-book")
