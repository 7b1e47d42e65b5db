"""Reasons and offers that relationship managers marked as not useful, and what follows for the templates."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, insert, select

from vipreco.errors import InputRejectedError
from vipreco.store.books import member
from vipreco.store.connection import Database
from vipreco.store.failures import retry_if_taken
from vipreco.store.schema import books, feedback
from vipreco.store.scope import Scope

REFUSAL_CAUSES: Final = ("price", "elsewhere", "no_means")
"""Causes that customers give for refusing an offer: price or yield; has it at another bank; no free means."""
CAUSES: Final = ("wrong", "irrelevant", "known", "delicate", "unsuitable", *REFUSAL_CAUSES, "other")
"""Causes of a mark: not true; nothing to do with the product; known already; not to be said to the customer;
the product does not suit; those of a customer; another one."""
MARKED_DAYS = 365  # older marks are about an older catalogue of reasons
HALVING_MARKS = 20  # customers for whom a template was marked, until it counts half


@dataclass(frozen=True)
class Feedback:
    """One mark.

    Args:
        customer_id: The customer.
        product_id: The offered product.
        reason_id: Template of the reason; empty where the offer itself is marked.
        cause: One of `CAUSES`.
    """

    customer_id: str
    product_id: str
    reason_id: str
    cause: str


@dataclass(frozen=True)
class MarkedReason:
    """Marks of one template within a year.

    Args:
        reason_id: The template; empty for offers.
        cause: Why.
        marks: Number of marks.
        customers: Customers whom they are about.
    """

    reason_id: str
    cause: str
    marks: int
    customers: int


@dataclass(frozen=True)
class RefusedOffer:
    """Marks of the offers of one product within a year.

    Args:
        product_id: The product.
        cause: One of `CAUSES`.
        customers: Customers whose offer was marked.
    """

    product_id: str
    cause: str
    customers: int


class FeedbackLog:
    """Marks of reasons and offers; the newest mark of a person about the same thing counts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @retry_if_taken
    def record(self, scope: Scope, mark: Feedback, day: date) -> bool:
        """Record a mark; False where the customer is unknown or in another book.

        Raises:
            InputRejectedError: No such cause.
        """
        if mark.cause not in CAUSES:
            raise InputRejectedError(
                "this cause does not exist",
                where="cause",
                remedy=f"use one of {', '.join(CAUSES)}",
                code="unknown-cause",
            )
        row = {**asdict(mark), "actor": scope.actor, "recorded_date": day}
        same = [feedback.c[name] == row[name] for name in ("actor", "customer_id", "product_id", "reason_id")]
        with self.database.writing() as connection:
            if member(connection, scope, mark.customer_id) is None:
                return False
            connection.execute(delete(feedback).where(*same))
            connection.execute(insert(feedback), row)
        return True

    def of(self, scope: Scope, customer_id: str) -> dict[tuple[str, str], str]:
        """Return the marks of the asking person about a customer: the cause by product and reason."""
        query = select(feedback).where(feedback.c.actor == scope.actor, feedback.c.customer_id == customer_id)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return {(row.product_id, row.reason_id): row.cause for row in rows}

    def is_empty(self) -> bool:
        """Return whether nothing was ever marked."""
        with self.database.reading() as connection:
            return connection.execute(select(feedback.c.sequence).limit(1)).first() is None

    def marked(self, day: date) -> list[MarkedReason]:
        """Return the marks of the year before a day by template and cause, the most frequent first."""
        query = (
            select(
                feedback.c.reason_id,
                feedback.c.cause,
                func.count().label("marks"),
                func.count(feedback.c.customer_id.distinct()).label("customers"),
            )
            .where(feedback.c.recorded_date > day - timedelta(days=MARKED_DAYS))
            .group_by(feedback.c.reason_id, feedback.c.cause)
        )
        with self.database.reading() as connection:
            found = [_marked(row) for row in connection.execute(query)]
        return sorted(found, key=lambda one: (-one.customers, one.reason_id, one.cause))

    def refused(self, scope: Scope, day: date) -> list[RefusedOffer]:
        """Return why offers to the customers of a scope were refused in the year before a day.

        Returns:
            By product and cause, the most customers first.
        """
        customers = func.count(feedback.c.customer_id.distinct()).label("customers")
        query = (
            select(feedback.c.product_id, feedback.c.cause, customers)
            .join(books, books.c.customer_id == feedback.c.customer_id)
            .where(
                feedback.c.reason_id == "",
                feedback.c.recorded_date > day - timedelta(days=MARKED_DAYS),
                scope.sees(),
            )
            .group_by(feedback.c.product_id, feedback.c.cause)
            .order_by(customers.desc(), feedback.c.product_id, feedback.c.cause)
        )
        with self.database.reading() as connection:
            return [RefusedOffer(**row._mapping) for row in connection.execute(query)]

    def weights(self, day: date) -> dict[str, float]:
        """Return the share of its weight that each marked template keeps; others keep all of it.

        A template that was marked for `HALVING_MARKS` customers within the year before counts half, for three
        times as many a quarter.
        """
        query = (
            select(feedback.c.reason_id, func.count(feedback.c.customer_id.distinct()).label("customers"))
            .where(feedback.c.recorded_date > day - timedelta(days=MARKED_DAYS), feedback.c.reason_id != "")
            .group_by(feedback.c.reason_id)
            .order_by(feedback.c.reason_id)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return {row.reason_id: HALVING_MARKS / (HALVING_MARKS + row.customers) for row in rows}


def _marked(row: Any) -> MarkedReason:
    return MarkedReason(row.reason_id, row.cause, row.marks, row.customers)
