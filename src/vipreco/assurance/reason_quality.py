"""Counts over the reasons of a whole bank: relevance, repeats, zeros, contradictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import polars as pl

from vipreco.assurance.unlock_check import UnlockCheck
from vipreco.columns import CUSTOMER_ID, MANAGER_ID, PRODUCT_ID
from vipreco.explanations import CO_HELD, Reason, ReasonCatalog, holds_true
from vipreco.history import View

COMPLIANCE_KINDS: Final = frozenset({"risk_assessed", "risk_level"})
LOGINS: Final = "logins"
MIN_REASONS: Final = 20  # of a book: shares of fewer say nothing
MIN_RELEVANT, MAX_FREQUENT = 0.9, 0.25
NEVER: Final = {
    "reasons with a zero or absent value": "zero",
    "reasons contrary to their direction": "contrary",
    "reasons by compliance dates": "compliance",
}
SCHEMA = {
    CUSTOMER_ID: pl.String,
    PRODUCT_ID: pl.String,
    "place": pl.Int64,
    "reason": pl.String,
    "text": pl.String,
    "relevant": pl.Boolean,
    "zero": pl.Boolean,
    "contrary": pl.Boolean,
    "compliance": pl.Boolean,
    "logins": pl.Boolean,
}
QUALITY = {"measure": pl.String, "value": pl.String, "target": pl.String, "met": pl.Boolean}


def stated_frame(
    stated: Iterable[tuple[str, str, str, list[Reason]]], catalogue: ReasonCatalog
) -> pl.DataFrame:
    """Return a row for each citable reason.

    Args:
        stated: Customer, product, its family and the reasons of each offer, the strongest first.
        catalogue: The reasons, with the table of relevance.
    """
    rows = [
        (customer, product, place, *_judged(reason, family, catalogue))
        for customer, product, family, reasons in stated
        for place, reason in enumerate(one for one in reasons if one.facts)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _judged(reason: Reason, family: str, catalogue: ReasonCatalog) -> tuple[object, ...]:
    values = [_number(fact.value) for fact in reason.facts]
    counted = reason.co_held or reason.theme.startswith(CO_HELD)
    return (
        reason.id,
        reason.text,
        catalogue.speaks_for(reason.theme, family),
        any(value == 0 for value in values),
        not counted and not holds_true(catalogue.entry(reason.id), reason.facts),
        any(fact.kind in COMPLIANCE_KINDS for fact in reason.facts),
        reason.subject == LOGINS,
    )


def reason_quality(stated: pl.DataFrame, offers: int, view: View) -> pl.DataFrame:
    """Return the measures of what is said to a bank, each with its target.

    Args:
        stated: Of `stated_frame`.
        offers: Number of all listed offers to customers who are profiled.
        view: Gives the books of the managers.
    """
    first = stated.filter(pl.col("place") == 0)
    repeated = stated.group_by(CUSTOMER_ID, "reason").len().filter(pl.col("len") > 1)[CUSTOMER_ID].n_unique()
    books = _books(stated, view)
    relevant, frequent = _share(first, "relevant"), _middle(books, "frequent")
    told = f"{first.height:,} of {offers:,} ({first.height / max(offers, 1):.0%})"
    rows = [
        ("offers with a reason", told, "", True),
        (
            "first reason relevant to the product's family",
            f"{relevant:.1%}",
            ">= 90 %",
            relevant >= MIN_RELEVANT,
        ),
        *(_none(stated, name, column) for name, column in NEVER.items()),
        (
            "reasons by log-in counts",
            f"{_share(stated, 'logins'):.1%}",
            "<= 5 %",
            _share(stated, "logins") <= 0.05,
        ),
        ("customers with the same template twice", f"{repeated:,}", "0", repeated == 0),
        ("most frequent template, all customers", f"{_most_frequent(stated):.1%}", "", True),
        ("most frequent template, median book", f"{frequent:.1%}", "<= 25 %", frequent <= MAX_FREQUENT),
        ("distinct reasons, median book", f"{_middle(books, 'distinct'):.1%}", "", True),
    ]
    return pl.DataFrame(rows, schema=QUALITY, orient="row")


def unlock_quality(found: UnlockCheck) -> pl.DataFrame:
    """Return the measures of the ways to products that are not offered."""
    told = f"{found.kept:,} of {found.steps:,}"
    opened = f"{found.opened:,} of {found.pairs:,}"
    rows = [
        ("unlock steps granted: open, or the next rule named", told, "100 %", found.kept == found.steps),
        ("products open after the last step", opened, "100 %", found.opened == found.pairs),
    ]
    return pl.DataFrame(rows, schema=QUALITY, orient="row")


def text_quality(texts: int, promises: int) -> pl.DataFrame:
    """Return the measure of the texts that may be read to a customer."""
    row = ("texts that promise profit or safety", f"{promises:,} of {texts:,}", "0", promises == 0)
    return pl.DataFrame([row], schema=QUALITY, orient="row")


def _none(stated: pl.DataFrame, name: str, column: str) -> tuple[str, str, str, bool]:
    found = int(stated[column].sum())
    return name, f"{found:,}", "0", found == 0


def _books(stated: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return the share of the most frequent template and of distinct texts in each book."""
    managers = pl.DataFrame(view.query(f"SELECT {CUSTOMER_ID}, {MANAGER_ID} FROM customers_now"))
    own = stated.join(managers, on=CUSTOMER_ID, how="left").drop_nulls(MANAGER_ID)
    counted = own.group_by(MANAGER_ID).agg(
        reasons=pl.len(),
        frequent=pl.col("reason").unique_counts().max() / pl.len(),
        distinct=pl.col("text").n_unique() / pl.len(),
    )
    return counted.filter(pl.col("reasons") >= MIN_REASONS)


def _share(frame: pl.DataFrame, column: str) -> float:
    return float(frame[column].sum()) / max(frame.height, 1)


def _most_frequent(stated: pl.DataFrame) -> float:
    return float(stated["reason"].unique_counts().max() or 0) / max(stated.height, 1)  # type: ignore[arg-type]


def _middle(books: pl.DataFrame, column: str) -> float:
    found = books[column].median() if books.height else 0.0
    return float(found) if isinstance(found, float) else 0.0


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
