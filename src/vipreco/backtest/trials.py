"""One trial: what is learnt from, and the customers and date that are judged; nobody is in both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.backtest.folds import RollingFold
from vipreco.columns import CUSTOMER_ID
from vipreco.folds import customer_folds
from vipreco.history import History
from vipreco.recommender import Lesson, Panel


@dataclass(frozen=True)
class Trial:
    """A replay.

    Args:
        name: As shown in tables.
        lesson: What is learnt from.
        ranked: Whose lists are judged.
        rated: Whose propensities are judged, when that is another sample; None = `ranked`.
    """

    name: str
    lesson: Lesson
    ranked: Panel
    rated: Panel | None = None


def rolling_trials(history: History, folds: list[RollingFold]) -> Iterator[Trial]:
    """Give a trial a fold: learn from earlier as-of dates, judge all customers at a later one."""
    for fold in folds:
        lesson = Lesson(Panel(history, fold.train))
        yield Trial(str(fold.test), lesson, Panel(history, (fold.test,)))


def customer_trials(lesson: Lesson, folds: int, seed: int) -> Iterator[Trial]:
    """Give a trial a customer fold, for histories with a single labelled date.

    A customer of the judged fold is in neither panel of the lesson.
    """
    ranked = _members(lesson.acquirers, folds, seed)
    rated = _members(lesson.rates, folds, seed) if lesson.rates else None
    for fold in range(folds):
        yield Trial(
            f"customers {fold + 1} of {folds}",
            Lesson(
                _part(lesson.acquirers, ranked, fold, inside=False),
                _part(lesson.rates, rated, fold, inside=False) if lesson.rates and rated else None,
            ),
            _part(lesson.acquirers, ranked, fold, inside=True),
            _part(lesson.rates, rated, fold, inside=True) if lesson.rates and rated else None,
        )


@dataclass(frozen=True)
class _Members:
    """Customers of a panel (n,) and the fold of each (n,)."""

    customer_ids: NDArray[Any]
    folds: NDArray[np.int64]


def _members(panel: Panel, folds: int, seed: int) -> _Members:
    ids = [view.population()[CUSTOMER_ID].to_pylist() for view in panel.views()]
    unique = np.array(sorted({customer for part in ids for customer in part}), np.str_)
    return _Members(unique, customer_folds(unique, folds, seed))


def _part(panel: Panel, members: _Members, fold: int, *, inside: bool) -> Panel:
    chosen = members.customer_ids[(members.folds == fold) == inside]
    return replace(panel, customers=pa.array(chosen.tolist(), pa.string()))
