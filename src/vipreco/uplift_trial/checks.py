"""Checks that a design must stand before anything is learnt from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.stats import Estimate, HeldOut, judge_orders, p_value_of_count
from vipreco.uplift import LearnerContext, RandomisedRows
from vipreco.uplift_trial.selection import FitScore, folds_of, unseen_scores

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Overlap:
    """Comparison of the arms with the design.

    Args:
        lowest: Lowest chance of a treatment by the design.
        highest: Highest chance.
        treated: Rows that were treated.
        expected: How many the design lets expect.
        p_value: Of a difference like this by luck alone.
    """

    lowest: float
    highest: float
    treated: int
    expected: float
    p_value: float

    @property
    def sound(self) -> bool:
        """Return True when the arms are as large as the design says, up to luck of one in a thousand."""
        return self.p_value >= 0.001


def overlap(rows: RandomisedRows) -> Overlap:
    """Compare the number of treated rows with what their chances let expect."""
    chance = rows.probability
    treated, expected = int(rows.treated.sum()), float(chance.sum())
    spread = float((chance * (1 - chance)).sum())
    p_value = p_value_of_count(treated, expected, spread) if spread else 1.0
    lowest, highest = float(chance.min(initial=1.0)), float(chance.max(initial=0.0))
    return Overlap(lowest, highest, treated, expected, p_value)


def placebo(
    rows: RandomisedRows, context: LearnerContext, folds: int, fit: FitScore, *, seed: int, resamples: int
) -> Estimate:
    """Return the Qini coefficient where treatments were drawn anew and so did nothing: it is 0 up to luck."""
    return _unseen_qini(rows.shuffled(seed), context, folds, fit, seed, resamples)


def before_treatment(
    rows: RandomisedRows,
    earlier: Mask,
    context: LearnerContext,
    folds: int,
    fit: FitScore,
    *,
    seed: int,
    resamples: int,
) -> Estimate:
    """Return the Qini coefficient on outcomes before the treatment, which it cannot have moved: 0 up to luck.

    Args:
        rows: The design; its values must not tell the earlier outcome.
        earlier: Whether the outcome happened in a window before the treatment, shape (n,).
        context: Columns, settings, seed, threads.
        folds: Groups of customers.
        fit: The learner.
        seed: Of the resamples.
        resamples: Of the interval.
    """
    return _unseen_qini(replace(rows, outcome=earlier), context, folds, fit, seed, resamples)


def _unseen_qini(
    rows: RandomisedRows, context: LearnerContext, folds: int, fit: FitScore, seed: int, resamples: int
) -> Estimate:
    fold = folds_of(rows, context, folds)
    scores = {"learner": unseen_scores(rows, context, fold, fit)}
    return judge_orders(scores, HeldOut.of(rows, fold), seed=seed, resamples=resamples)["learner"].qini
