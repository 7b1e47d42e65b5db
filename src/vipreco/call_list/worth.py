"""What a call to each customer of a book is worth: keeping, selling, developing, renewing an assessment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import DEVELOP, KEEP, most_frequent_verdict, no_action, slate
from vipreco.columns import CUSTOMER_ID
from vipreco.policy import ALLOWED, PolicyFacts
from vipreco.recommender import Decisions

Floats = NDArray[np.float64]
ASSESSED = ("customer_risk_assessed_days", "customer_risk_assessed_months")


def call_worths(decisions: Decisions, offers: int) -> pl.DataFrame:
    """Return the worth of a call in the currency of the values, one row a customer, in their order.

    Columns: `keep_amount`, `develop_amount` (calls without a product); `grow_amount` (sum over the slate);
    `unlocked_amount` (what the slate would be worth more with a renewed assessment); `cause` (of
    `arbitration.NoAction`); `stopped_by` (the verdict that stops most products); `leaving` and `rising`.

    Args:
        decisions: Of a chunk of customers.
        offers: Most offers in a call.
    """
    places, actions = decisions.slate(offers), decisions.worth.actions
    now = slate_worth(decisions.priority, places)
    return pl.DataFrame(
        {
            CUSTOMER_ID: pl.Series(decisions.customer_ids.tolist(), dtype=pl.String),
            "keep_amount": actions[:, KEEP],
            "develop_amount": actions[:, DEVELOP],
            "grow_amount": now,
            "unlocked_amount": np.maximum(_worth_if_renewed(decisions, offers) - now, 0.0),
            "cause": no_action(decisions.verdict == ALLOWED, places),
            "stopped_by": most_frequent_verdict(decisions.verdict),
            "leaving": decisions.worth.standing.leaving,
            "rising": decisions.worth.standing.rising,
        },
        nan_to_null=True,
    )


def slate_worth(priority: Floats, places: NDArray[np.int16]) -> Floats:
    """Return the sum of the priorities of what is offered, shape (n,)."""
    return np.asarray(np.where(places > 0, priority, 0.0).sum(axis=1))


def renewed(facts: PolicyFacts) -> PolicyFacts:
    """Return the same facts with every risk assessment renewed today, at the class that it gave."""
    known = pl.col("customer_risk_rank").is_not_null()
    there = [name for name in ASSESSED if name in facts.customers.columns]
    if "customer_risk_rank" not in facts.customers.columns:
        return facts
    dated = [pl.when(known).then(0.0).otherwise(pl.col(name)).alias(name) for name in there]
    return replace(facts, customers=facts.customers.with_columns(dated))


def _worth_if_renewed(decisions: Decisions, offers: int) -> Floats:
    allowed = decisions.policy.judge(renewed(decisions.facts)) == ALLOWED
    places = slate(decisions.priority, allowed, decisions.slate_rules, offers)
    return slate_worth(decisions.priority, places)
