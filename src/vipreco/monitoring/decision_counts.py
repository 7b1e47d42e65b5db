"""Chances, offers and rules of a snapshot as counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.history import View
from vipreco.monitoring.snapshot_facts import (
    NUMBER,
    OFFER,
    RULE,
    SCORE,
    ColumnCounts,
    Rate,
    SnapshotFacts,
)
from vipreco.monitoring.sums import merge_facts
from vipreco.recommender import Decisions, Recommender
from vipreco.stats import number_codes

TOP: Final = 3
Floats = NDArray[np.float64]


def decision_facts(recommender: Recommender, view: View, model: str) -> SnapshotFacts:
    """Return the chances by product, who gets offers and of what, and what the rules stop, at a date."""
    return merge_facts([_chunk(decisions, model) for decisions in recommender.decide(view)])


def _chunk(decisions: Decisions, model: str) -> SnapshotFacts:
    ranks = decisions.slate(TOP)
    return SnapshotFacts(
        decisions.as_of,
        0,  # customers are counted with the columns
        {
            f"{SCORE}/{product}": _counts(decisions.propensity[:, place])
            for place, product in enumerate(decisions.product_ids)
        },
        {**_offers(decisions.product_ids, ranks), **_rules(decisions)},
        model=model,
    )


def _counts(values: Floats) -> ColumnCounts:
    known = values[~np.isnan(values)]
    codes, rows = np.unique(number_codes(known), return_counts=True)
    counts = {str(code): count for code, count in zip(codes.tolist(), rows.tolist(), strict=True)}
    return ColumnCounts(NUMBER, len(values) - len(known), counts)


def _offers(product_ids: Iterable[str], ranks: NDArray[np.int16]) -> dict[str, Rate]:
    """Return coverage, and the share of each product among the first offers."""
    first = (ranks == 1).sum(axis=0).astype(np.float64)
    reached = float((ranks > 0).any(axis=1).sum())
    shares = {
        f"{OFFER}/first offers of {product}": Rate(count, reached)
        for product, count in zip(product_ids, first.tolist(), strict=True)
    }
    return {f"{OFFER}/customers with an offer": Rate(reached, float(len(ranks))), **shares}


def _rules(decisions: Decisions) -> dict[str, Rate]:
    """Return the share of pairs that each reason stops first."""
    pairs = float(decisions.verdict.size)
    counts = np.bincount(decisions.verdict.ravel(), minlength=len(decisions.policy.rules) + 1)
    found: dict[str, Rate] = {}
    for reason, count in zip(decisions.reasons[1:], counts[1:].tolist(), strict=False):
        name = f"{RULE}/{reason}"
        found[name] = Rate(found[name].cases + count if name in found else float(count), pairs)
    return found
