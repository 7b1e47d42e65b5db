"""All tables of an analysis, in one pass over the decisions about the customers of a view."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from vipreco.analytics.decision_tables import Duels, Funnel
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.lists import sensitivity
from vipreco.policy import Stage
from vipreco.recommender import DecisionContext, Decisions, Step, in_order, silent

STAGES: Final = (*(stage.value for stage in Stage), "arbitration", "offer")
TOPICS: Final = ("funnel", "products", "reasons", "sensitivity")
"""Tables that an analysis of decisions may have."""
REASON_SCHEMA = pl.Schema(
    {
        "reason_id": pl.String(),
        "offers": pl.Int64(),
        "offers_rate": pl.Float64(),
        "customers": pl.Int64(),
        "value_amount": pl.Float64(),
        "mean_value_amount": pl.Float64(),
    }
)
NO_REASON = "none"


@dataclass(frozen=True)
class Analysis:
    """Tables by topic, and how many customers they are about."""

    tables: Mapping[str, pl.DataFrame]
    customers: int


def analyse(
    explainer: Explainer, view: View, topics: Collection[str] = TOPICS, top: int = 3, step: Step = silent
) -> Analysis:
    """Return the tables of some topics about the offers to the customers of a view.

    Args:
        explainer: Of the model.
        view: Whose decisions.
        topics: Of `TOPICS`.
        top: Offers of a customer.
        step: Told what is done.
    """
    step("features")
    known = explainer.recommender.context(view)
    step("decisions")
    funnel, duels, reasons = Funnel(), Duels(), _Reasons(explainer, known)
    customers = 0

    def seen() -> Iterator[Decisions]:
        nonlocal customers
        for decisions in explainer.recommender.decisions(known):
            customers += len(decisions.customer_ids)
            if "funnel" in topics:
                funnel.add(decisions, top)
            if "products" in topics:
                duels.add(decisions)
            if "reasons" in topics:
                reasons.add(decisions, top)
            yield decisions

    if "sensitivity" in topics:
        factors = sensitivity(seen())
    else:
        factors = pl.DataFrame()
        for _ in seen():
            pass
    names = dict(zip(known.catalog.product_ids, known.catalog.names, strict=True))
    tables = {
        "funnel": funnel.frame(STAGES),
        "products": _named(duels.frame(), names),
        "reasons": reasons.frame(),
        "sensitivity": factors,
    }
    return Analysis({topic: tables[topic] for topic in TOPICS if topic in topics}, customers)


def _named(duels: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    called = {"product_id": "product_name", "other_id": "other_name"}
    columns = [
        pl.col(column).replace_strict(names, default=None, return_dtype=pl.String).alias(name)
        for column, name in called.items()
    ]
    return duels.with_columns(columns)


class _Reasons:
    """Offers and their expected value by the reason that is said first."""

    def __init__(self, explainer: Explainer, known: DecisionContext) -> None:
        self.explainer, self.known = explainer, known
        self._parts: list[pl.DataFrame] = []

    def add(self, decisions: Decisions, top: int) -> None:
        """Add the first offers of some customers."""
        rows, columns = in_order(decisions.slate(top), top)
        found = self.explainer.reasons_in(self.known, decisions, rows, columns)
        first = [reasons[0].id if reasons else NO_REASON for reasons in found.reasons]
        value = np.maximum(decisions.factors.money.priority[rows, columns], 0.0)
        customers = pl.Series(decisions.customer_ids.tolist(), dtype=pl.String).gather(rows)
        self._parts.append(
            pl.DataFrame(
                {"reason_id": pl.Series(first, dtype=pl.String), "customer_id": customers, "value": value}
            )
        )

    def frame(self) -> pl.DataFrame:
        """Return a row for each reason, the most valuable first."""
        schema = {"reason_id": pl.String(), "customer_id": pl.String(), "value": pl.Float64()}
        offers = pl.concat([pl.DataFrame(schema=schema), *self._parts])
        grouped = offers.group_by("reason_id").agg(
            pl.len().alias("offers"),
            (pl.len() / max(offers.height, 1)).alias("offers_rate"),
            pl.col("customer_id").n_unique().alias("customers"),
            pl.col("value").sum().alias("value_amount"),
            pl.col("value").mean().alias("mean_value_amount"),
        )
        ordered = grouped.sort("value_amount", "reason_id", descending=[True, False])
        return ordered.select(list(REASON_SCHEMA)).cast(REASON_SCHEMA)
