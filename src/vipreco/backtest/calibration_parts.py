"""Calibration in sum and slope of each product and each tier that has evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from vipreco.backtest.scored_customers import ScoredCustomers
from vipreco.stats import (
    Estimate,
    Floats,
    ratio_interval,
    recalibration,
    slope_interval,
)

MIN_ACQUISITIONS = 20
"""Acquisitions, expected or observed, below which a product or tier says nothing by itself."""
ERROR_RATE = 0.05
LARGEST = 99.0


@dataclass(frozen=True)
class PartCalibration:
    """Calibration of one product or tier.

    Args:
        part: Its id.
        expected: Sum of the propensities.
        acquisitions: Acquisitions that were observed.
        ratio: Expected by observed.
        slope: Of the recalibration.
    """

    part: str
    expected: float
    acquisitions: int
    ratio: Estimate
    slope: Estimate

    @property
    def surely_off(self) -> float:
        """Factor by which sum or slope surely differ from 1; 1 where chance explains the distance."""
        return max(_factor(self.ratio), _factor(self.slope))


@dataclass(frozen=True)
class _Part:
    """Cells of the arrays of judged customers that a product or tier means."""

    name: str
    cells: Any
    learnt: float

    def evidence(self, rated: ScoredCustomers, model: str) -> float:
        """Return the larger of expected and observed acquisitions: a model may expect none of many."""
        pairs = rated.listable[self.cells]
        chances, truth = rated.scores[model][self.cells], rated.truth[self.cells]
        return max(float(chances[pairs].sum()), float(truth[pairs].sum()))

    def calibration(self, rated: ScoredCustomers, model: str, normal: float) -> PartCalibration:
        pairs, truth = rated.listable[self.cells], rated.truth[self.cells]
        scores = np.asarray(rated.scores[model][self.cells], np.float64)
        expected = np.where(pairs, scores, 0.0).sum(axis=1)
        observed = (truth & pairs).sum(axis=1).astype(np.float64)
        line = recalibration(scores[pairs], truth[pairs])
        return PartCalibration(
            self.name,
            float(expected.sum()),
            int(observed.sum()),
            ratio_interval(expected, observed, max(self.learnt, 1.0), normal),
            slope_interval(scores[pairs], line, normal),
        )


def by_product(
    rated: ScoredCustomers, model: str, product_ids: Sequence[str], learnt: Floats
) -> tuple[PartCalibration, ...]:
    """Return the calibration of each product with evidence, over the customers who could acquire it.

    The intervals hold for all parts together, 95 times of 100.

    Args:
        rated: Judged customers.
        model: Whose propensities.
        product_ids: Columns of the scores.
        learnt: Acquisitions of each product that its level was learnt from, shape (P,).
    """
    parts = [
        _Part(product_id, np.s_[:, place : place + 1], float(learnt[place]))
        for place, product_id in enumerate(product_ids)
    ]
    return _with_evidence(parts, rated, model)


def by_tier(rated: ScoredCustomers, model: str, learnt: float) -> tuple[PartCalibration, ...]:
    """Return the calibration of each tier with evidence, over all products; as `by_product`."""
    tiers = sorted({str(tier) for tier in rated.tiers if tier})
    parts = [_Part(tier, np.s_[np.flatnonzero(rated.tiers == tier), :], learnt) for tier in tiers]
    return _with_evidence(parts, rated, model)


def surely_off(parts: Sequence[PartCalibration]) -> float:
    """Return the largest factor by which sum or slope of any part surely differ from 1."""
    return max((part.surely_off for part in parts), default=1.0)


def _with_evidence(parts: Sequence[_Part], rated: ScoredCustomers, model: str) -> tuple[PartCalibration, ...]:
    known = [part for part in parts if part.evidence(rated, model) >= MIN_ACQUISITIONS]
    # two figures a part, and all intervals hold together (Bonferroni)
    normal = float(norm.isf(ERROR_RATE / 4 / max(len(known), 1)))
    return tuple(part.calibration(rated, model, normal) for part in known)


def _factor(found: Estimate) -> float:
    if not found.known or np.isnan(found.low):
        return 1.0
    below = 1 / found.high if found.high > 0 else LARGEST
    return float(np.clip(max(found.low, below), 1.0, LARGEST))
