"""Consents that customers gave or withdrew since the snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import func, insert, select

from vipreco.errors import InputRejectedError
from vipreco.store.books import member
from vipreco.store.changes import note_change
from vipreco.store.connection import Database
from vipreco.store.pending_changes import not_in_tables
from vipreco.store.schema import books, consents
from vipreco.store.scope import Scope

# Column of the customers table, and its value while the customer is left alone.
PROTECTS = {"consent_call": False, "consent_sms": False, "consent_app": False, "profiling_opt_out": True}
KINDS = tuple(PROTECTS)
LAST = {
    "customer_id": pl.String(),
    "kind": pl.String(),
    "granted": pl.Boolean(),
    "recorded_date": pl.Date(),
}


@dataclass(frozen=True)
class Consent:
    """A consent given or withdrawn: `kind` is a column of the customers table, `granted` its new value."""

    customer_id: str
    kind: str
    granted: bool


class Consents:
    """Consents to contacts and profiling; the latest one counts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def record(self, scope: Scope, consent: Consent, at: datetime) -> int | None:
        """Record a consent and return the number of the change; None as `Contacts.record`.

        Raises:
            InputRejectedError: No such kind of consent.
        """
        if consent.kind not in KINDS:
            raise InputRejectedError(
                "this kind of consent does not exist",
                where="kind",
                remedy=f"use one of {', '.join(KINDS)}",
                code="unknown-consent",
            )
        with self.database.writing() as connection:
            if member(connection, scope, consent.customer_id) is None:
                return None
            sequence = note_change(connection, consent.customer_id)
            row = {**consent.__dict__, "sequence": sequence, "recorded_date": at.date(), "actor": scope.actor}
            connection.execute(insert(consents), row)
        return sequence

    def last(self, until: int) -> pl.DataFrame:
        """Return the latest consent of every customer and kind, up to a number, for the tables.

        Returns:
            Columns customer_id, kind, granted, recorded_date; by customer and kind.
        """
        newest = (
            select(func.max(consents.c.sequence))
            .where(consents.c.sequence <= until)
            .group_by(consents.c.customer_id, consents.c.kind)
        )
        columns = [consents.c[name] for name in LAST]
        query = select(*columns).where(consents.c.sequence.in_(newest)).order_by(*columns[:2])
        with self.database.reading() as connection:
            return pl.DataFrame([tuple(row) for row in connection.execute(query)], LAST, orient="row")

    def changed(self, after: int, until: int | None = None) -> list[Consent]:
        """Return the latest consents among changes that tables up to `after` do not hold."""
        query = select(consents).where(not_in_tables(consents.c.sequence, after, until))
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(consents.c.sequence)).all()
        return _latest(rows)

    def sequences(self, customer_ids: list[str], until: int) -> dict[tuple[str, str], int]:
        """Return the numbers of the latest consents up to `until`, by customer and kind."""
        query = select(consents).where(consents.c.customer_id.in_(customer_ids), consents.c.sequence <= until)
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(consents.c.sequence)).all()
        return {(row.customer_id, row.kind): row.sequence for row in rows}

    def of(self, scope: Scope, customer_ids: list[str], after: int = 0) -> list[Consent]:
        """Return the latest consents of some customers that tables up to `after` do not hold."""
        query = (
            select(consents)
            .join(books, books.c.customer_id == consents.c.customer_id)
            .where(
                consents.c.customer_id.in_(customer_ids),
                not_in_tables(consents.c.sequence, after),
                scope.sees(),
            )
            .order_by(consents.c.sequence)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return _latest(rows)


def _latest(rows: Iterable[Any]) -> list[Consent]:
    last = {(row.customer_id, row.kind): row.granted for row in rows}
    return [Consent(customer, kind, granted) for (customer, kind), granted in sorted(last.items())]
