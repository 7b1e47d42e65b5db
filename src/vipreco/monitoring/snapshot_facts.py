"""Counts of a snapshot that monitoring keeps: they add up over parts, and hold no customer.

Subjects are `family/name`: `input/customers.aum_amount`, `score/P07`, `outcome/declined by product P07`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Self

INPUT, SCORE, OUTCOME, OFFER, RULE, SERVICE = "input", "score", "outcome", "offer", "rule", "service"
FAMILIES: Final = (OUTCOME, SCORE, INPUT, OFFER, RULE, SERVICE)
NUMBER, CATEGORY = "number", "category"
ALL: Final = "all"


@dataclass(frozen=True)
class ColumnCounts:
    """Rows of a column by code: bins of numbers (the same for all data), or categories.

    Args:
        kind: number or category.
        missing: Rows without a value.
        counts: Rows of each code; the code of a number is its bin as text.
    """

    kind: str
    missing: int
    counts: Mapping[str, int]

    @property
    def present(self) -> int:
        """Rows with a value."""
        return sum(self.counts.values())

    @property
    def rows(self) -> int:
        """All rows."""
        return self.present + self.missing


@dataclass(frozen=True)
class Rate:
    """Cases among rows."""

    cases: float
    rows: float

    @property
    def share(self) -> float:
        """Cases by rows; 0 without rows."""
        return self.cases / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Matured:
    """Expected and observed acquisitions of a group after a date.

    Args:
        expected: Sum of the chances.
        observed: Acquisitions.
        squares: Sum over customers of (observed - expected) squared.
    """

    expected: float
    observed: float
    squares: float


@dataclass(frozen=True)
class SnapshotFacts:
    """Counts of one snapshot.

    Args:
        day: Its as-of date.
        customers: Customers of the snapshot.
        columns: Columns and scores by subject.
        rates: Shares by subject.
        matured: By group, once the labels of the date are known: `all`, `product P`, `tier T`.
        ranking: AUC of the chances with its standard error, once the labels are known.
        model: Artifact behind scores, offers and matured labels; empty where there was none.
    """

    day: date
    customers: int
    columns: Mapping[str, ColumnCounts] = field(default_factory=dict)
    rates: Mapping[str, Rate] = field(default_factory=dict)
    matured: Mapping[str, Matured] = field(default_factory=dict)
    ranking: tuple[float, float] | None = None
    model: str = ""

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the facts of JSON values, as `asdict` gives them but for the date as a text."""
        ranking = record["ranking"]
        return cls(
            day=date.fromisoformat(record["day"]),
            customers=int(record["customers"]),
            columns={name: ColumnCounts(**each) for name, each in record["columns"].items()},
            rates={name: Rate(**each) for name, each in record["rates"].items()},
            matured={name: Matured(**each) for name, each in record["matured"].items()},
            ranking=(float(ranking[0]), float(ranking[1])) if ranking else None,
            model=record["model"],
        )


def family(subject: str) -> str:
    """Return the family of a subject.

    >>> family("input/customers.aum_amount")
    'input'
    """
    return subject.partition("/")[0]


def name_of(subject: str) -> str:
    """Return how readers know a subject.

    >>> name_of("input/customers.aum_amount"), name_of("score/P07")
    ('customers.aum_amount', 'chance of P07')
    """
    kind, _, name = subject.partition("/")
    return f"chance of {name}" if kind == SCORE else name
