"""Reasons for offers, from one recommender: the same in every command, endpoint and page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from vipreco.explanations.change_reasons import change_reasons
from vipreco.explanations.explanation import Decided, Explanation, decide_one, explained, tell
from vipreco.explanations.offer_reasons import OfferReasons, reasons_of_offers
from vipreco.explanations.reason_catalog import ReasonCatalog
from vipreco.explanations.sentences import Reason
from vipreco.history import View
from vipreco.policy import Language
from vipreco.recommender import DEFAULT_CHANNEL, DecisionContext, Decisions, Recommender

ALL_WEIGHT: Mapping[str, float] = MappingProxyType({})


class Explainer:
    """Gives the reasons of what a recommender offers, and why it does not offer the rest.

    Args:
        recommender: The offers are its.
        reason_weights: Share of its weight that a template keeps, by id; others keep all of it.
    """

    def __init__(self, recommender: Recommender, reason_weights: Mapping[str, float] = ALL_WEIGHT) -> None:
        self.recommender = recommender
        self.catalogue = ReasonCatalog.shipped().weighted(reason_weights, recommender.policy.currency)

    def explain(
        self,
        view: View,
        customer_id: str,
        top: int,
        channel: str = DEFAULT_CHANNEL,
        language: Language = "en",
    ) -> Explanation:
        """Explain the offers of one customer, and every product that is not offered.

        Raises:
            InputRejectedError: The customer is not in the newest snapshot of the view.
        """
        recommender = self.recommender
        known, decisions = decide_one(recommender, view, customer_id, channel)
        return explained(recommender, known, decisions, top, language, self.catalogue)

    def change_reasons(
        self, known: DecisionContext, change: str, customer_ids: Sequence[str], language: Language = "en"
    ) -> list[list[Reason]]:
        """Return up to three reasons of each customer for their chance of attrition or of a tier upgrade."""
        return change_reasons(self.recommender, known, change, customer_ids, language, self.catalogue)

    def reasons_in(
        self,
        known: DecisionContext,
        decisions: Decisions,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        language: Language = "en",
    ) -> OfferReasons:
        """Return reasons and cautions of offers among decisions: customer `rows[i]`, product `columns[i]`."""
        return reasons_of_offers(
            self.recommender, known, decisions, rows, columns, language, catalogue=self.catalogue
        )

    def offer_reasons(
        self,
        view: View,
        pairs: Sequence[tuple[str, str]],
        channel: str = DEFAULT_CHANNEL,
        language: Language = "en",
        decided: Decided | None = None,
    ) -> OfferReasons:
        """Return up to three reasons and a caution of each (customer, product) pair, in their order.

        Customers about whom something was `decided` already are not decided again.
        """
        return tell(self.recommender, view, pairs, channel, language, decided, catalogue=self.catalogue)
