"""Customers who were handed over to another manager, until the bank's own tables say so as well."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, true, update

from vipreco.errors import UsageError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import books, hand_overs
from vipreco.store.scope import Scope


@dataclass(frozen=True)
class HandOver:
    """Customers whom one manager handed over to another.

    Args:
        from_manager_id: Whose book they are in by the bank's tables.
        to_manager_id: Whose book they are in now.
        customers: How many.
        made_by: Who handed them over.
        made_date: When, the newest of them.
    """

    from_manager_id: str
    to_manager_id: str
    customers: int
    made_by: str
    made_date: date


class HandOvers:
    """Hand-overs of whole books and of single customers.

    A hand-over holds until the bank's tables name another manager than the one who handed over.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def make(
        self,
        from_manager: str,
        to_manager: str,
        made_by: str,
        day: date,
        *,
        customer_ids: Collection[str] | None = None,
        scope: Scope | None = None,
    ) -> int:
        """Move customers from one manager's book to another's, and return their number.

        Args:
            from_manager: Whose customers.
            to_manager: Who gets them.
            made_by: Who hands them over.
            day: The day.
            customer_ids: These alone; without them the whole book.
            scope: Customers who may be moved; without it all.

        Raises:
            UsageError: Both are the same manager, or one of the customers is not in that book.
        """
        if not to_manager or from_manager == to_manager:
            raise UsageError("a book is handed over to another manager", where="to_manager", code="hand-over")
        with self.database.writing() as connection:
            moved = _book(connection, from_manager, scope)
            wanted = set(moved if customer_ids is None else customer_ids)
            if not wanted or not wanted <= set(moved):
                raise UsageError(
                    "not all of these customers are in that book", where="customers", code="hand-over"
                )
            _move(connection, {one: moved[one] for one in wanted}, to_manager, made_by, day)
        return len(wanted)

    def all(self, scope: Scope | None = None) -> list[HandOver]:
        """Return the hand-overs in force whose customers somebody sees; without a scope all."""
        grouped = (hand_overs.c.from_manager_id, hand_overs.c.to_manager_id)
        newest = func.max(hand_overs.c.made_date)
        query = (
            select(*grouped, func.count(), func.max(hand_overs.c.made_by), newest)
            .join(books, books.c.customer_id == hand_overs.c.customer_id)
            .where(true() if scope is None else scope.sees())
            .group_by(*grouped)
            .order_by(newest.desc(), *grouped)
        )
        with self.database.reading() as connection:
            return [HandOver(*row) for row in connection.execute(query)]

    def moved(self, day: date) -> dict[str, tuple[str, str]]:
        """Return who handed over and who got each customer who was handed over by a day, by customer."""
        query = select(hand_overs).where(hand_overs.c.made_date <= day)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return {row.customer_id: (row.from_manager_id, row.to_manager_id) for row in rows}


def handed_over(connection: Connection) -> set[str]:
    """Return the customers who were handed over."""
    return set(connection.execute(select(hand_overs.c.customer_id)).scalars())


def kept_hand_overs(connection: Connection, managers: Mapping[str, str | None]) -> dict[str, str]:
    """Return the manager of each customer whose hand-over still holds; the others are removed.

    Args:
        connection: In the caller's transaction.
        managers: Manager by the bank's tables, of those who were handed over at least.
    """
    kept: dict[str, str] = {}
    settled = []
    for row in connection.execute(select(hand_overs)).all():
        if managers.get(row.customer_id) == row.from_manager_id:
            kept[row.customer_id] = row.to_manager_id
        else:
            settled.append(row.customer_id)
    for customer in settled:
        connection.execute(delete(hand_overs).where(hand_overs.c.customer_id == customer))
    return kept


def _book(connection: Connection, manager: str, scope: Scope | None) -> dict[str, str]:
    """Return the customers of a book, with the manager whom the bank's tables name for each."""
    sees: ColumnElement[bool] = true() if scope is None else scope.sees()
    query = (
        select(books.c.customer_id, func.coalesce(hand_overs.c.from_manager_id, books.c.manager_id))
        .outerjoin(hand_overs, hand_overs.c.customer_id == books.c.customer_id)
        .where(books.c.manager_id == manager, sees)
    )
    return {str(customer): str(owner) for customer, owner in connection.execute(query)}


def _move(
    connection: Connection, owners: Mapping[str, str], to_manager: str, made_by: str, day: date
) -> None:
    """Put customers into a book; whoever comes back to their own manager was never handed over."""
    for customer, owner in owners.items():
        connection.execute(delete(hand_overs).where(hand_overs.c.customer_id == customer))
        moved = update(books).where(books.c.customer_id == customer).values(manager_id=to_manager)
        connection.execute(moved)
        if owner != to_manager:
            row: dict[str, Any] = {
                "customer_id": customer,
                "from_manager_id": owner,
                "to_manager_id": to_manager,
                "made_by": made_by,
                "made_date": day,
            }
            connection.execute(insert(hand_overs), row)
