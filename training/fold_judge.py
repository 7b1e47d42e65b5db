"""Judge of recipes at single dates: what trials of tuning have in common is drawn and computed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa

from training.model_fit import ACQUISITIONS_ALONE
from training.recipe import Recipe
from training.result import TrainingJob
from vipreco.backtest import BacktestPlan, BacktestResult, RollingFold, Trial, backtest
from vipreco.columns import CUSTOMER_ID
from vipreco.features import ComputedOnce, FeatureSet
from vipreco.folds import customer_folds
from vipreco.history import History
from vipreco.propensity import Machine
from vipreco.recommender import Panel, TrainingData

PARTS: Final = 1_000_003  # of the lottery of customers


@dataclass
class FoldJudge:
    """Fits and judges recipes at dates of one history, on the same customers and computed features.

    Args:
        job: Names project and tables.
        history: The tables.
        customers: How many are drawn; 0 takes all.
    """

    job: TrainingJob
    history: History
    customers: int
    features: FeatureSet = field(init=False)

    def __post_init__(self) -> None:
        project = self.job.project
        read = FeatureSet.read(project.features, project.settings.tiers)
        self.features = ComputedOnce(read)

    def __call__(self, recipe: Recipe, fold: RollingFold) -> BacktestResult:
        """Return what a recipe reaches at a date."""
        project = self.job.project
        machine = Machine(project.seed, project.threads)
        section = recipe.backtest
        plan = BacktestPlan(
            section.list_length, section.resamples, machine, max_customers=section.max_customers
        )
        learnt = TrainingData(Panel(self.history, fold.train, self._drawn))
        trial = Trial(str(fold.test), learnt, Panel(self.history, (fold.test,), self._drawn))
        settings = recipe.recommender.model_copy(update=ACQUISITIONS_ALONE)
        return backtest([trial], self.features, settings, plan)

    @cached_property
    def _drawn(self) -> pa.Array | None:
        """Ids of the customers of all trials; None for all."""
        ids = sorted(
            {
                customer
                for day in self.history.snapshot_dates
                for customer in self.history.as_of(day).population()[CUSTOMER_ID].to_pylist()
            }
        )
        if not self.customers or len(ids) <= self.customers:
            return None
        lots = customer_folds(np.array(ids, np.str_), PARTS, self.job.project.seed)
        return pa.array(sorted(np.array(ids)[np.argsort(lots, kind="stable")[: self.customers]].tolist()))
