"""Choose a learner on the training part alone, and score customers whom neither choice nor fit has seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.folds import customer_folds
from vipreco.stats import HeldOut, judge_orders
from vipreco.uplift import LEARNERS, LearnerContext, RandomisedRows, response

Floats = NDArray[np.float64]
Folds = NDArray[np.int64]
Score: TypeAlias = Callable[[NDArray[np.float32]], Floats]
FitScore: TypeAlias = Callable[[RandomisedRows, LearnerContext], Score]
"""Fits on rows and returns what scores others."""

SIMPLEST_FIRST: Final = tuple(LEARNERS)
OUTER: Final = 1
WITHIN: Final = 2


@dataclass(frozen=True)
class Choice:
    """A learner that was chosen, and what the choice went by.

    Args:
        name: `s`, `t` or `x`.
        qini: Qini coefficient of each learner over the folds of the training part.
    """

    name: str
    qini: Mapping[str, float]


def fit_learner(name: str) -> FitScore:
    """Return what fits the learner of this name."""
    return lambda rows, context: LEARNERS[name].fit(rows, context).uplift


def fit_response(rows: RandomisedRows, context: LearnerContext) -> Score:
    """Fit who answers, whether treated or not."""
    return response(rows, context).score


def choose(
    rows: RandomisedRows, context: LearnerContext, fold: Folds, learners: Sequence[str] = SIMPLEST_FIRST
) -> Choice:
    """Return the learner with the highest Qini over folds of customers; the first named of equals.

    Args:
        rows: The training part.
        context: Columns, settings, seed, threads.
        fold: Group of each customer, shape (n,); each group is scored by a learner of the others.
        learners: Names to choose among, the simplest first.
    """
    if len(learners) == 1:
        return Choice(learners[0], {})
    scores = {name: unseen_scores(rows, context, fold, fit_learner(name)) for name in learners}
    judged = judge_orders(scores, HeldOut.of(rows, fold), resamples=0)
    qini = {name: found.qini.value for name, found in judged.items()}
    return Choice(max(learners, key=lambda name: qini[name]), qini)


def fit_chosen(folds: int, learners: Sequence[str] = SIMPLEST_FIRST) -> FitScore:
    """Return what first chooses a learner among the rows that it is given, then fits it on them."""

    def fit(rows: RandomisedRows, context: LearnerContext) -> Score:
        fold = folds_of(rows, context, folds, WITHIN)
        return fit_learner(choose(rows, context, fold, learners).name)(rows, context)

    return fit


def unseen_scores(rows: RandomisedRows, context: LearnerContext, fold: Folds, fit: FitScore) -> Floats:
    """Score each fold by what was fitted on the others, shape (n,)."""
    scores = np.full(len(rows), np.nan)
    for number in np.unique(fold):
        unseen = fold == number
        scores[unseen] = fit(rows.take(~unseen), context)(rows.values[unseen])
    return scores


def folds_of(rows: RandomisedRows, context: LearnerContext, folds: int, cut: int = OUTER) -> Folds:
    """Return the fold of each row, shape (n,): by the customer, but not as the stopping is cut.

    A choice within folds needs another cut than these: the same would put all of its customers together.
    """
    return customer_folds(rows.customer_ids, folds, context.machine.seed + cut)
