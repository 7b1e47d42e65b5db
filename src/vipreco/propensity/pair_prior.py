"""Shares of the products before the boosters: co-holding, look-alikes, what was held before, base rates.

Boosters learn only what this leaves over. A product with few acquisitions keeps close to it: its terms have
one weight for all products, which the well-known ones teach.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import Source
from vipreco.propensity.booster import Scores, Values
from vipreco.propensity.calibration import Mask
from vipreco.propensity.holding_columns import HoldingColumns
from vipreco.propensity.look_alikes import LookAlikes
from vipreco.propensity.rows import Rows

TERMS: Final = ("co_holding", "look_alikes", "held_before", "left_lately", "held_now", "family_held")
MEANS: Final = np.array([0.3, 0.3, 1.0, 0.0, -4.0, 0.0])
DEVIATIONS: Final = np.array([0.3, 0.3, 2.0, 2.0, 2.0, 0.5])
"""Prior of the weights of the `TERMS`, as a normal law."""
INTERCEPT_DEVIATION: Final = 1.0
"""Prior standard deviation of a product's base rate around that of its family, on the log scale."""
FADES_IN_MONTHS: Final = 10.0
NO_SPREAD: Final = 1e12
MAX_ROWS: Final = 50_000
NEVER: Final = -30.0
"""Log-odds of a product at a date before its launch: that nobody acquired it says nothing against it."""
Date = np.datetime64


@dataclass(frozen=True)
class PairScores:
    """Two scores of each pair, as of one date: fitted over what was known then, no label is seen.

    Args:
        source: Collaborative filtering over everything that customers ever held.
        look_alikes: Who ever held what, by the customer's own columns.
        centre: Mean score of each product, shape (2, P).
        spread: Its standard deviation, shape (2, P).
    """

    source: Source
    look_alikes: LookAlikes
    centre: Scores
    spread: Scores

    @classmethod
    def of(
        cls, source: Source, look_alikes: LookAlikes, holdings: HoldingColumns, values: Values
    ) -> PairScores:
        """Standardise the scores by some customers of the date."""
        scores = _both(source, look_alikes, holdings, values)
        spread = scores.std(axis=1)
        # where nobody differs, the score says nothing
        return cls(source, look_alikes, scores.mean(axis=1), np.where(spread > 1e-9, spread, NO_SPREAD))

    def standard(self, holdings: HoldingColumns, values: Values) -> Scores:
        """Return the standardised scores, shape (2, n, P)."""
        scores = _both(self.source, self.look_alikes, holdings, values)
        return np.asarray((scores - self.centre[:, None]) / self.spread[:, None])


@dataclass(frozen=True)
class PairPrior:
    """A conditional logit over the products (McFadden 1974): a softmax of intercepts and weighted terms.

    Args:
        scores: Of the newest date that was learnt from.
        holdings: Columns of the baskets.
        families: Family of each product as a number, shape (P,).
        intercepts: Of each product, shape (P,).
        weights: Of the `TERMS`.
    """

    scores: PairScores
    holdings: HoldingColumns
    families: NDArray[np.int64]
    intercepts: Scores
    weights: Scores

    def logits(self, values: Values) -> Scores:
        """Return the log-odds of each product up to a constant of the customer, shape (n, P)."""
        return self.intercepts + _weighed(self.weights, self.terms(values))

    def added(self, values: Values) -> dict[str, Scores]:
        """Return what each of the `TERMS` adds to the log-odds, by name, each of shape (n, P)."""
        weighed = (weight * term for weight, term in zip(self.weights, self.terms(values), strict=True))
        return dict(zip(TERMS, weighed, strict=True))

    def terms(self, values: Values) -> Scores:
        """Return the `TERMS` of each pair, shape (terms, n, P)."""
        return terms_of(self.scores, self.holdings, self.families, values)


