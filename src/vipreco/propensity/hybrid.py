"""Collaborative filtering above the boosters, as artifacts of before have it; new fits start from a prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import Source
from vipreco.propensity.booster import Scores, Values
from vipreco.propensity.holding_columns import HoldingColumns

SMALLEST: Final = 1e-12


@dataclass(frozen=True)
class Hybrid:
    """Weights of collaborative filtering and of the product's family beside the boosters.

    Args:
        source: Collaborative filtering, fitted over everything that customers ever held.
        holdings: Columns of the baskets.
        centre: Mean score of each product, shape (P,).
        spread: Standard deviation of each product's score, shape (P,).
        thin: Thinness of each product's evidence, 0 to 1, shape (P,).
        families: Family of each product as a number, shape (P,).
        weights: Of the score, of the score where evidence is thin, of the family where it is thin.
    """

    source: Source
    holdings: HoldingColumns
    centre: Scores
    spread: Scores
    thin: Scores
    families: NDArray[np.int64]
    weights: Scores

    def pool(self, shares: Scores, values: Values) -> Scores:
        """Return the shares of the products with collaborative filtering in them, rows sum to 1."""
        scores = np.maximum(shares, SMALLEST) * np.exp(self.added(shares, values))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def added(self, shares: Scores, values: Values) -> Scores:
        """Return the log-odds that holdings and family add to each product's share, shape (n, P)."""
        terms = self._terms(shares, values)
        return np.asarray(sum(weight * term for weight, term in zip(self.weights, terms, strict=True)))

    def _terms(self, shares: Scores, values: Values) -> tuple[Scores, Scores, Scores]:
        scores = self.source.score(self.holdings.ever(values))
        standard = (scores - self.centre) / self.spread
        own = np.log(np.maximum(shares, SMALLEST))
        return standard, self.thin * standard, self.thin * (self._of_family(own) - own)

    def _of_family(self, own: Scores) -> Scores:
        """Return the mean log share of each product's family, weighed by evidence, shape (n, P)."""
        evidence = 1.0 - self.thin
        found = own.copy()
        for family in np.unique(self.families):
            inside = np.flatnonzero(self.families == family)
            total = evidence[inside].sum()
            if len(inside) > 1 and total > 0:
                found[:, inside] = ((own[:, inside] * evidence[inside]).sum(axis=1) / total)[:, None]
        return found
