"""Counts of customers who hold products together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative.state import HoldingState

Counts = NDArray[np.int32]
MIN_HOLDERS, MIN_JOINED, MIN_RATIO = 30, 5, 1.4  # fewer say little, and might name somebody
PRIOR_HOLDERS = 50.0  # a pair with few holders must be the clearer for it
PAIR = 0.95  # two products are named only where they say clearly more than one
NONE = -1


@dataclass(frozen=True)
class CoHoldings:
    """Number of customers who hold three products, or the same one twice or three times, together.

    Args:
        counts: Holders of products a, b and c, shape (P, P, P); `counts[a, a, c]` hold a and c.
        customers: Number of customers who were counted.
    """

    counts: Counts
    customers: int

    @classmethod
    def of(cls, state: HoldingState) -> CoHoldings:
        """Count the holdings of a bank."""
        held = state.held.astype(np.float32)
        counts = np.empty((held.shape[1],) * 3, np.int32)
        for product in range(held.shape[1]):
            own = held[state.held[:, product]]
            counts[:, :, product] = own.T @ own
        return cls(counts, len(state))

    def strongest(self, held: NDArray[np.bool_], products: NDArray[np.intp]) -> CoHeld:
        """Return the held pair whose holders hold a product most often, NONE where none says anything.

        Args:
            held: Holdings that may be named, shape (m, P).
            products: The product that each row is about, shape (m,).
        """
        found = np.full((len(held), 2), NONE, np.intp)
        for product in np.unique(products).tolist():
            rows = np.flatnonzero(products == product)
            scores = self._scores(product)
            own = held[rows]
            pairs = np.where(own[:, :, None] & own[:, None, :], scores, 0.0).reshape(len(rows), -1)
            best = pairs.argmax(axis=1)
            known = pairs[np.arange(len(rows)), best] > 0
            chosen = np.column_stack(np.unravel_index(best, scores.shape))
            found[rows[known]] = chosen[known]
        return CoHeld(found[:, 0], found[:, 1])

    def _scores(self, product: int) -> NDArray[np.float64]:
        """Return how clearly each pair speaks for a product; 0 where it does not, or the pair repeats one."""
        joined = self.counts[:, :, product].astype(np.float64)
        holders = np.einsum("abb->ab", self.counts).astype(np.float64)
        usual = self.counts[product, product, product] / max(self.customers, 1)
        speaks = (holders >= MIN_HOLDERS) & (joined >= MIN_JOINED) & (joined >= MIN_RATIO * usual * holders)
        scores = np.where(speaks, (joined + PRIOR_HOLDERS * usual) / (holders + PRIOR_HOLDERS), 0.0)
        scores[product, :] = scores[:, product] = 0.0
        apart = ~np.eye(len(scores), dtype=bool)
        scores[apart] *= PAIR
        return np.triu(scores)


@dataclass(frozen=True)
class CoHeld:
    """The held products that speak most for each of m products; both the same where one says it alone.

    Args:
        first: Place of a product, shape (m,).
        second: Place of another, shape (m,).
    """

    first: NDArray[np.intp]
    second: NDArray[np.intp]
