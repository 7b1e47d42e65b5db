"""Judged customers of a backtest: scores of each model, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.backtest.judged_lists import JudgedLists
from vipreco.backtest.limits import MAX_CUSTOMERS
from vipreco.backtest.report import Judgement
from vipreco.propensity import Machine
from vipreco.stats import Flags, Floats

OURS = "vipreco"
CHAMPION = "champion"
FLAGS = ("truth", "listable", "held_before")
ERROR_RATE = 0.05


@dataclass(frozen=True)
class BacktestPlan:
    """List length, resamples and machine of a backtest.

    Args:
        list_length: k of all ranking metrics.
        resamples: Bootstrap resamples of customers for the intervals.
        machine: Seed and threads.
        error_rate: Chance that the lower end of a difference to the champion is above the truth.
        max_customers: Customers who are judged at a date; of more, a lottery of their ids draws so many.
    """

    list_length: int
    resamples: int
    machine: Machine
    error_rate: float = ERROR_RATE
    max_customers: int = MAX_CUSTOMERS


@dataclass(frozen=True)
class ScoredCustomers:
    """Unseen customers of one or more trials: what was scored, and what happened.

    Args:
        scores: Propensities, shape (n, P), of us (`vipreco`) and of the champion.
        truth: Acquired within the window, shape (n, P).
        listable: Could be acquired at all, shape (n, P).
        held_before: Held earlier and not now, shape (n, P).
        tiers: Tier of each customer as text, empty where unknown, shape (n,).
        customer_ids: Who it is; a customer has a row in each trial, shape (n,).
        lists: Those of the baselines, of whose scores the order alone counts.
    """

    scores: Mapping[str, Floats]
    truth: Flags
    listable: Flags
    held_before: Flags
    tiers: NDArray[np.object_]
    customer_ids: NDArray[np.object_]
    lists: Mapping[str, JudgedLists] = field(default_factory=dict)

    def every_list(self, k: int) -> dict[str, JudgedLists]:
        """Return the lists of length k of all models: ours, the baselines, the champion's."""
        own = {
            name: JudgedLists.of(np.asarray(scores), self.truth, self.listable, k)
            for name, scores in self.scores.items()
        }
        rivals = {CHAMPION: own.pop(CHAMPION)} if CHAMPION in own else {}
        return {**own, **self.lists, **rivals}


def together(parts: Sequence[ScoredCustomers]) -> ScoredCustomers:
    """Put judged customers under one another."""

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(part, name) for part in parts])

    return ScoredCustomers(
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        column("truth"),
        column("listable"),
        column("held_before"),
        column("tiers"),
        column("customer_ids"),
        {name: JudgedLists.together([part.lists[name] for part in parts]) for name in parts[0].lists},
    )


def judgement(judged: ScoredCustomers, plan: BacktestPlan, resamples: int) -> Judgement:
    """Return what lists of judged customers are compared with."""
    return Judgement(
        judged.truth,
        judged.held_before,
        judged.tiers,
        plan.list_length,
        plan.machine.seed,
        resamples,
    )
