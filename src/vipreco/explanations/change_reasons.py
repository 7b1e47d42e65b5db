"""Reasons for a chance of attrition or of a tier upgrade, proven like those of offers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vipreco.explanations.offer_reasons import background_of, fact_book, relevance, stated
from vipreco.explanations.qualification import qualified
from vipreco.explanations.reason_catalog import ReasonCatalog
from vipreco.explanations.reason_plan import plan_reasons
from vipreco.explanations.selection import Chances, ListedOffers, select_reasons
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.policy import Language
from vipreco.propensity import ATTRITION, RelationshipModel
from vipreco.recommender import DecisionContext, Recommender


def change_reasons(
    recommender: Recommender,
    known: DecisionContext,
    change: str,
    customer_ids: Sequence[str],
    language: Language = "en",
    catalogue: ReasonCatalog | None = None,
) -> list[list[Reason]]:
    """Return up to three reasons of each customer, the strongest first; none where none qualifies.

    Args:
        recommender: The fitted recommender.
        known: What is known of the customers.
        change: ATTRITION or TIER_UPGRADE.
        customer_ids: Customers of the context.
        language: Of the texts.
        catalogue: Reasons with their weights; None for those that come with vipreco.
    """
    model, catalogue = recommender.relationship, catalogue or ReasonCatalog.shipped()
    if model is None or not customer_ids:
        return [[] for _ in customer_ids]
    ids = np.unique(np.array(customer_ids, np.str_))
    places = np.searchsorted(known.computed.customer_ids, ids)
    features = recommender.features
    plan = plan_reasons(catalogue, model.names, features.dictionary, known.view.columns, features.prohibited)
    family = "attrition" if change == ATTRITION else "tier upgrade"
    options = relevance(plan, [family]).repeat(len(ids), axis=0)
    used = np.flatnonzero(options.any(axis=0)).tolist()
    book, background = fact_book(known, places, plan.keys_of(used)), background_of(recommender, known)
    for place in used:
        options[:, place] &= qualified(plan.statements[place], book, background, known.view.date)
    everybody = np.arange(len(ids))
    matrix = known.computed.take(places).matrix()
    listed = ListedOffers(
        values=np.ascontiguousarray(recommender.columns_of(matrix)[:, model.columns]),
        rows=everybody,
        products=np.zeros(len(ids), np.intp),
        options=options,
        co_held=np.zeros(len(ids)),
        co_held_pair=np.zeros(len(ids), bool),
        order=everybody,
    )
    blank = recommender.blank_of(known.computed)[model.columns]
    selected = select_reasons(plan, listed, _chances_of(model, change), blank)
    found = stated(plan, book, listed, selected, (Speaker(catalogue, background.names, language), background))
    return [found[np.searchsorted(ids, customer)] for customer in customer_ids]


def _chances_of(model: RelationshipModel, change: str) -> Chances:
    def chances(values: NDArray[np.float32]) -> NDArray[np.float64]:
        known = model.chances(change, values) if model.gives(change) else np.zeros(len(values))
        return known[:, None]

    return chances
