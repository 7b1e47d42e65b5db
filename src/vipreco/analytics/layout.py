"""Columns of each table of an analysis as people read them, narrow enough for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from vipreco.analytics.answers import DIMENSIONS
from vipreco.analytics.outcomes import OUTCOME_DIMENSIONS
from vipreco.documents import Column, Document, Holds, Part

_FUNNEL: Final = (
    Column("stage", "Stage", 14),
    Column("reason_code", "Reason", 24),
    Column("pairs", "Pairs", 9, Holds.COUNT),
    Column("pairs_rate", "Share", 7, Holds.RATE),
    Column("customers", "Customers", 9, Holds.COUNT),
    Column("left_pairs", "Left", 9, Holds.COUNT),
    Column("value_amount", "Expected value", 14, Holds.AMOUNT),
)
_PRODUCTS: Final = (
    Column("product_name", "First offer", 26),
    Column("other_name", "Also allowed", 26),
    Column("both_allowed", "Both", 7, Holds.COUNT),
    Column("wins", "Wins", 6, Holds.COUNT),
    Column("losses", "Losses", 6, Holds.COUNT),
    Column("win_rate", "Won", 7, Holds.RATE),
    Column("behind_amount", "Ahead by", 9, Holds.AMOUNT),
)
_REASONS: Final = (
    Column("reason_id", "First reason", 20),
    Column("offers", "Offers", 8, Holds.COUNT),
    Column("offers_rate", "Share", 7, Holds.RATE),
    Column("customers", "Customers", 9, Holds.COUNT),
    Column("value_amount", "Expected value", 14, Holds.AMOUNT),
)
_SENSITIVITY: Final = (
    Column("left_out", "Left out", 12),
    Column("customers", "Customers", 9, Holds.COUNT),
    Column("changed_offer_rate", "Other offer", 11, Holds.RATE),
    Column("changed_call_rate", "Other call", 11, Holds.RATE),
    Column("lost_amount", "Lost value", 12, Holds.AMOUNT),
    Column("lost_rate", "Lost", 8, Holds.RATE),
)
_ANSWERS: Final = (
    Column("contacts", "Contacts", 9, Holds.COUNT),
    Column("customers", "Customers", 9, Holds.COUNT),
    Column("answers", "Answers", 8, Holds.COUNT),
    Column("accepted", "Yes", 6, Holds.COUNT),
    Column("postponed", "Later", 6, Holds.COUNT),
    Column("accepted_rate", "Yes, share", 10, Holds.RATE),
    Column("low", "from", 7, Holds.RATE),
    Column("high", "to", 7, Holds.RATE),
)
_OUTCOMES: Final = (
    Column("offers", "Offers", 8, Holds.COUNT),
    Column("contacted", "Contacted", 9, Holds.COUNT),
    Column("answers", "Answers", 8, Holds.COUNT),
    Column("accepted", "Yes", 5, Holds.COUNT),
    Column("accepted_rate", "Yes, share", 10, Holds.RATE),
    Column("low", "from", 7, Holds.RATE),
    Column("high", "to", 7, Holds.RATE),
    Column("mean_chance", "Chance", 7, Holds.RATE),
    Column("corrected_rate", "Corrected", 9, Holds.RATE),
)
_TERMS: Final = (
    Column("term", "Term", 10),
    Column("group", "Group", 18),
    Column("odds_factor", "Odds", 8, Holds.RATE),
    Column("low", "from", 8, Holds.RATE),
    Column("high", "to", 8, Holds.RATE),
    Column("answers", "Answers", 8, Holds.COUNT),
    Column("accepted", "Yes", 6, Holds.COUNT),
)
LAYOUTS: Final[Mapping[str, tuple[Column, ...]]] = {
    "funnel": _FUNNEL,
    "products": _PRODUCTS,
    "reasons": _REASONS,
    "sensitivity": _SENSITIVITY,
    "answers": _TERMS,
    **{name: (Column(name, name.title(), 18), *_ANSWERS) for name in DIMENSIONS},
    **{f"outcomes by {name}": (Column(name, name.title(), 16), *_OUTCOMES) for name in OUTCOME_DIMENSIONS},
}
ABOUT_DECISIONS: Final = ("funnel", "products", "reasons", "sensitivity")
TITLES: Final[Mapping[str, str]] = {
    "funnel": "Pairs of customer and product, from all to the offers",
    "products": "First offers, and the other products that the rules allow the same customers",
    "reasons": "Offers by the reason that is said first",
    "sensitivity": "Effect of leaving one factor out",
    "answers": "Odds of a yes, as a share of those that were told with the offer",
    **{name: f"Answers to offers by {name}, with 95 % limits" for name in DIMENSIONS},
    **{
        f"outcomes by {name}": f"Answers to logged offers by {name}, with 95 % limits"
        for name in OUTCOME_DIMENSIONS
    },
}


def as_document(topic: str, rows: pl.DataFrame, currency: str) -> Document:
    """Return a table of `TOPICS`, or of acceptance by a dimension, as people read it."""
    columns = tuple(column for column in LAYOUTS[topic] if column.name in rows.columns)
    about = (f"Amounts in {currency}",) if currency and "value_amount" in rows.columns else ()
    part = Part(topic, TITLES[topic], columns, rows)
    title = "Analysis of decisions" if topic in ABOUT_DECISIONS else "Acceptance of past offers"
    return Document(title, about, (part,), "en", currency=currency)
