"""Reasons by what other holders of the same products hold, with the counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import CoHeld, Contributing
from vipreco.explanations.facts import FactBook, Key
from vipreco.explanations.reason_catalog import CO_HELD, CO_HELD_PAIR
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.explanations.talk_catalog import TalkCatalog
from vipreco.recommender import DecisionContext, Recommender

HOLDING = "holding"
MIN_ODDS = 2.8  # of holders against all customers: less persuades nobody
MAX_USUAL = 0.5  # what more of all customers hold, such as the settlement account, sets nobody apart
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class CoHeldReasons:
    """Held products whose holders hold the offered one more often than others, for m offers.

    Args:
        product_ids: Products of the fit.
        pairs: Places of the held products, -1 for none.
        holders: Customers who hold them, shape (m,).
        joined: Those of them who hold the offered product too, shape (m,).
        usual: Share of all customers who hold the offered product, shape (m,).
    """

    product_ids: tuple[str, ...]
    pairs: CoHeld
    holders: NDArray[np.int32]
    joined: NDArray[np.int32]
    usual: NDArray[np.float64]

    @property
    def keys(self) -> list[Key]:
        """The holdings that may be cited."""
        named = np.unique(np.concatenate([self.pairs.first, self.pairs.second]))
        return [(HOLDING, self.product_ids[place]) for place in named.tolist() if place >= 0]

    @cached_property
    def clearer(self) -> NDArray[np.float64]:
        """Excess of the share among the holders over that of all customers; 0 = not said; shape (m,)."""
        known, usual, joined = self.pairs.first >= 0, self.usual, self.joined
        others = np.maximum(self.holders - joined, 1)
        clear = joined * (1.0 - usual) >= MIN_ODDS * usual * others
        return np.where(known & clear, 1.0 - usual * self.holders / np.maximum(joined, 1), 0.0)

    @property
    def pair(self) -> NDArray[np.bool_]:
        """Which are said of two products together, shape (m,)."""
        return np.asarray(self.pairs.first != self.pairs.second)

    def reason(self, book: FactBook, offer: int, row: int, speaker: Speaker) -> Reason | None:
        """Return the reason of an offer in words; None where a holding cannot be cited."""
        held = dict.fromkeys(int(place) for place in (self.pairs.first[offer], self.pairs.second[offer]))
        products = [self.product_ids[place] for place in held]
        if not all(book.has(HOLDING, product, row) for product in products):
            return None
        holders, joined = int(self.holders[offer]), int(self.joined[offer])
        facts = tuple(book.fact(HOLDING, product, row) for product in products)
        catalogue = speaker.catalogue
        alone = len(products) == 1
        words = catalogue.co_held if alone else catalogue.co_held_pair
        name = CO_HELD if alone else CO_HELD_PAIR
        names = {
            "other": speaker.product_names.get(products[-1], products[-1]),
            "holders": f"{holders:,}",
            "joined": f"{joined:,}",
            "share": _percent(joined / max(holders, 1)),
            "usual": _percent(float(self.usual[offer])),
        }
        text, opening = (
            speaker.sentence(one, facts, products[0], more=names)
            for one in (words, TalkCatalog.shipped().reason[name])
        )
        drop = float(self.clearer[offer])
        return Reason(name, text, facts, name, products[0], drop, co_held=True, opening=opening)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.01 else f"{100 * share:.1f}"  # no share is said to be zero


def co_held_reasons(
    recommender: Recommender, known: DecisionContext, rows: Indices, product_ids: Sequence[str]
) -> CoHeldReasons:
    """Return what other holders say for offers.

    A holding is named only where it also speaks for the offer in collaborative filtering, if that can say so.

    Args:
        recommender: The fitted recommender.
        known: What is known of the customers.
        rows: Place of each offer's customer in the context, shape (m,).
        product_ids: Product of each offer, known to the fit.
    """
    products = recommender.product_ids
    numbers = {product: number for number, product in enumerate(products)}
    offered = np.array([numbers[product] for product in product_ids], np.intp)
    counts, source = recommender.co_holdings, recommender.source
    if counts is None:
        nobody, none = np.zeros(len(offered), np.int32), np.full(len(offered), -1, np.intp)
        return CoHeldReasons(products, CoHeld(none, none), nobody, nobody, np.zeros(len(offered)))
    state = known.state.take(rows).in_columns(products)
    held_by = np.einsum("aaa->a", counts.counts) / max(counts.customers, 1)
    named = state.held & (held_by <= MAX_USUAL)
    if isinstance(source, Contributing):
        named = named & (source.contributions(state, offered) > 0)
    pairs = counts.strongest(named, offered)
    holders, joined = (counts.counts[pairs.first, pairs.second, third] for third in (pairs.second, offered))
    return CoHeldReasons(products, pairs, holders, joined, held_by[offered])
