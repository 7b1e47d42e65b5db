"""Qini curve and coefficient: whether an order puts those customers first whom an offer moves most.

Customers are taken in the order of their score; at each depth the outcomes of the treated are set against
what the control customers of the same depth let expect. Customers of equal score come in together, so that an
order without differences is a straight line. An arm without customers counts as a rate of 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from vipreco.errors import UsageError
from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate, percentiles
from vipreco.stats.level import LEVEL

RESAMPLES = 500


def qini_curve(score: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> pl.DataFrame:
    """Return what treating the first customers by score brings, a row for each different score.

    Args:
        score: (n,) number whose order is judged, highest first.
        treated: (n,) whether the customer was treated, by lot.
        outcome: (n,) acquired or not, or money.

    Returns:
        customers, share (of all customers), treated, control, treated_outcome, control_outcome: up to this
        depth. qini: treated_outcome - control_outcome x treated / control. random: the same for customers in
        random order. gain: customers x difference of the two rates. The first row is depth 0.

    Raises:
        UsageError: Lengths differ, a number is not finite, or an arm is empty.
    """
    data = _Ranked.of(score, treated, outcome)
    sums = data.sums(np.ones(len(data.group)))
    customers = sums.treated + sums.control
    share, curve = sums.share(), sums.qini()
    return pl.DataFrame(
        {
            "customers": customers.astype(np.int64),
            "share": share,
            "treated": sums.treated.astype(np.int64),
            "control": sums.control.astype(np.int64),
            "treated_outcome": sums.treated_outcome,
            "control_outcome": sums.control_outcome,
            "qini": curve,
            "random": share * curve[-1],
            "gain": sums.gain(),
        }
    )


def qini_coefficient(
    score: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """Return the area between the Qini curve and the line of a random order, per treated customer.

    0 is a random order; an interval above 0 says that the order is better than chance. The interval is a
    percentile bootstrap over customers of each arm; with no resamples there is none.

    Raises:
        UsageError: As `qini_curve`.
    """
    return _area(_Ranked.of(score, treated, outcome), _qini_area, seed, resamples, level)


def auuc(
    score: ArrayLike,
    treated: ArrayLike,
    outcome: ArrayLike,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """Return the area under the gain per customer, over all depths from 0 to 1.

    A random order has half of the overall difference of rates. Interval as in `qini_coefficient`.

    Raises:
        UsageError: As `qini_curve`.
    """
    return _area(_Ranked.of(score, treated, outcome), _gain_area, seed, resamples, level)


@dataclass(frozen=True)
class _Sums:
    """Running sums by depth, beginning with depth 0."""

    treated: Floats
    control: Floats
    treated_outcome: Floats
    control_outcome: Floats

    def qini(self) -> Floats:
        expected: Floats = self.treated * _ratio(self.control_outcome, self.control)
        return self.treated_outcome - expected

    def gain(self) -> Floats:
        difference = _ratio(self.treated_outcome, self.treated) - _ratio(self.control_outcome, self.control)
        gained: Floats = (self.treated + self.control) * difference
        return gained

    def share(self) -> Floats:
        customers = self.treated + self.control
        share: Floats = customers / customers[-1]
        return share


@dataclass(frozen=True)
class _Ranked:
    """Customers with the place of their score, the highest being 0."""

    group: np.ndarray[tuple[int], np.dtype[np.int64]]
    treated: Flags
    outcome: Floats

    @classmethod
    def of(cls, score: ArrayLike, treated: ArrayLike, outcome: ArrayLike) -> _Ranked:
        scores, outcomes = np.asarray(score, np.float64), np.asarray(outcome, np.float64)
        flags = np.asarray(treated, np.bool_)
        if not len(scores) == len(flags) == len(outcomes):
            raise UsageError("score, treated and outcome differ in length", where="qini", code="shape")
        if not (np.isfinite(scores).all() and np.isfinite(outcomes).all()):
            raise UsageError("scores and outcomes must be finite numbers", where="qini", code="not-finite")
        if not flags.any() or flags.all():
            raise UsageError("both arms need customers", where="qini", code="one-arm")
        _, group = np.unique(-scores, return_inverse=True)
        return cls(group.astype(np.int64), flags, outcomes)

    def sums(self, weight: Floats) -> _Sums:
        with_offer, without = weight * self.treated, weight * ~self.treated
        return _Sums(
            *(
                self._running(column)
                for column in (with_offer, without, with_offer * self.outcome, without * self.outcome)
            )
        )

    def resampled(self, random: np.random.Generator) -> Floats:
        """Return how often each customer is drawn, within each arm."""
        weight = np.zeros(len(self.group))
        for arm in (np.flatnonzero(self.treated), np.flatnonzero(~self.treated)):
            drawn = random.integers(len(arm), size=len(arm))
            weight[arm] = np.bincount(drawn, minlength=len(arm))
        return weight

    def _running(self, column: Floats) -> Floats:
        return np.concatenate([[0.0], np.cumsum(np.bincount(self.group, column))])


def _area(
    data: _Ranked, measure: Callable[[_Sums], float], seed: int, resamples: int, level: float
) -> Estimate:
    value = measure(data.sums(np.ones(len(data.group))))
    if resamples == 0:
        return Estimate(value, lacks="no resamples")
    random = np.random.default_rng(seed)
    drawn = np.array([measure(data.sums(data.resampled(random))) for _ in range(resamples)])
    return Estimate(value, *percentiles(drawn, level))


def _qini_area(sums: _Sums) -> float:
    curve = sums.qini()
    area = np.trapezoid(curve, sums.share()) - curve[-1] / 2
    return float(area / sums.treated[-1])


def _gain_area(sums: _Sums) -> float:
    customers = sums.treated[-1] + sums.control[-1]
    return float(np.trapezoid(sums.gain(), sums.share()) / customers)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)
