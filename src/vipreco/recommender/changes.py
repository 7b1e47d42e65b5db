"""From a history to rows that teach attrition and tier upgrade, and the models fitted on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID
from vipreco.features import FeatureSet, Vocabulary
from vipreco.folds import customer_folds
from vipreco.history import History, RelationshipLabels, View, label_windows
from vipreco.propensity import CHANGES, CLOSURE, TIER_UPGRADE, ChangeRows, Machine, RelationshipModel
from vipreco.recommender.labelled_rows import SAMPLING_PARTS, Panel, kept_columns, place_of
from vipreco.recommender.settings import RecommenderSettings

LOST_SHARE = "lost_share"


@dataclass(frozen=True)
class ChangeGatherer:
    """Turns dates of a history into rows with the same columns and seed.

    Args:
        features: Feature definitions, with the bank's ladder of tiers.
        vocabulary: Columns and categories of the fit.
        kept: Positions, among the customer-grain columns, of those that the boosters see.
        settings: The recipe's.
        seed: The project's seed.
    """

    features: FeatureSet
    vocabulary: Vocabulary
    kept: NDArray[np.int64]
    settings: RecommenderSettings
    seed: int

    @classmethod
    def of(
        cls, features: FeatureSet, vocabulary: Vocabulary, settings: RecommenderSettings, seed: int
    ) -> ChangeGatherer:
        """Return a gatherer of all columns but those that the recipe leaves out."""
        left_out = (*settings.leave_out, *settings.relationship.leave_out)
        return cls(features, vocabulary, kept_columns(vocabulary.names, left_out), settings, seed)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that the boosters see."""
        return tuple(self.vocabulary.names[place] for place in self.kept)

    def rows(self, panel: Panel) -> ChangeRows:
        """Return the rows of a panel's as-of dates.

        All VIP customers and all who rose are taken; of the others a weighted sample, where there are many.
        """
        limit = self.settings.relationship.max_rows // self.settings.relationship.dates
        return ChangeRows.stack([self._rows_of(view, panel.history, limit) for view in panel.views()])

    def _rows_of(self, view: View, history: History, limit: int) -> ChangeRows:
        labels = self.labels(history, view)
        changes = labels.changes
        ids = np.asarray(changes[CUSTOMER_ID].to_pylist(), np.str_)
        wanted = place_of(ids, view.population()[CUSTOMER_ID])
        weights = self._weights(ids, changes, limit)
        chosen = np.sort(wanted[(wanted >= 0) & (weights[wanted] > 0)])
        return ChangeRows(
            ids[chosen].astype(object),
            self.values(view.of(pa.array(ids[chosen].tolist(), pa.string()))),
            np.column_stack([_true(changes[change]) for change in CHANGES])[chosen],
            np.column_stack([_known(changes[change]) for change in CHANGES])[chosen],
            weights[chosen],
            CHANGES,
            changes[LOST_SHARE].to_numpy()[chosen].astype(np.float32),
        )

    def labels(self, history: History, view: View) -> RelationshipLabels:
        """Return what became of the customers of a view within the horizon."""
        _, until = history.label_window(view.date, self.settings.relationship_horizon_months)
        return history.relationship_changes(view.date, until, self.features.ladder)

    def values(self, view: View) -> NDArray[np.float32]:
        """Return the columns that the boosters see, for all customers of a view, shape (n, k)."""
        computed = self.features.compute(view, ()).encoded(self.vocabulary)
        return np.ascontiguousarray(computed.customer_values[:, self.kept])

    def _weights(self, ids: NDArray[Any], changes: pa.Table, limit: int) -> NDArray[np.float32]:
        """Return how many customers each one stands for: 0 = not sampled or nothing known, shape (n,)."""
        always = _known(changes[CLOSURE]) | _true(changes[TIER_UPGRADE])
        others = _known(changes[TIER_UPGRADE]) & ~always
        rate = min(1.0, max(limit - int(always.sum()), 1) / max(int(others.sum()), 1))
        sampled = others & (customer_folds(ids, SAMPLING_PARTS, self.seed) < rate * SAMPLING_PARTS)
        weights = np.where(always, 1.0, 0.0)
        weights[sampled] = others.sum() / max(int(sampled.sum()), 1)
        return weights.astype(np.float32)


def fit_relationship(gatherer: ChangeGatherer, panel: Panel, machine: Machine) -> RelationshipModel | None:
    """Fit the models of attrition and tier upgrades on a panel; None where neither change can be learnt."""
    settings = gatherer.settings.relationship
    model = RelationshipModel.fit(gatherer.rows(panel), gatherer.names, settings, machine)
    return model if model.models else None


def change_dates(
    settings: RecommenderSettings, snapshot_dates: Sequence[date], until: date
) -> tuple[date, ...]:
    """Return the newest of the `labelled_dates` that are learnt from, oldest first."""
    return labelled_dates(settings, snapshot_dates, until)[-settings.relationship.dates :]


def labelled_dates(
    settings: RecommenderSettings, snapshot_dates: Sequence[date], until: date
) -> tuple[date, ...]:
    """Return the as-of dates whose relationship labels are complete at `until`, oldest first.

    Args:
        settings: Horizon.
        snapshot_dates: The bank's snapshots.
        until: Last date that may be known; nothing beyond it is learnt from.
    """
    days = [day for day in snapshot_dates if day <= until]
    windows = label_windows(days, settings.relationship_horizon_months)
    return tuple(day for day, (_, end) in windows.items() if end <= until)


def _true(flags: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(flags, False).to_numpy(), bool)


def _known(flags: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.is_valid(flags).to_numpy(), bool)
