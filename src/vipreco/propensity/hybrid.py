"""Hybrid of boosters and collaborative filtering, which counts the more where a product has thin evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import HoldingState, Source
from vipreco.propensity.booster import Scores, Values
from vipreco.propensity.calibration import Mask

HELD: Final = "held_lag_0"
HELD_BEFORE: Final = "held_before"
SMALLEST: Final = 1e-12
NO_SPREAD: Final = 1e12
THIN_AT: Final = 30.0  # acquisitions at which boosters and the hybrid's prior count alike
PRIOR_MEAN: Final = np.array([0.0, 0.3, 0.5])
PRIOR_WEIGHT: Final = np.array([20.0, 10.0, 10.0])
"""Prior of the weights, as a normal law: unseen acquirers move them from there (experiment 010)."""
BOUNDS: Final = ((0.0, 2.0), (0.0, 2.0), (0.0, 1.0))


@dataclass(frozen=True)
class Holdings:
    """Positions of the columns that say what a customer ever held, among the booster's columns.

    Args:
        held: Position of "held now" of each product, shape (P,).
        before: Position of "held before, not now", shape (P,).
        product_ids: The products.
    """

    held: NDArray[np.int64]
    before: NDArray[np.int64]
    product_ids: tuple[str, ...]

    @classmethod
    def of(cls, names: tuple[str, ...], product_ids: tuple[str, ...]) -> Holdings | None:
        """Find the columns; None where a recipe leaves them out."""
        place = {name: position for position, name in enumerate(names)}
        wanted = [[f"{feature}@{product}" for product in product_ids] for feature in (HELD, HELD_BEFORE)]
        if not product_ids or any(name not in place for part in wanted for name in part):
            return None
        held, before = (np.array([place[name] for name in part], np.int64) for part in wanted)
        return cls(held, before, product_ids)

    def ever_held(self, values: Values) -> HoldingState:
        """Return everything that customers ever held, by their feature columns, as the basket."""
        held = (values[:, self.held] > 0) | (values[:, self.before] > 0)
        return HoldingState(held, np.zeros_like(held), np.zeros(len(held), np.int32), self.product_ids)


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
    holdings: Holdings
    centre: Scores
    spread: Scores
    thin: Scores
    families: NDArray[np.int64]
    weights: Scores

    @classmethod
    def prior(
        cls,
        source: Source,
        holdings: Holdings,
        values: Values,
        acquisitions: Scores,
        families: tuple[str, ...],
    ) -> Hybrid:
        """Return the hybrid before any acquirer was looked at.

        Args:
            source: Fitted over what was ever held at an as-of date; it sees no label.
            holdings: Columns of the baskets.
            values: Rows that give each product's mean score and its spread.
            acquisitions: Acquisitions of each product that the boosters learnt from, shape (P,).
            families: Family of each product, shape (P,); without one it is a family of its own.
        """
        scores = source.score(holdings.ever_held(values)).astype(np.float64)
        spread = scores.std(axis=0)
        named = [family or f"\0{place}" for place, family in enumerate(families)]
        _, numbers = np.unique(np.array(named, np.str_), return_inverse=True)
        thin = THIN_AT / (THIN_AT + acquisitions.astype(np.float64))
        known = np.where(spread > 0, spread, NO_SPREAD)  # nobody differs: the score says nothing
        return cls(source, holdings, scores.mean(axis=0), known, thin, numbers.astype(np.int64), PRIOR_MEAN)

    def fitted(self, shares: Scores, values: Values, acquired: Mask, listable: Mask) -> Hybrid:
        """Return the hybrid with weights from acquirers whom the boosters have not seen.

        A conditional likelihood: which of the products that a customer could acquire, given that one was.
        """
        terms, base = self._terms(shares, values), np.log(np.maximum(shares, SMALLEST))
        base = np.where(listable | acquired, base, -np.inf)
        counts = acquired.sum(axis=1).astype(np.float64)

        def loss(weights: Scores) -> tuple[float, Scores]:
            scores = base + sum(weight * term for weight, term in zip(weights, terms, strict=True))
            top = scores.max(axis=1, keepdims=True)
            exp = np.exp(scores - top)
            total = exp.sum(axis=1, keepdims=True)
            chance = exp / total
            told = np.where(acquired, scores, 0.0).sum() - (counts * (np.log(total) + top)[:, 0]).sum()
            slope = np.array(
                [(np.where(acquired, term, 0.0) - counts[:, None] * chance * term).sum() for term in terms]
            )
            away = weights - PRIOR_MEAN
            return float((PRIOR_WEIGHT * away**2).sum() / 2 - told), PRIOR_WEIGHT * away - slope

        from scipy.optimize import minimize  # noqa: PLC0415 - to fit alone, not to answer

        found = minimize(loss, PRIOR_MEAN, jac=True, method="L-BFGS-B", bounds=BOUNDS)
        return Hybrid(
            self.source, self.holdings, self.centre, self.spread, self.thin, self.families,
            np.asarray(found.x, np.float64),
        )  # fmt: skip

    def pool(self, shares: Scores, values: Values) -> Scores:
        """Return the shares of the products with collaborative filtering in them, rows sum to 1."""
        scores = np.maximum(shares, SMALLEST) * np.exp(self.added(shares, values))
        return np.asarray(scores / scores.sum(axis=1, keepdims=True))

    def added(self, shares: Scores, values: Values) -> Scores:
        """Return the log-odds that holdings and family add to each product's share, shape (n, P)."""
        terms = self._terms(shares, values)
        return np.asarray(sum(weight * term for weight, term in zip(self.weights, terms, strict=True)))

    def _terms(self, shares: Scores, values: Values) -> tuple[Scores, Scores, Scores]:
        scores = self.source.score(self.holdings.ever_held(values))
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
