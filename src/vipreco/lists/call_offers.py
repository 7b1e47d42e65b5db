"""Offers of a call: the agreed product, then those of a gain worth a minute and a chance above the usual."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import slate
from vipreco.policy import ALLOWED
from vipreco.recommender import Decisions, Recommender, in_order
from vipreco.settings import CallListSettings

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Ranks = NDArray[np.int16]
NO_PRODUCT = -1


class Withheld(IntEnum):
    """Reasons for which an allowed offer is not made in a call."""

    NO = 0
    LITTLE_VALUE = 1
    USUAL_CHANCE = 2


@dataclass(frozen=True)
class OfferRules:
    """Conditions of an offer in a call.

    Args:
        offers: Maximum number of offers in a call.
        min_amount: Smallest expected gain by the contact, in the bank's currency.
        min_chance: Chance of each product by id that an offer has to beat.
        counted: Offers whose gain counts for the call, the first ones; None: all.
    """

    offers: int
    min_amount: float
    min_chance: Mapping[str, float]
    counted: int | None = None

    @classmethod
    def of(cls, recommender: Recommender, settings: CallListSettings) -> OfferRules:
        """Return the rules for the offers of a recommender."""
        chances = recommender.base_rates * settings.min_chance_ratio
        by_product = dict(zip(recommender.product_ids, chances.tolist(), strict=True))
        return cls(settings.offers, settings.minute_amount, by_product, settings.counted_offers)

    def withheld(self, decisions: Decisions) -> NDArray[np.int8]:
        """Return why an offer is not made, as `Withheld`, shape (n, P).

        A product without a value in the catalogue has no expected gain to compare. Customers who opted out
        of profiling have the usual chance, whatever the product.
        """
        weighed = decisions.factors
        usual = np.array([self.min_chance.get(product, 0.0) for product in decisions.product_ids])
        common = (decisions.propensity <= usual) & decisions.personalised[:, None]
        little = (weighed.money.priority < self.min_amount) & ~weighed.values.margin_unknown
        found = np.where(common, Withheld.USUAL_CHANCE, Withheld.NO)
        return np.where(little, Withheld.LITTLE_VALUE, found).astype(np.int8)


@dataclass(frozen=True)
class CallOffers:
    """Offers of calls to the n customers of a chunk.

    Args:
        decisions: About the customers.
        rules: Conditions of the offers.
        agreed: The product that was agreed on with a customer, shape (n, P).
        withheld: `Withheld` of each pair, shape (n, P).
        ranks: Place of each product in its customer's call from 1, 0 = not offered, shape (n, P).
    """

    decisions: Decisions
    rules: OfferRules
    agreed: Mask
    withheld: NDArray[np.int8]
    ranks: Ranks

    @classmethod
    def of(cls, decisions: Decisions, rules: OfferRules, promised: Mapping[str, str]) -> CallOffers:
        """Choose the offers: a promised product opens the call if no rule stops it.

        Args:
            decisions: About the customers.
            rules: Conditions of the other offers.
            promised: Product that was agreed on, by customer.
        """
        agreed, withheld = promised_pairs(decisions, promised), rules.withheld(decisions)
        nothing = np.zeros(agreed.shape, np.int16)
        found = cls(decisions, rules, agreed, withheld, nothing)
        return replace(found, ranks=found.ranks_if(decisions.verdict == ALLOWED))

    def ranks_if(self, allowed: Mask) -> Ranks:
        """Return the ranks where the rules allow these pairs, shape (n, P)."""
        kept = allowed & ((self.withheld == Withheld.NO) | self.agreed)
        priority = np.where(self.agreed, np.inf, self.decisions.priority)
        return slate(priority, kept, self.decisions.slate_rules, self.rules.offers)

    def take(self, rows: slice) -> CallOffers:
        """Return the offers to some of the customers."""
        return CallOffers(
            decisions=self.decisions.take(rows),
            rules=self.rules,
            agreed=self.agreed[rows],
            withheld=self.withheld[rows],
            ranks=self.ranks[rows],
        )

    def frame(self) -> pl.DataFrame:
        """Return the offers as rows of the decision frame, by customer and place."""
        rows, columns = in_order(self.ranks, self.ranks.shape[1])
        return self.decisions.rows(rows, columns, self.ranks)


def promised_pairs(decisions: Decisions, promised: Mapping[str, str]) -> Mask:
    """Return the pairs of customer and agreed product, shape (n, P)."""
    number = {product: column for column, product in enumerate(decisions.product_ids)}
    customers = decisions.customer_ids.tolist()
    agreed = [number.get(promised.get(customer, ""), NO_PRODUCT) for customer in customers]
    pairs: Mask = np.array(agreed, np.int64)[:, None] == np.arange(len(decisions.product_ids))
    return pairs
