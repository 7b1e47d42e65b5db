"""Early stopping: boosters get no more trees once customers whom they have not seen gain nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vipreco.folds import customer_folds
from vipreco.propensity import Booster, BoosterSettings, Machine, lightgbm
from vipreco.uplift.settings import UpliftSettings

Objective = Literal["binary", "regression"]


@dataclass(frozen=True)
class BoosterData:
    """Data of a booster, in an order of its own.

    Args:
        values: Shape (n, k).
        labels: An outcome or a difference, shape (n,).
        weights: Shape (n,).
        unseen: Rows that only say when to stop, shape (n,).
    """

    values: NDArray[np.float32]
    labels: NDArray[Any]
    weights: NDArray[np.float32]
    unseen: NDArray[np.bool_]

    def take(self, rows: NDArray[np.bool_]) -> BoosterData:
        """Return the chosen rows."""
        return BoosterData(self.values[rows], self.labels[rows], self.weights[rows], self.unseen[rows])


def stopping_rows(customer_ids: NDArray[Any], settings: UpliftSettings, seed: int) -> NDArray[np.bool_]:
    """Return the customers that say when to stop, shape (n,): a group by the hash of the id."""
    stops: NDArray[np.bool_] = customer_folds(customer_ids, settings.stopping_folds, seed) == 0
    return stops


def train_booster(
    rows: BoosterData,
    names: tuple[str, ...],
    booster: BoosterSettings,
    patience: int,
    machine: Machine,
    objective: Objective = "binary",
) -> Booster:
    """Find the number of trees on unseen rows, then grow so many on all of them.

    Args:
        rows: Rows of the training part alone.
        names: Columns.
        booster: How it grows; `rounds` is the highest number of trees.
        patience: Trees without a gain before it stops.
        machine: Seed and threads.
        objective: `binary` for an outcome, `regression` for a difference.
    """
    parameters = {**booster.parameters(machine.seed, machine.threads), "objective": objective}
    rounds = _rounds(rows, parameters, booster.rounds, patience)
    model = lightgbm.train(parameters, _data(rows, parameters), rounds)
    return Booster(names, 1, model, machine.threads)


def _rounds(rows: BoosterData, parameters: dict[str, Any], most: int, patience: int) -> int:
    seen, unseen = rows.take(~rows.unseen), rows.take(rows.unseen)
    if not _varies(seen) or not _varies(unseen):
        return 1
    data = _data(seen, parameters)
    judged = lightgbm.Dataset(unseen.values, unseen.labels, weight=unseen.weights, reference=data)
    stop = lightgbm.early_stopping(patience, first_metric_only=True, verbose=False)
    found = lightgbm.train(parameters, data, most, valid_sets=[judged], callbacks=[stop])
    return max(found.best_iteration, 1)


def _varies(rows: BoosterData) -> bool:
    return len(rows.labels) > 1 and bool(np.any(rows.labels != rows.labels[0]))


def _data(rows: BoosterData, parameters: dict[str, Any]) -> lightgbm.Dataset:
    columns = [f"f{number}" for number in range(rows.values.shape[1])]
    return lightgbm.Dataset(
        rows.values, rows.labels, weight=rows.weights, feature_name=columns, params=parameters
    )
