"""Chances, offers and rules of a snapshot as counts, and matured labels beside the chances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import holding_state
from vipreco.history import History, View
from vipreco.monitoring.snapshot_facts import (
    ALL,
    NUMBER,
    OFFER,
    RULE,
    SCORE,
    ColumnCounts,
    Matured,
    Rate,
    SnapshotFacts,
)
from vipreco.monitoring.sums import merge_facts
from vipreco.recommender import Decisions, Recommender, could_acquire, is_in, label_matrix
from vipreco.stats import auc, hanley_mcneil, number_codes

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


def with_matured(
    facts: SnapshotFacts, recommender: Recommender, history: History, known: date
) -> SnapshotFacts:
    """Return facts with what was expected at their date and what came of it.

    Args:
        facts: Of the date.
        recommender: A model that had learnt nothing that came after the date.
        history: The bank's tables.
        known: Date whose knowledge of the labels is used.
    """
    view, settings = history.as_of(facts.day), recommender.settings
    span = history.label_window(facts.day, settings.horizon_months, settings.gap_months)
    labels = history.acquisitions(*span, known=known)
    computed = recommender.compute(view)
    products = recommender.product_ids
    chances = [recommender.propensities(each) for each in computed.chunks(settings.chunk_customers)]
    rows = is_in(computed.customer_ids, labels.observed)
    allowed = could_acquire(view, holding_state(view, products))[rows]
    propensity = np.where(allowed, np.concatenate(chances)[rows], 0.0)
    truth = label_matrix(computed.customer_ids, products, labels)[rows] & allowed
    tiers = np.array([tier or "" for tier in view.population()["tier"].to_pylist()], object)[rows]
    matured = {ALL: _matured(propensity, truth)}
    for place, product in enumerate(products):
        matured[f"product {product}"] = _matured(propensity[:, [place]], truth[:, [place]])
    for tier in sorted({*tiers.tolist()} - {""}):
        matured[f"tier {tier}"] = _matured(propensity[tiers == tier], truth[tiers == tier])
    return replace(facts, matured=matured, ranking=_ranking(propensity[allowed], truth[allowed]))


def _matured(propensity: Floats, truth: NDArray[np.bool_]) -> Matured:
    expected, observed = propensity.sum(axis=1), truth.sum(axis=1)
    total, happened = float(expected.sum()), float(observed.sum())
    away = observed - expected * (happened / total if total else 1.0)
    return Matured(total, happened, float(away @ away))


def _ranking(propensity: Floats, truth: NDArray[Any]) -> tuple[float, float] | None:
    cases = float(truth.sum())
    if not 0 < cases < len(truth):
        return None
    value = auc(propensity, truth)
    return value, hanley_mcneil(value, cases, len(truth) - cases)
