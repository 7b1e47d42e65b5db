"""Books of relationship managers: the one place that decides whether somebody may see a customer."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Connection, delete, func, insert, select, update

from vipreco.errors import UsageError
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.hand_overs import handed_over, kept_hand_overs
from vipreco.store.schema import books, covers
from vipreco.store.scope import Scope

HANDLE_BYTES = 12
BATCH = 10_000
MAX_LISTED = 500  # ids in one query


@dataclass(frozen=True)
class Member:
    """A customer of a book, with the opaque handle used in page addresses."""

    customer_id: str
    manager_id: str | None
    branch_id: str | None
    handle: str


@dataclass(frozen=True)
class Cover:
    """A leave cover: the deputy sees the manager's book from the first to the last day."""

    manager_id: str
    deputy_id: str
    from_date: date
    until_date: date


@dataclass(frozen=True)
class GrantedCover:
    """A leave cover with its number and the person who granted it."""

    cover_id: int
    cover: Cover
    granted_by: str


class Books:
    """The books of all relationship managers, as of the snapshot that is served."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def replace(self, snapshot_id: str, members: pl.DataFrame) -> None:
        """Replace the books by those of a snapshot; a customer keeps handle and hand-over.

        Args:
            snapshot_id: Snapshot of the tables.
            members: Columns customer_id, manager_id, branch_id.
        """
        self.replace_by_parts(snapshot_id, lambda: [members])

    @retry_if_taken
    def replace_by_parts(self, snapshot_id: str, members: Callable[[], Iterable[pl.DataFrame]]) -> None:
        """Replace the books by customers who come in parts, one of which is in memory at a time.

        Args:
            snapshot_id: Snapshot of the tables.
            members: Gives the parts; it is asked twice.
        """
        with self.database.writing() as connection:
            # Rows that are not written anew are those of customers who are gone.
            connection.execute(update(books).where(books.c.snapshot_id == snapshot_id).values(snapshot_id=""))
            moved = kept_hand_overs(connection, _managers(handed_over(connection), members()))
            for frame in members():
                for part in frame.select("customer_id", "manager_id", "branch_id").iter_slices(BATCH):
                    _write(connection, part.to_dicts(), moved, snapshot_id)
            connection.execute(delete(books).where(books.c.snapshot_id != snapshot_id))

    def snapshot_id(self) -> str | None:
        """Return the snapshot of the books; None without any."""
        with self.database.reading() as connection:
            found: str | None = connection.execute(select(books.c.snapshot_id).limit(1)).scalar()
        return found

    def sizes(self) -> dict[str, int]:
        """Return the number of customers in each manager's book, by manager."""
        query = select(books.c.manager_id, func.count()).where(books.c.manager_id.is_not(None))
        with self.database.reading() as connection:
            rows = connection.execute(query.group_by(books.c.manager_id).order_by(books.c.manager_id)).all()
        return {str(manager): int(customers) for manager, customers in rows}

    def branches(self) -> list[str]:
        """Return the ids of all branches that have customers."""
        query = select(books.c.branch_id).where(books.c.branch_id.is_not(None)).distinct()
        with self.database.reading() as connection:
            return sorted(connection.execute(query.order_by(books.c.branch_id)).scalars())

    def sizes_of(self, scope: Scope) -> dict[str, int]:
        """Return how many customers whom somebody sees are in each manager's book, by manager."""
        query = select(books.c.manager_id, func.count()).where(scope.sees(), books.c.manager_id.is_not(None))
        with self.database.reading() as connection:
            rows = connection.execute(query.group_by(books.c.manager_id).order_by(books.c.manager_id)).all()
        return {str(manager): int(customers) for manager, customers in rows}

    def find(self, scope: Scope, customer_id: str) -> Member | None:
        """Return a customer; None if unknown or in another book."""
        with self.database.reading() as connection:
            return member(connection, scope, customer_id)

    def by_handle(self, scope: Scope, handle: str) -> Member | None:
        """Return the customer behind a handle; None as `find`."""
        query = select(books).where(books.c.handle == handle, scope.sees())
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _member(row)

    def handles(self, scope: Scope, customer_ids: Sequence[str]) -> dict[str, str]:
        """Return the handles of those among some customers whom somebody sees, by id."""
        found: dict[str, str] = {}
        for start in range(0, len(customer_ids), MAX_LISTED):
            chosen = books.c.customer_id.in_(customer_ids[start : start + MAX_LISTED])
            query = select(books.c.customer_id, books.c.handle).where(chosen, scope.sees())
            with self.database.reading() as connection:
                found.update((row.customer_id, row.handle) for row in connection.execute(query))
        return found

    def of(self, scope: Scope) -> list[Member]:
        """Return all customers that somebody sees, by id; for marketing and channel that is everybody."""
        query = select(books).where(scope.sees()).order_by(books.c.customer_id)
        with self.database.reading() as connection:
            return [_member(row) for row in connection.execute(query)]

    def cover(self, cover: Cover, granted_by: str) -> int:
        """Let a deputy see the book of a manager who is away, and return the number of the cover.

        Raises:
            UsageError: The last day is before the first, or the deputy is missing or the manager themself.
        """
        if cover.until_date < cover.from_date:
            raise UsageError("the cover ends before it begins", code="dates")
        if not cover.manager_id or not cover.deputy_id or cover.manager_id == cover.deputy_id:
            raise UsageError("a manager cannot cover for themselves", where="deputy_id", code="deputy")
        row = {**cover.__dict__, "granted_by": granted_by}
        with self.database.writing() as connection:
            key = connection.execute(insert(covers), row).inserted_primary_key
        return int(key[0]) if key else 0

    def end_cover(self, cover_id: int) -> None:
        """Revoke a leave cover.

        Raises:
            UsageError: No such cover.
        """
        with self.database.writing() as connection:
            found = connection.execute(delete(covers).where(covers.c.cover_id == cover_id))
            if found.rowcount == 0:
                raise UsageError("no such cover", where="cover", code="unknown-cover")

    def covers(self) -> list[GrantedCover]:
        """Return all leave covers, newest first."""
        query = select(covers).order_by(covers.c.from_date.desc(), covers.c.cover_id.desc())
        with self.database.reading() as connection:
            return [
                GrantedCover(row.cover_id, _cover(row), row.granted_by) for row in connection.execute(query)
            ]

    def leaves(self, manager_id: str) -> tuple[tuple[date, date], ...]:
        """Return the first and the last day of each leave of a manager, oldest first."""
        query = select(covers.c.from_date, covers.c.until_date).where(covers.c.manager_id == manager_id)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(covers.c.from_date, covers.c.cover_id)).all()
        return tuple((row.from_date, row.until_date) for row in rows)

    def covered(self, scope: Scope) -> list[Cover]:
        """Return the leave covers in which a manager is the deputy on the day of the scope."""
        if scope.day is None:
            return []
        query = select(covers).where(
            covers.c.deputy_id == scope.manager_id,
            covers.c.from_date <= scope.day,
            covers.c.until_date >= scope.day,
        )
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(covers.c.cover_id)).all()
        return [_cover(row) for row in rows]


