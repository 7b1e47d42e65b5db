"""Part that collaborative filtering has in the decision about one customer, with the counts behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from vipreco.collaborative import strongest_holdings
from vipreco.recommender.decision_stages import DecisionContext
from vipreco.recommender.fitted import Fitted

Part = dict[str, Any]


def collaborative_part(fitted: Fitted, known: DecisionContext) -> dict[str, Part]:
    """Return what collaborative filtering adds to each product of the fit, for the one customer of a context.

    Returns:
        Product -> `source`; `added`, log-odds by term of the prior, against other products of the customer;
        `held`, the holding, of now or before, that speaks most for it; `holders` of that one in the bank, and
        `joined`, who hold both, at the date `counted_on` of the fit. Empty for models without it, and for who
        opted out of profiling.
    """
    prior = fitted.model.product.prior
    if prior is None or known.relations.opted_out[0]:
        return {}
    values, products = fitted.columns_of(known.computed.matrix()), fitted.product_ids
    places = np.arange(len(products), dtype=np.intp)
    basket = prior.holdings.ever(values).take(np.zeros(len(products), np.intp))
    strongest = strongest_holdings(prior.scores.source, basket, places).tolist()
    added = {term: part[0] for term, part in prior.added(values).items()}
    return {
        product: {
            "source": prior.scores.source.name,
            "added": {term: float(part[place]) for term, part in added.items()},
            **_counted(fitted, strongest[place], place),
        }
        for place, product in enumerate(products)
    }


def _counted(fitted: Fitted, held: int, place: int) -> Part:
    """Return the holding that speaks for a product, with the customers who hold it, and who hold both."""
    counts = fitted.co_holdings
    if held < 0 or counts is None:
        return dict.fromkeys(("held", "holders", "joined", "counted_on"))
    return {
        "held": fitted.product_ids[held],
        "holders": int(counts.counts[held, held, held]),
        "joined": int(counts.counts[held, held, place]),
        "counted_on": str(fitted.as_of[-1]),
    }
