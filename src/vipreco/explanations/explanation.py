"""The offers of one customer with their reasons, and every other product with the rule that stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from vipreco.errors import InputRejectedError
from vipreco.explanations.not_offered import WhyNot, all_not_offered
from vipreco.explanations.offer_reasons import OfferReasons, reasons_of_offers
from vipreco.explanations.reason_catalog import ReasonCatalog
from vipreco.explanations.sentences import Reason
from vipreco.history import View
from vipreco.policy import Language
from vipreco.recommender import DecisionContext, Decisions, Recommender


@dataclass(frozen=True)
class ExplainedOffer:
    """An offer with up to three reasons, the strongest first, and what to mind before it is made."""

    product_id: str
    propensity: float
    reasons: tuple[Reason, ...]
    caution: Reason | None


@dataclass(frozen=True)
class Explanation:
    """Offers of one customer with reasons, and every other product with the rule that stops it."""

    customer_id: str
    personalised: bool
    offers: tuple[ExplainedOffer, ...]
    not_offered: tuple[WhyNot, ...]


@dataclass(frozen=True)
class Decided:
    """Decisions about some customers that are explained without deciding again.

    Args:
        known: What was known of the customers.
        chunks: The decisions about them.
    """

    known: DecisionContext
    chunks: Sequence[Decisions]


def decide_one(
    recommender: Recommender, view: View, customer_id: str, channel: str
) -> tuple[DecisionContext, Decisions]:
    """Return what is known of one customer, and the decisions about them.

    Raises:
        InputRejectedError: The customer is not in the newest snapshot of the view.
    """
    known = recommender.context(view.of(pa.array([customer_id], pa.string())), channel)
    decisions = next(recommender.decisions(known), None)
    if decisions is None:
        raise InputRejectedError(
            "the customer is not in the newest snapshot",
            where=f"snapshot {view.snapshot_date}",
            remedy="check the id, or choose an as-of date at which the customer was there",
            code="unknown-customer",
        )
    return known, decisions


def explained(
    recommender: Recommender,
    known: DecisionContext,
    decisions: Decisions,
    top: int,
    language: Language = "en",
    catalogue: ReasonCatalog | None = None,
) -> Explanation:
    """Explain the first `top` offers of one customer, and every product that is not offered.

    Args:
        recommender: The fitted recommender.
        known: What is known of the customer.
        decisions: The decisions about them.
        top: Most offers.
        language: Of the texts.
        catalogue: Reasons with their weights; None for those that come with vipreco.
    """
    rows, columns = decisions.listed(top)
    told = reasons_of_offers(recommender, known, decisions, rows, columns, language, catalogue=catalogue)
    names = dict(zip(known.catalog.product_ids, known.catalog.names, strict=True))
    return Explanation(
        customer_id=str(decisions.customer_ids[0]),
        personalised=bool(decisions.personalised[0]),
        offers=tuple(
            ExplainedOffer(
                decisions.product_ids[column],
                float(decisions.propensity[0, column]),
                tuple(told.reasons[place]),
                told.cautions[place],
            )
            for place, column in enumerate(columns.tolist())
        ),
        not_offered=tuple(all_not_offered(decisions.policy, decisions.facts, 0, names, language)),
    )


def tell(
    recommender: Recommender,
    view: View,
    pairs: Sequence[tuple[str, str]],
    channel: str,
    language: Language = "en",
    decided: Decided | None = None,
    *,
    catalogue: ReasonCatalog | None = None,
) -> OfferReasons:
    """Return reasons and caution of some offers, in their order.

    Args:
        recommender: The fitted recommender.
        view: The as-of view.
        pairs: Customer and product of each offer; a few hundred, not a whole bank.
        channel: Channel of the offers.
        language: Of the texts.
        decided: What was decided about these customers, among others; None: it is decided here.
        catalogue: Reasons with their weights; None for those that come with vipreco.
    """
    if decided is None:
        decided = _decided(recommender, view, sorted({customer for customer, _ in pairs}), channel)
    else:
        decided = replace(decided, known=replace(decided.known, view=view))
    told: dict[tuple[str, str], tuple[list[Reason], Reason | None]] = {}
    for decisions in decided.chunks:
        rows, columns = _places(decisions, pairs)
        found = reasons_of_offers(
            recommender, decided.known, decisions, rows, columns, language, catalogue=catalogue
        )
        ids = decisions.customer_ids[rows].tolist()
        products = (decisions.product_ids[column] for column in columns.tolist())
        keys = zip(map(str, ids), products, strict=True)
        told.update(zip(keys, zip(found.reasons, found.cautions, strict=True), strict=True))
    nothing: tuple[list[Reason], Reason | None] = ([], None)
    in_order = [told.get(pair, nothing) for pair in pairs]
    return OfferReasons([reasons for reasons, _ in in_order], [caution for _, caution in in_order])


def _decided(recommender: Recommender, view: View, customers: list[str], channel: str) -> Decided:
    known = recommender.context(view.of(pa.array(customers, pa.string())), channel)
    return Decided(known, tuple(recommender.decisions(known)))


def _places(
    decisions: Decisions, pairs: Sequence[tuple[str, str]]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Return row and column of those pairs that the decisions are about."""
    row = {str(customer): place for place, customer in enumerate(decisions.customer_ids.tolist())}
    column = {product: place for place, product in enumerate(decisions.product_ids)}
    known = sorted({pair for pair in pairs if pair[0] in row and pair[1] in column})
    rows = np.array([row[customer] for customer, _ in known], np.intp)
    return rows, np.array([column[product] for _, product in known], np.intp)