def member(connection: Connection, scope: Scope, customer_id: str) -> Member | None:
    """Return a customer whom somebody may see; runs in the caller's transaction."""
    query = select(books).where(books.c.customer_id == customer_id, scope.sees())
    row = connection.execute(query).first()
    return None if row is None else _member(row)


def _member(row: object) -> Member:
    return Member(*(getattr(row, name) for name in ("customer_id", "manager_id", "branch_id", "handle")))


def _cover(row: Any) -> Cover:
    return Cover(row.manager_id, row.deputy_id, row.from_date, row.until_date)


def _managers(customers: Collection[str], members: Iterable[pl.DataFrame]) -> dict[str, str | None]:
    """Return the manager of some customers by the bank's tables."""
    chosen = pl.col("customer_id").is_in(list(customers))
    frames = (frame.select("customer_id", "manager_id").filter(chosen) for frame in members)
    return {customer: manager for frame in frames for customer, manager in frame.iter_rows()}


def _write(
    connection: Connection, rows: Sequence[dict[str, Any]], moved: Mapping[str, str], snapshot_id: str
) -> None:
    """Write some customers in place of their former rows, whose handles they keep."""
    known: dict[str, str] = {}
    for start in range(0, len(rows), MAX_LISTED):
        ids = [row["customer_id"] for row in rows[start : start + MAX_LISTED]]
        chosen = books.c.customer_id.in_(ids)
        found = connection.execute(select(books.c.customer_id, books.c.handle).where(chosen))
        known.update((customer, handle) for customer, handle in found)
        connection.execute(delete(books).where(chosen))
    if rows:
        written = [
            {
                **row,
                "manager_id": moved.get(row["customer_id"], row["manager_id"]),
                "snapshot_id": snapshot_id,
                "handle": known.get(row["customer_id"]) or _handle(),
            }
            for row in rows
        ]
        connection.execute(insert(books), written)


def _handle() -> str:
    return secrets.token_urlsafe(HANDLE_BYTES)
