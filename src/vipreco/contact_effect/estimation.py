"""Effects from contacted pairs and what they would show without a contact; shrunk where evidence is thin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from vipreco.contact_effect.expectation import Contacted, Expectation, ObservedPairs
from vipreco.stats import LEVEL, average_poisson_limits

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
WIDEST = 8.0  # no effect on the log-hazard is larger
MIN_SHAPE, MAX_SHAPE = 1.0, 100.0


@dataclass(frozen=True)
class Evidence:
    """Outcome of contacts, and the effect that they show.

    Args:
        contacts: Number of them.
        acquisitions: Acquisitions within the horizon after them.
        expected: Acquisitions that would have come without them.
        effect: On the log-hazard; minus infinity without acquisitions, NaN without contacts.
        low: Lower end of the 95 % interval.
        high: Upper end.
    """

    contacts: int
    acquisitions: int
    expected: float
    effect: float
    low: float
    high: float


@dataclass(frozen=True)
class Trials:
    """Contacted pairs with their expectation, ready to be counted.

    Args:
        contacted: The pairs.
        hazard: Of each without a contact, shape (m,).
        weights: Customers that each stands for, shape (m,).
        expectation: What the hazards come from.
        recent: Contacts of the customer in the 90 days before, shape (m,).
        withstood: Hazard that the customer declined before, shape (m,).
    """

    contacted: Contacted
    hazard: Floats
    weights: Floats
    expectation: Expectation
    recent: Floats
    withstood: Floats

    @classmethod
    def of(cls, contacted: Contacted, expectation: Expectation, pairs: ObservedPairs) -> Trials:
        """Return the trials of some contacts of the rows of `pairs`."""
        past, nothing = pairs.past, np.zeros(len(contacted))
        return cls(
            contacted,
            expectation.without(contacted),
            pairs.weights[contacted.row],
            expectation,
            nothing if past is None else past.recent[contacted.row],
            nothing if past is None else expectation.withstood(contacted, past),
        )

    def take(self, chosen: Mask) -> Trials:
        """Return some of them."""
        parts = (self.hazard, self.weights, self.recent, self.withstood)
        hazard, weights, recent, withstood = (part[chosen] for part in parts)
        return Trials(self.contacted.take(chosen), hazard, weights, self.expectation, recent, withstood)

    @property
    def count(self) -> float:
        """Acquisitions; weighted ones count as many as they are worth."""
        own = self.weights[self.contacted.acquired]
        return float(own.sum() ** 2 / (own**2).sum()) if len(own) else 0.0

    @property
    def scale(self) -> float:
        """Acquisitions that count, as share of those that they stand for."""
        total = float(self.weights[self.contacted.acquired].sum())
        return self.count / total if total else 1.0

    def evidence(self) -> Evidence:
        """Return what they show."""
        trials, acquired = len(self.hazard), int(self.contacted.acquired.sum())
        expected = float(self.weights @ -np.expm1(-self.hazard))
        if not trials or expected <= 0:
            return Evidence(trials, acquired, expected, math.nan, -math.inf, math.inf)
        effect = self.effect_of(self.count)
        low, high = (self.effect_of(float(end)) for end in average_poisson_limits(self.count))
        error = self.expectation.error(self.contacted, self.weights) / (self.weights @ self.hazard) ** 2
        away = float(norm.ppf((1 + LEVEL) / 2)) ** 2 * error
        centre = effect if math.isfinite(effect) else high
        return Evidence(
            trials,
            acquired,
            expected,
            effect,
            centre - math.hypot(centre - low, math.sqrt(away)) if math.isfinite(low) else low,
            centre + math.hypot(high - centre, math.sqrt(away)),
        )

    def effect_of(self, count: float) -> float:
        """Return the effect under which so many acquisitions are expected."""
        if count <= 0:
            return -math.inf
        wanted = count / self.scale

        def excess(effect: float) -> float:
            return self.expected(effect) - wanted

        if excess(WIDEST) <= 0:
            return WIDEST
        return float(brentq(excess, -WIDEST, WIDEST)) if excess(-WIDEST) < 0 else -WIDEST

    def expected(self, effect: float) -> float:
        """Return the acquisitions that are expected under an effect."""
        return float(self.weights @ -np.expm1(-self.hazard * math.exp(effect)))


def shrunk(count: Floats, expected: Floats, prior: Floats, shape: float) -> Floats:
    """Return effects on the log-hazard, drawn to their priors by the gamma prior of a Poisson rate.

    A ratio r of acquisitions to expected ones has the prior gamma(shape, mean exp(prior)); with `count`
    acquisitions its mean is (shape + count) / (shape / exp(prior) + expected).

    Args:
        count: Acquisitions after contacts, by cell.
        expected: Acquisitions without the contacts, by cell.
        prior: Effect that each cell is drawn to.
        shape: Acquisitions that the prior is worth.
    """
    return np.log((shape + count) / (shape * np.exp(-prior) + expected))


def shape_between(count: Floats, expected: Floats) -> float:
    """Return how many acquisitions the common effect of cells is worth, by how far the cells differ.

    Moments of the negative binomial: the less cells differ beyond chance, the more the common effect counts.

    Args:
        count: Acquisitions after contacts, by cell.
        expected: Acquisitions that the common effect lets expect, by cell.
    """
    excess = float(((count - expected) ** 2 - expected).sum())
    total = float((expected**2).sum())
    return float(np.clip(total / excess, MIN_SHAPE, MAX_SHAPE)) if excess > 0 else MAX_SHAPE
