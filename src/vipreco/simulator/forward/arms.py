"""Policies that decide on a month's contacts from what the bank knows; each is a function of a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.columns import CHANNEL, CONSENT_CALL, CUSTOMER_ID, PRODUCT_ID, TIER
from vipreco.folds import customer_folds
from vipreco.history import View
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions, Recommender
from vipreco.simulator.forward.choices import CONTACTS_SCHEMA
from vipreco.simulator.parameters import VIP_TIERS

ChooseContacts: TypeAlias = Callable[[View, int], pl.DataFrame]
"""(what the bank knows, contacts that it can make) -> rows customer_id, product_id, channel."""

Floats = NDArray[np.float64]
Score: TypeAlias = Callable[[Decisions], Floats]
CALL = "call"
LOTS = 1_000_003
WHO = f"SELECT {CUSTOMER_ID} FROM customers_now WHERE {CONSENT_CALL} AND list_contains($1, {TIER}) ORDER BY 1"


def nobody(_view: View, _capacity: int) -> pl.DataFrame:
    """Contact nobody."""
    return pl.DataFrame(schema=CONTACTS_SCHEMA)


def at_random(recommender: Recommender, seed: int) -> ChooseContacts:
    """Call random VIP customers about a random product that the rules allow."""

    def lots(decisions: Decisions) -> Floats:
        """Draw a number for each pair, from the date, the customer and the seed alone."""
        names = [f"{decisions.as_of}:{product}:" for product in decisions.product_ids]
        columns = [_lots([name + str(one) for one in decisions.customer_ids], seed) for name in names]
        return np.column_stack(columns)

    return _best_first(recommender, lots)


def by_popularity(recommender: Recommender) -> ChooseContacts:
    """Call random VIP customers about the product that is acquired most and that they may have."""

    def popular(decisions: Decisions) -> Floats:
        rates = dict(zip(recommender.product_ids, recommender.base_rates.tolist(), strict=True))
        row = np.array([rates.get(product, 0.0) for product in decisions.product_ids])
        return np.tile(row, (len(decisions.customer_ids), 1))

    return _best_first(recommender, popular)


def by_propensity(recommender: Recommender) -> ChooseContacts:
    """Call the VIP customers who are likeliest to acquire something, about that product."""
    return _best_first(recommender, lambda decisions: decisions.propensity)


def by_priority(recommender: Recommender) -> ChooseContacts:
    """Call the VIP customers whose first offer has the highest priority, about that offer."""
    return _best_first(recommender, lambda decisions: decisions.priority)


def callable_vip_customers(view: View) -> pa.Array:
    """Return the VIP customers who consented to calls, ordered by id."""
    return view.query(WHO, [list(VIP_TIERS)])[CUSTOMER_ID].combine_chunks()


def _best_first(recommender: Recommender, score: Score) -> ChooseContacts:
    """Return the policy that calls the customers whose best allowed product scores highest, about it."""

    def choose(view: View, capacity: int) -> pl.DataFrame:
        customers = callable_vip_customers(view)
        if len(customers) == 0:
            return nobody(view, capacity)
        ranked = pl.concat(
            _best(decisions, score(decisions)) for decisions in recommender.decide(view.of(customers), CALL)
        )
        lots = pl.Series("lot", _lots([f"{view.date}:{one}" for one in ranked[CUSTOMER_ID]], 0))
        best = ranked.with_columns(lots).sort("score", "lot", CUSTOMER_ID, descending=[True, False, False])
        return best.head(capacity).select(*CONTACTS_SCHEMA)

    return choose


def _best(decisions: Decisions, score: Floats) -> pl.DataFrame:
    """Return each customer's best allowed product with its score; customers without one are left out."""
    order = np.where(decisions.verdict == ALLOWED, score, -np.inf)
    first = order.argmax(axis=1)
    best = order[np.arange(len(first)), first]
    frame = pl.DataFrame(
        {
            CUSTOMER_ID: pl.Series(decisions.customer_ids.tolist(), dtype=pl.String),
            PRODUCT_ID: pl.Series(decisions.product_ids, dtype=pl.String).gather(first),
            CHANNEL: pl.repeat(CALL, len(first), dtype=pl.String, eager=True),
            "score": best,
        }
    )
    return frame.filter(pl.col("score") > -np.inf)


def _lots(names: list[str], seed: int) -> Floats:
    return np.asarray(customer_folds(np.array(names, object), LOTS, seed), np.float64)
