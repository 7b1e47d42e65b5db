"""Choosing the reasons of listed offers: what speaks most for each, proven by a fact and by its absence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.explanations.facts import FactBook
from vipreco.explanations.reason_plan import ReasonPlan

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Chances: TypeAlias = Callable[[NDArray[np.float32], Indices], Floats]
"""Gives the chance of product `products[i]` for a customer with columns `values[i]`."""

CONSIDERED = 6  # pieces of evidence that are tested for an offer, the strongest first
MAX_REASONS = 3
MIN_DROP = 0.01  # without the evidence the chance must fall by this share: less is no reason to name


@dataclass(frozen=True)
class ListedOffers:
    """m listed offers of n customers.

    Args:
        values: Booster columns of the customers, shape (n, k).
        rows: Place of each offer's customer, shape (m,).
        products: Number of each offer's product among the products of the fit, shape (m,).
        moved: What each column adds to the chance of each offer, shape (m, k).
        preferred: Place in the plan of the reason that the candidate source gives, -1 for none, shape (m,).
    """

    values: NDArray[np.float32]
    rows: Indices
    products: Indices
    moved: Floats
    preferred: Indices


@dataclass(frozen=True)
class SelectedReasons:
    """Reasons of listed offers, in the order in which they are told.

    Args:
        offer: Place of the offer, ascending, shape (r,).
        statement: Place of the reason in the plan, shape (r,).
        drop: Share of the chance that goes when its evidence is taken away, shape (r,).
    """

    offer: Indices
    statement: Indices
    drop: Floats


def select_reasons(
    plan: ReasonPlan, book: FactBook, listed: ListedOffers, chances: Chances, blank: NDArray[np.float32]
) -> SelectedReasons:
    """Return at most three reasons of each offer, at most one of a theme.

    Evidence is a theme about one subject (a product, a column of the bank's own). It is considered in the
    order of what its columns add to the chance; its reason is the one with the largest own share whose facts
    can be cited. It is told if the chance falls once the columns of the evidence are blank.

    Args:
        plan: What can be told.
        book: Facts of the n customers.
        listed: The offers.
        chances: Scores columns.
        blank: What a column holds of a customer of whom nothing is known, shape (k,).
    """
    statement, strength = _by_evidence(plan, book, listed)
    order = np.argsort(-strength, axis=1, kind="stable")[:, :CONSIDERED]
    offer, rank = np.nonzero(np.take_along_axis(strength, order, axis=1) > 0)
    evidence = order[offer, rank]
    drop = dropped(plan, listed, (offer, evidence), chances, blank)
    told = drop >= MIN_DROP
    offer, evidence, drop = offer[told], evidence[told], drop[told]
    return _one_a_theme(plan, SelectedReasons(offer, statement[offer, evidence], drop))


def statable(plan: ReasonPlan, listed: ListedOffers) -> NDArray[np.bool_]:
    """Return which reasons of the plan speak for any of the offers, if they can be cited, shape (T,)."""
    found = np.asarray((listed.moved @ plan.speaking > 0).any(axis=0))
    found[listed.preferred[listed.preferred >= 0]] = True
    return found


def dropped(
    plan: ReasonPlan,
    listed: ListedOffers,
    tested: tuple[Indices, Indices],
    chances: Chances,
    blank: NDArray[np.float32],
) -> Floats:
    """Return the share of its chance that an offer loses without some evidence, shape (t,).

    Args:
        plan: What can be told.
        listed: The offers.
        tested: Places of offers and of evidence, each of shape (t,).
        chances: Scores columns.
        blank: What a column holds of a customer of whom nothing is known, shape (k,).
    """
    offer, evidence = tested
    whole = chances(listed.values[listed.rows], listed.products)[offer]
    without = np.where(plan.membership.T[evidence], blank, listed.values[listed.rows[offer]])
    return 1.0 - chances(without, listed.products[offer]) / whole


def _by_evidence(plan: ReasonPlan, book: FactBook, listed: ListedOffers) -> tuple[Indices, Floats]:
    """Return the reason of each evidence for each offer, and what it adds (0: none can be told); (m, g)."""
    there = np.zeros((len(book.customer_ids), len(plan.statements)), bool)
    for place in np.flatnonzero(statable(plan, listed)).tolist():
        item = plan.statements[place]
        there[:, place] = book.tells(item.entry.facts, item.subject)
    own = np.where(there[listed.rows], listed.moved @ plan.speaking, 0.0)
    shape = (len(listed.rows), len(plan.evidence))
    best, statement = np.zeros(shape), np.full(shape, -1)
    for place, item in enumerate(plan.statements):
        better = own[:, place] > best[:, item.evidence]
        best[better, item.evidence], statement[better, item.evidence] = own[better, place], place
    total = listed.moved @ plan.membership
    return _with_preferred(plan, listed, there, statement, np.where(statement >= 0, total, 0.0))


def _with_preferred(
    plan: ReasonPlan, listed: ListedOffers, there: NDArray[np.bool_], statement: Indices, strength: Floats
) -> tuple[Indices, Floats]:
    """Let what the candidate source says stand for its theme, if it adds half of the theme's best or more.

    A product that nearly everybody holds is the source's answer for many offers, and adds next to nothing.
    """
    offers = np.flatnonzero(listed.preferred >= 0)
    offers = offers[there[listed.rows[offers], listed.preferred[offers]]]
    preferred = listed.preferred[offers]
    evidence = np.array([plan.statements[place].evidence for place in preferred], np.intp)
    best = np.where(plan.same_theme[evidence], strength[offers], 0.0).max(axis=1, initial=0.0)
    agreed = (strength[offers, evidence] > 0) & (strength[offers, evidence] >= best / 2)
    offers, evidence = offers[agreed], evidence[agreed]
    statement[offers, evidence] = preferred[agreed]
    strength[offers, evidence] = np.nextafter(best[agreed], np.inf)
    return statement, strength


def _one_a_theme(plan: ReasonPlan, chosen: SelectedReasons) -> SelectedReasons:
    """Keep the first reason of each theme of an offer, and the first three of them."""
    themes = np.array([plan.evidence[item.evidence][0] for item in plan.statements], np.str_)
    _, numbers = np.unique(themes, return_inverse=True)
    pair = chosen.offer * (len(themes) + 1) + numbers[chosen.statement]
    first = np.zeros(len(pair), bool)
    first[np.unique(pair, return_index=True)[1]] = True
    before = np.cumsum(first) - first
    starts = before[np.searchsorted(chosen.offer, chosen.offer)]
    kept = first & (before - starts < MAX_REASONS)
    return SelectedReasons(chosen.offer[kept], chosen.statement[kept], chosen.drop[kept])
