"""Trials of a backtest: data to learn from, and customers and a date to be judged; nobody is in both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.backtest.folds import RollingFold
from vipreco.columns import CUSTOMER_ID
from vipreco.errors import InputRejectedError
from vipreco.folds import customer_folds
from vipreco.recommender import Panel, TrainingData


@dataclass(frozen=True)
class Trial:
    """A replay.

    Args:
        name: As shown in tables.
        training_data: Panels that are learnt from.
        ranked: Customers whose lists are judged.
        rated: Customers whose propensities are judged, when that is another sample; None = `ranked`.
    """

    name: str
    training_data: TrainingData
    ranked: Panel
    rated: Panel | None = None


def rolling_trials(panel: Panel, folds: list[RollingFold]) -> Iterator[Trial]:
    """Give a trial a fold: learn from earlier as-of dates, judge all customers of a panel at a later one."""
    for fold in folds:
        learnt = TrainingData(replace(panel, as_of=fold.train))
        yield Trial(str(fold.test), learnt, replace(panel, as_of=(fold.test,)))


def customer_trials(training_data: TrainingData, folds: int, seed: int) -> Iterator[Trial]:
    """Give a trial a customer fold, for histories with a single labelled date.

    A customer of the judged fold is in neither panel of the training data; a fold without customers is
    left out.

    Raises:
        InputRejectedError: No fold has customers both inside and outside.
    """
    ranked = _members(training_data.acquirers, folds, seed)
    rated = _members(training_data.rates, folds, seed) if training_data.rates else None
    for fold in _judgeable(ranked, folds):
        yield Trial(
            f"customers {fold + 1} of {folds}",
            TrainingData(
                _part(training_data.acquirers, ranked, fold, inside=False),
                _part(training_data.rates, rated, fold, inside=False)
                if training_data.rates and rated
                else None,
            ),
            _part(training_data.acquirers, ranked, fold, inside=True),
            _part(training_data.rates, rated, fold, inside=True) if training_data.rates and rated else None,
        )


def _judgeable(members: _Members, folds: int) -> list[int]:
    """Return the folds that have customers to judge, and others to learn from.

    Raises:
        InputRejectedError: There is none: the bank has too few customers.
    """
    sizes = np.bincount(members.folds, minlength=folds)
    found = [fold for fold in range(folds) if 0 < sizes[fold] < sizes.sum()]
    if not found:
        raise InputRejectedError(
            f"{sizes.sum()} customer(s) cannot be judged by what is learnt from others",
            where="backtest.customer_folds",
            remedy="import more customers, or snapshots of further months",
            code="few-customers",
        )
    return found


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
