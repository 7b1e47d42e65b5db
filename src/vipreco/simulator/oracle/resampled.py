"""Shares of the oracle with intervals: the arms are resampled together, each customer drawn once for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vipreco.simulator.oracle.arms import Arm
from vipreco.simulator.oracle.shares import Effort, Unit
from vipreco.stats import NO_RESAMPLES, Estimate, Floats, percentiles, resampled_column_means

NO_REWARD = "a reward of the oracle"
Column = tuple[Effort, Unit, Arm]


@dataclass(frozen=True)
class Resampled:
    """Mean rewards of some customers: as they are, and in bootstrap samples.

    Args:
        columns: Column of each effort, unit and arm.
        means: Mean over the customers, shape (columns,).
        draws: The same in each sample, shape (resamples, columns).
        customers: Number of customers.
    """

    columns: Mapping[Column, int]
    means: Floats
    draws: Floats
    customers: int

    @classmethod
    def of(cls, rewards: Mapping[Column, Floats], seed: int, resamples: int) -> Resampled:
        """Resample the customers of all columns together.

        Args:
            rewards: Expected reward of each customer, by effort, unit and arm.
            seed: Of the samples.
            resamples: Number of samples; with 0 the intervals are NaN.
        """
        values = np.column_stack(list(rewards.values()))
        columns = {column: place for place, column in enumerate(rewards)}
        if not len(values):
            return cls(columns, np.full(len(columns), np.nan), np.zeros((0, len(columns))), 0)
        return cls(columns, values.mean(axis=0), resampled_column_means(values, seed, resamples), len(values))

    def share(self, effort: Effort, unit: Unit, arm: Arm) -> Estimate:
        """Return what an arm earns as share of the oracle."""
        return self._ratio(self._column(effort, unit, arm), self._column(effort, unit, Arm.ORACLE))

    def advantage(self, effort: Effort, unit: Unit, better: Arm, worse: Arm) -> Estimate:
        """Return how much more `better` earns than `worse`, as share of the oracle."""
        ours, theirs = self._column(effort, unit, better), self._column(effort, unit, worse)
        oracle = self._column(effort, unit, Arm.ORACLE)
        return self._ratio((ours[0] - theirs[0], ours[1] - theirs[1]), oracle)

    def mean(self, effort: Effort, unit: Unit, arm: Arm) -> float:
        """Return what an arm earns with a customer."""
        return self._column(effort, unit, arm)[0]

    def _column(self, effort: Effort, unit: Unit, arm: Arm) -> tuple[float, Floats]:
        place = self.columns[effort, unit, arm]
        return float(self.means[place]), self.draws[:, place]

    def _ratio(self, above: tuple[float, Floats], below: tuple[float, Floats]) -> Estimate:
        if not below[0] > 0:
            return Estimate(np.nan, lacks=NO_REWARD, customers=self.customers)
        if not len(self.draws):
            return Estimate(above[0] / below[0], lacks=NO_RESAMPLES, customers=self.customers)
        drawn = above[1][below[1] > 0] / below[1][below[1] > 0]
        return Estimate(above[0] / below[0], *percentiles(drawn), customers=self.customers)
