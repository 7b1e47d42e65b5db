"""Selection of reasons: relevant, qualified, proven by their absence, and none twice in one list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.explanations.reason_catalog import CO_HELD, CO_HELD_PAIR
from vipreco.explanations.reason_plan import ReasonPlan

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]
Chances: TypeAlias = Callable[[NDArray[np.float32]], Floats]
"""Gives the chances of all products for each row of columns, shape (rows, P)."""

MAX_REASONS = 3
SHARED = 3  # offers of a list that each get a first reason before one gets a second
MAX_TESTED = 8  # options of an offer that are tested, by weight
MIN_DROP = 0.01  # without the evidence the chance must fall by this share: less is no reason to name
CO_HELD_WEIGHT = 0.25  # what others hold is said where the customer's own facts say less


@dataclass(frozen=True)
class ListedOffers:
    """m listed offers of n customers.

    Args:
        values: Booster columns of the customers, shape (n, k).
        rows: Place of each offer's customer, shape (m,).
        products: Number of each offer's product among those that chances are given for, shape (m,).
        options: Which reasons of the plan may stand beside which offer, shape (m, T).
        co_held: How much more often holders of the same products hold the offer, 0 = not said, shape (m,).
        co_held_pair: Whether that is said of two products together, shape (m,).
        order: Place of each offer in its customer's list, shape (m,).
    """

    values: NDArray[np.float32]
    rows: Indices
    products: Indices
    options: Flags
    co_held: Floats
    co_held_pair: Flags
    order: Indices


@dataclass(frozen=True)
class SelectedReasons:
    """Reasons of listed offers, for each offer the strongest first.

    Args:
        offer: Place of the offer, shape (r,).
        statement: Place of the reason in the plan, CO_HELD_PLACE or CO_HELD_PAIR_PLACE for what other
            holders hold, shape (r,).
        drop: Share of the chance that goes when its evidence is taken away, shape (r,).
    """

    offer: Indices
    statement: Indices
    drop: Floats


CO_HELD_PLACE, CO_HELD_PAIR_PLACE = -1, -2


def select_reasons(
    plan: ReasonPlan, listed: ListedOffers, chances: Chances, blank: NDArray[np.float32]
) -> SelectedReasons:
    """Return at most three reasons of each offer; none of a topic twice, none of an id twice in a list.

    Every candidate is tested: the chance must fall once all columns of its evidence are blank. What falls
    most, by the weight of the reason, is said first.

    Args:
        plan: What can be said.
        listed: The offers and their options.
        chances: Scores columns.
        blank: What a column holds of a customer of whom nothing is known, shape (k,).
    """
    weights = np.array([item.entry.weight for item in plan.statements])
    offer, statement = _tested(listed.options, weights)
    drop = dropped(plan, listed, (offer, statement), chances, blank)
    told = drop >= MIN_DROP
    offer, statement, drop = offer[told], statement[told], drop[told]
    others = np.flatnonzero(listed.co_held > 0)
    offer = np.concatenate([offer, others])
    kept_weights = plan.catalogue.co_held_weights
    co_held = [CO_HELD_WEIGHT * kept_weights.get(name, 1.0) for name in (CO_HELD, CO_HELD_PAIR)]
    pair = listed.co_held_pair[others]
    others_strength = listed.co_held[others] * np.where(pair, co_held[1], co_held[0])
    strength = np.concatenate([drop * weights[statement], others_strength])
    statement = np.concatenate([statement, np.where(pair, CO_HELD_PAIR_PLACE, CO_HELD_PLACE)])
    drop = np.concatenate([drop, listed.co_held[others]])
    best = np.lexsort((statement, -strength, offer))
    found = SelectedReasons(offer[best], statement[best], drop[best])
    kept = np.fromiter(_without_repeats(plan, listed, found), np.intp)
    return SelectedReasons(found.offer[kept], found.statement[kept], found.drop[kept])


def dropped(
    plan: ReasonPlan,
    listed: ListedOffers,
    tested: tuple[Indices, Indices],
    chances: Chances,
    blank: NDArray[np.float32],
) -> Floats:
    """Return the share of its chance that an offer loses without the evidence of a reason, shape (t,).

    A customer's row without some evidence is scored once, for all offers that are tested by it.
    """
    offer, statement = tested
    evidence = np.array([item.evidence for item in plan.statements], np.intp)[statement]
    pairs, own = np.unique(np.column_stack([listed.rows[offer], evidence]), axis=0, return_inverse=True)
    own = own.ravel()
    without = np.where(plan.membership.T[pairs[:, 1]], blank, listed.values[pairs[:, 0]])
    products = listed.products[offer]
    whole = chances(listed.values)[listed.rows[offer], products]
    return 1.0 - chances(np.ascontiguousarray(without))[own, products] / whole


def _tested(options: Flags, weights: Floats) -> tuple[Indices, Indices]:
    """Return offers and reasons that are tested, each offer's options of the greatest weight."""
    order = np.argsort(-weights, kind="stable")
    sorted_ = options[:, order]
    tested = sorted_ & (np.cumsum(sorted_, axis=1) <= MAX_TESTED)
    offer, place = np.nonzero(tested)
    return offer, order[place]


def _without_repeats(plan: ReasonPlan, listed: ListedOffers, found: SelectedReasons) -> Iterator[int]:
    """Give the places of the reasons that are said: first one for each offer of a list, then a second."""
    places: dict[int, list[int]] = {}
    for place, offer in enumerate(found.offer.tolist()):
        places.setdefault(offer, []).append(place)
    lists: dict[int, list[int]] = {}
    for offer in np.lexsort((listed.order, listed.rows)).tolist():
        lists.setdefault(int(listed.rows[offer]), []).append(offer)
    statements = found.statement.tolist()
    kept: list[int] = []
    for offers in lists.values():
        ids: set[str] = set()
        for shared in (offers[:SHARED], *([offer] for offer in offers[SHARED:])):
            kept += _of_offers(plan, shared, places, statements, ids)
    return iter(sorted(kept))


def _of_offers(
    plan: ReasonPlan, offers: list[int], places: dict[int, list[int]], statements: list[int], ids: set[str]
) -> list[int]:
    """Return the places of the reasons that some offers of a list get; `ids` are those that were said."""
    topics: dict[int, set[str]] = {offer: set() for offer in offers}
    kept: list[int] = []
    for _ in range(MAX_REASONS):
        for offer in offers:
            for place in places.get(offer, ()):
                reason_id, topic = _names(plan, statements[place])
                if reason_id not in ids and topic not in topics[offer]:
                    ids.add(reason_id)
                    topics[offer].add(topic)
                    kept.append(place)
                    break
    return kept


def _names(plan: ReasonPlan, statement: int) -> tuple[str, str]:
    """Return id and topic of a reason."""
    if statement < 0:
        name = CO_HELD if statement == CO_HELD_PLACE else CO_HELD_PAIR
        return name, CO_HELD
    entry = plan.statements[statement].entry
    return entry.id, entry.topic or entry.theme
