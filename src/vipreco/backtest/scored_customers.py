"""Judged customers of a backtest: scores of each model, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.backtest.report import Judgement
from vipreco.propensity import Machine
from vipreco.stats import Flags, Floats

ARRAYS = ("truth", "listable", "held_before", "tiers", "customer_ids")
ERROR_RATE = 0.05


@dataclass(frozen=True)
class BacktestPlan:
    """List length, resamples and machine of a backtest.

    Args:
        list_length: k of all ranking metrics.
        resamples: Bootstrap resamples of customers for the intervals.
        machine: Seed and threads.
        error_rate: Chance that the lower end of a difference to the champion is above the truth.
    """

    list_length: int
    resamples: int
    machine: Machine
    error_rate: float = ERROR_RATE


@dataclass(frozen=True)
class ScoredCustomers:
    """Unseen customers of one or more trials: what was scored, and what happened.

    Args:
        scores: Name of the model -> scores (n, P); `vipreco` holds propensities.
        truth: Acquired within the window, shape (n, P).
        listable: Could be acquired at all, shape (n, P).
        held_before: Held earlier and not now, shape (n, P).
        tiers: Tier of each customer as text, empty where unknown, shape (n,).
        customer_ids: Who it is; a customer has a row in each trial, shape (n,).
    """

    scores: Mapping[str, Floats]
    truth: Flags
    listable: Flags
    held_before: Flags
    tiers: NDArray[np.object_]
    customer_ids: NDArray[np.object_]


def together(parts: Sequence[ScoredCustomers]) -> ScoredCustomers:
    """Put judged customers under one another."""
    return ScoredCustomers(
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS),
    )


def judgement(judged: ScoredCustomers, plan: BacktestPlan, resamples: int) -> Judgement:
    """Return what lists of judged customers are compared with."""
    return Judgement(
        judged.truth,
        judged.listable,
        judged.held_before,
        judged.tiers,
        plan.list_length,
        plan.machine.seed,
        resamples,
    )