@dataclass(frozen=True)
class PriorInputs:
    """Everything that the prior of any learnt dates is made from.

    Args:
        scores: Of each as-of date: rows of a date are scored by what was known then, as a later customer is.
        holdings: Columns of the baskets.
        families: Family of each product as a number, shape (P,).
        launched: Products that were there at a date, shape (P,); all of them at dates that it lacks.
    """

    scores: Mapping[Date, PairScores]
    holdings: HoldingColumns
    families: NDArray[np.int64]
    launched: Mapping[Date, Mask] = field(default_factory=dict)

    def fit(self, rows: Rows) -> PairPrior:
        """Fit on acquirers, or on evenly chosen ones where there are very many.

        A conditional likelihood: which product was acquired, given that one was.
        """
        chosen = rows.take(np.arange(0, len(rows), 1 + len(rows) // MAX_ROWS))
        parts = [(self._of(day), chosen.take(chosen.as_of == day)) for day in np.unique(chosen.as_of)]
        terms = np.concatenate(
            [terms_of(scores, self.holdings, self.families, part.values) for scores, part in parts], axis=1
        )
        acquired = np.concatenate([part.acquired for _, part in parts])
        there = np.concatenate([on_shelf(part, self.launched) for _, part in parts])
        base = base_logits(rows.acquired, self.families, on_shelf(rows, self.launched).mean(axis=0))
        intercepts, weights = _fitted(terms, acquired, there, base)
        return PairPrior(self._of(rows.as_of.max()), self.holdings, self.families, intercepts, weights)

    def logits(self, prior: PairPrior, rows: Rows) -> Scores:
        """Return the log-odds of a prior for rows, each by the scores and the shelf of its own date."""
        found = np.empty(rows.acquired.shape)
        for day in np.unique(rows.as_of):
            own = rows.as_of == day
            found[own] = replace(prior, scores=self._of(day)).logits(rows.take(own).values)
        return np.where(on_shelf(rows, self.launched), found, NEVER) if self.launched else found

    def _of(self, day: Date) -> PairScores:
        """Return the scores of the newest date that is not after a day; of the oldest where none is."""
        known = sorted(self.scores)
        return self.scores[max((one for one in known if one <= day), default=known[0])]


def terms_of(
    scores: PairScores, holdings: HoldingColumns, families: NDArray[np.int64], values: Values
) -> Scores:
    """Return the `TERMS` of each pair, shape (terms, n, P)."""
    former = holdings.former(values)
    lately = np.where(former, np.exp(-holdings.months_since_left(values) / FADES_IN_MONTHS), 0.0)
    ever = holdings.ever(values).held
    rest = (former, lately, holdings.now(values), others_of_family(ever, families))
    return np.concatenate([scores.standard(holdings, values), np.array(rest, np.float64)])


def others_of_family(held: Mask, families: NDArray[np.int64]) -> Scores:
    """Return how many other products of each product's family a customer ever held, shape (n, P)."""
    found = np.zeros(held.shape)
    for family in np.unique(families):
        inside = families == family
        found[:, inside] = held[:, inside].sum(axis=1, keepdims=True) - held[:, inside]
    return found


def base_logits(acquired: Mask, families: NDArray[np.int64], there: Scores | None = None) -> Scores:
    """Return the log of a product's usual share, half by its family and half by all products, shape (P,).

    Args:
        acquired: Acquisitions, shape (n, P).
        families: Family of each product as a number, shape (P,).
        there: Share of the rows at whose date each product was there, shape (P,); by default all of them. One
            that never was has no acquisitions of its own to count: it has those of its family.
    """
    there = np.ones(acquired.shape[1]) if there is None else there
    known = there > 0
    counts = np.where(known, acquired.sum(axis=0) / np.where(known, there, 1.0), 0.0)
    of_all = float(counts[known].mean()) if known.any() else 0.0
    of_family = np.array([_mean_of(counts[known & (families == family)], of_all) for family in families])
    return np.asarray(np.log((of_family + of_all) / 2 + 0.1) - np.log(max(counts.sum(), 1.0)))


def _mean_of(counts: Scores, otherwise: float) -> float:
    return float(counts.mean()) if len(counts) else otherwise


def on_shelf(rows: Rows, launched: Mapping[Date, Mask]) -> Mask:
    """Return which products were there at the date of each row, shape (n, P).

    A product that somebody acquired in the window of a date was there, whatever the catalog says.
    """
    found = np.ones(rows.acquired.shape, bool)
    for day in np.unique(rows.as_of):
        if day in launched:
            own = rows.as_of == day
            found[own] = launched[day] | rows.acquired[own].any(axis=0)
    return found


def family_numbers(families: Sequence[str]) -> NDArray[np.int64]:
    """Return the family of each product as a number; without one, a product is a family of its own."""
    named = [family or f"\0{place}" for place, family in enumerate(families)]
    return np.unique(np.array(named, np.str_), return_inverse=True)[1].astype(np.int64)


def softmax(logits: Scores) -> Scores:
    """Return shares whose rows sum to 1."""
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exp / exp.sum(axis=1, keepdims=True))


def _both(source: Source, look_alikes: LookAlikes, holdings: HoldingColumns, values: Values) -> Scores:
    return np.stack([source.score(holdings.ever(values)).astype(np.float64), look_alikes.score(values)])


def _weighed(weights: Scores, terms: Scores) -> Scores:
    """Sum term by term, so that a customer's numbers do not depend on who else is scored."""
    return np.asarray(sum(weight * term for weight, term in zip(weights, terms, strict=True)))


def _fitted(terms: Scores, acquired: Mask, there: Mask, base: Scores) -> tuple[Scores, Scores]:
    """Return intercepts (P,) and weights that maximise the penalised conditional likelihood.

    Of each row the products that were `there` compete, shape (n, P).
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - to fit alone, not to answer

    count, products = len(MEANS), len(base)
    totals = acquired.sum(axis=1, keepdims=True).astype(np.float64)
    seen = np.concatenate([(terms * acquired).sum(axis=(1, 2)), acquired.sum(axis=0)])
    means = np.concatenate([MEANS, np.zeros(products)])
    deviations = np.concatenate([DEVIATIONS, np.full(products, INTERCEPT_DEVIATION)])

    def loss(found: Scores) -> tuple[float, Scores]:
        logits = np.where(there, base + found[count:] + _weighed(found[:count], terms), NEVER)
        top = logits.max(axis=1, keepdims=True)
        exp = np.exp(logits - top)
        total = exp.sum(axis=1, keepdims=True)
        expected = totals * exp / total
        told = (logits * acquired).sum() - (totals * (np.log(total) + top)).sum()
        away = (found - means) / deviations
        slope = seen - np.concatenate([(terms * expected).sum(axis=(1, 2)), expected.sum(axis=0)])
        return float(away @ away / 2 - told), away / deviations - slope

    found = minimize(loss, means, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return base + found[count:], np.asarray(found[:count], np.float64)
