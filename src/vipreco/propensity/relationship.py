"""P(attrition) of VIP customers and P(tier upgrade) of all: two calibrated boosters over customer columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from vipreco.folds import customer_folds
from vipreco.propensity.booster import Booster, Examples, Machine, Scores, Values
from vipreco.propensity.calibration import Calibration, Mask
from vipreco.propensity.line_start import LineStart
from vipreco.propensity.settings import RelationshipSettings

ATTRITION: Final = "attrition"
TIER_UPGRADE: Final = "tier_upgrade"
CHANGES: Final = (ATTRITION, TIER_UPGRADE)
"""The changes of a relationship that are predicted; the columns of `ChangeRows`, in this order."""

DISTANCES: Final = {ATTRITION: "own_line_log", TIER_UPGRADE: "next_line_log"}
"""Feature from which each change starts: how far the assets are from the line that it crosses."""


@dataclass(frozen=True)
class ChangeRows:
    """Customers at as-of dates with what became of them within the horizon.

    Args:
        customer_ids: Shape (n,).
        values: Customer-grain columns, float32, shape (n, columns).
        happened: Whether each of `CHANGES` happened, shape (n, 2).
        known: Whether that is known and can happen at all; only VIP customers can leave, shape (n, 2).
        weights: How many customers the row stands for, shape (n,).
    """

    customer_ids: NDArray[Any]
    values: Values
    happened: Mask
    known: Mask
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.customer_ids)

    def take(self, rows: Mask) -> ChangeRows:
        """Return the chosen rows."""
        return ChangeRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def stack(cls, parts: Sequence[ChangeRows]) -> ChangeRows:
        """Put the rows of several dates under one another."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True)
class ChangeModel:
    """A fitted, calibrated model of one change.

    Args:
        start: The chance by the distance to a line alone.
        distance: Position of that distance among the booster's columns; None where the recipe leaves it out.
        booster: What the other customer-grain columns change of it.
        calibration: From raw to calibrated probabilities, of a single column.
    """

    start: LineStart
    distance: int | None
    booster: Booster
    calibration: Calibration

    @property
    def positives(self) -> int:
        """Number of times that the change happened in the rows that it learnt from."""
        return int(self.calibration.positives[0])

    def probabilities(self, values: Values) -> Scores:
        """Return the calibrated probability of the change, shape (n,)."""
        raw = expit(self.start.logits(distances(values, self.distance)) + self.booster.raw(values))
        return self.calibration.apply(raw[:, None])[:, 0]

    def contributions(self, values: Values) -> Scores:
        """Return what each column adds to the log-odds, against the mean customer, shape (n, k)."""
        added = self.booster.contributions(values)
        if self.distance is not None:
            added[:, self.distance] += self.start.logits(values[:, self.distance]) - self.start.centre
        return added


@dataclass(frozen=True)
class RelationshipModel:
    """Models of attrition (VIP customers) and of tier upgrades (all) within the horizon.

    Args:
        names: Columns that it sees, shape (k,).
        columns: Their positions among the columns that it is given, shape (k,).
        attrition: None where the history shows too few who left or stayed.
        tier_upgrade: None where it shows too few who rose.
    """

    names: tuple[str, ...]
    columns: NDArray[np.int64]
    attrition: ChangeModel | None
    tier_upgrade: ChangeModel | None

    @classmethod
    def fit(
        cls, rows: ChangeRows, names: tuple[str, ...], settings: RelationshipSettings, machine: Machine
    ) -> RelationshipModel:
        """Fit both models, each on the rows in which its change is known."""
        models = [
            fit_change(rows.take(rows.known[:, place]), place, names, settings, machine)
            for place in range(len(CHANGES))
        ]
        return cls(names, np.arange(len(names)), *models)

    def among(self, names: tuple[str, ...]) -> RelationshipModel:
        """Return the model for values whose columns are `names`, which hold its own."""
        return replace(self, columns=np.array([names.index(name) for name in self.names], np.int64))

    def model(self, change: str) -> ChangeModel | None:
        """Return the model of `attrition` or `tier_upgrade`."""
        return {ATTRITION: self.attrition, TIER_UPGRADE: self.tier_upgrade}[change]

    def probabilities(self, change: str, values: Values, rows: Mask) -> Scores:
        """Return P(change) of the chosen customers, shape (n,); NaN for the others, or without a model.

        Args:
            change: `attrition` or `tier_upgrade`.
            values: Shape (n, columns), with its own columns at `columns`.
            rows: For whom it is asked, shape (n,).
        """
        found, model = np.full(len(values), np.nan), self.model(change)
        if model is not None and rows.any():
            found[rows] = model.probabilities(self._seen(values[rows] if not rows.all() else values))
        return found

    def contributions(self, change: str, values: Values) -> Scores:
        """Return what each column adds to the raw score of a change, shape (n, k); 0 without a model."""
        model, seen = self.model(change), self._seen(values)
        return model.contributions(seen) if model else np.zeros(seen.shape)

    def _seen(self, values: Values) -> Values:
        return np.ascontiguousarray(values[:, self.columns])


def fit_change(
    rows: ChangeRows,
    place: int,
    names: tuple[str, ...],
    settings: RelationshipSettings,
    machine: Machine,
) -> ChangeModel | None:
    """Fit one change and calibrate it on folds of customers; None with too little to learn from."""
    happened = rows.happened[:, place]
    if min(int(happened.sum()), int((~happened).sum())) < settings.min_cases:
        return None
    trainer = _ChangeTrainer(place, names, settings, machine)
    raw = _unseen(rows, happened, settings.calibration_folds, trainer)
    everyone = np.ones((len(rows), 1), bool)
    deviations = (settings.intercept_deviation, settings.slope_deviation)
    weights = rows.weights.astype(np.float64)
    calibration = Calibration.fit(raw[:, None], happened[:, None], everyone, weights, deviations)
    return replace(trainer.fit(rows, happened), calibration=calibration)


def distances(values: Values, column: int | None) -> NDArray[np.float32]:
    """Return the distance to the line, shape (n,); unknown where there is no such column."""
    return np.full(len(values), np.nan, np.float32) if column is None else values[:, column]


@dataclass(frozen=True)
class _ChangeTrainer:
    place: int
    names: tuple[str, ...]
    settings: RelationshipSettings
    machine: Machine

    def fit(self, rows: ChangeRows, happened: Mask) -> ChangeModel:
        name = DISTANCES[CHANGES[self.place]]
        column = self.names.index(name) if name in self.names else None
        distance = distances(rows.values, column)
        start = LineStart.fit(distance, happened, rows.weights.astype(np.float64))
        examples = Examples(rows.values, happened, rows.weights, start.logits(distance))
        settings = (self.settings.attrition, self.settings.tier_upgrade)[self.place]
        booster = Booster.fit(examples, self.names, settings, self.machine)
        return ChangeModel(start, column, booster, Calibration.identity(1))


def _unseen(rows: ChangeRows, happened: Mask, count: int, trainer: _ChangeTrainer) -> Scores:
    """Score each fold of customers by a model of the others, shape (n,).

    Windows of neighbouring dates overlap: only another customer is truly unseen.
    """
    folds, raw = customer_folds(rows.customer_ids, count, trainer.machine.seed), np.empty(len(rows))
    for fold in range(count):
        unseen = folds == fold
        model = trainer.fit(rows.take(~unseen), happened[~unseen])
        raw[unseen] = model.probabilities(rows.values[unseen])
    return raw
