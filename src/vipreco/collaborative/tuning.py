"""A small search for the settings of a source, judged on an earlier pair of as-of dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from vipreco.collaborative.als import ImplicitALS
from vipreco.collaborative.source import ItemSideSource
from vipreco.collaborative.state import Flags, HoldingState, Scores

Source = TypeVar("Source", bound=ItemSideSource)
Judge: TypeAlias = Callable[[Scores, Flags, Flags], float]
"""(scores, truth, candidates), each (n, P) -> a number that is better when it is higher."""


@dataclass(frozen=True)
class AlsSearch:
    """The space that is searched: ranges, each drawn log-uniformly, and the number of trials.

    The first trial is always the default settings, so a search never ends worse than them.
    """

    factors: tuple[int, int] = (2, 16)
    regularization: tuple[float, float] = (0.1, 1000.0)
    alpha: tuple[float, float] = (1.0, 20.0)
    iterations: int = 15
    trials: int = 12
    seed: int = 20260101

    def settings(self) -> Iterator[ImplicitALS]:
        """The unfitted sources to try, in a fixed order."""
        random = np.random.default_rng(self.seed)
        yield ImplicitALS(iterations=self.iterations, seed=self.seed)
        for _ in range(self.trials - 1):
            factors, regularization, alpha = (
                float(np.exp(random.uniform(np.log(low), np.log(high))))
                for low, high in (self.factors, self.regularization, self.alpha)
            )
            yield ImplicitALS(round(factors), regularization, alpha, self.iterations, self.seed)


@dataclass(frozen=True)
class Trial(Generic[Source]):
    """One setting and what it reached."""

    source: Source
    quality: float


def tune(
    before: HoldingState, after: HoldingState, sources: Iterable[Source], judge: Judge | None = None
) -> list[Trial[Source]]:
    """Fit each source on `before`, judge it on what was acquired until `after`; the best trial is first.

    Both dates must be earlier than the date whose result is reported, or the choice has seen the test.

    Args:
        before: Holdings at an earlier as-of date.
        after: Holdings of the same customers, row by row, one horizon later.
        sources: Unfitted sources with the settings to try.
        judge: What is maximised; by default the mean reciprocal rank of the acquired products.
    """
    before = before.in_columns(after.product_ids)
    truth = after.held & ~before.held
    judge = judge or mean_reciprocal_rank
    trials = [
        Trial(source, judge(source.fit(before).score(before), truth, ~before.held)) for source in sources
    ]
    return sorted(trials, key=lambda trial: -trial.quality)


def tune_als(
    before: HoldingState, after: HoldingState, search: AlsSearch | None = None, judge: Judge | None = None
) -> list[Trial[ImplicitALS]]:
    """`tune` over the settings of a search space of ALS; the default tries twelve."""
    return tune(before, after, (search or AlsSearch()).settings(), judge)


def mean_reciprocal_rank(scores: Scores, truth: Flags, candidates: Flags) -> float:
    """Mean over acquisitions of 1 / (1 + candidates that score higher); 0 without any acquisition."""
    customers, products = np.nonzero(truth & candidates)
    own = scores[customers, products][:, None]
    above = ((scores[customers] > own) & candidates[customers]).sum(axis=1)
    return float(np.mean(1.0 / (1.0 + above))) if len(above) else 0.0
