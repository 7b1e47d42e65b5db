"""From a history to labelled rows: views, features, labels, sampled and stacked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.catalog import Catalog
from vipreco.collaborative import HoldingState, holding_state
from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.errors import InputRejectedError
from vipreco.features import ComputedFeatures, FeatureSet, Vocabulary
from vipreco.folds import customer_folds
from vipreco.history import History, Labels, View
from vipreco.propensity import LabelledRows, stack
from vipreco.recommender.settings import RecommenderSettings

Mask = NDArray[np.bool_]
SAMPLING_PARTS = 1_000_003  # a prime, so that the sample is independent of folds by the same hash


@dataclass(frozen=True)
class Panel:
    """Labelled as-of dates of a history.

    Args:
        history: Where features and labels come from.
        as_of: As-of dates, oldest first.
        customers: Only these customers; None for all.
    """

    history: History
    as_of: tuple[date, ...]
    customers: pa.Array | None = None

    def views(self) -> list[View]:
        """Return the view of each as-of date."""
        views: list[View] = [self.history.as_of(day) for day in self.as_of]
        return views if self.customers is None else [view.of(self.customers) for view in views]


@dataclass(frozen=True)
class Gatherer:
    """Turns panels into rows with the same products, columns and seed.

    Args:
        features: Feature definitions.
        vocabulary: Columns and categories of the fit.
        product_ids: Products of the fit.
        kept: Positions of the columns that the boosters see.
        settings: Horizon, chunk size, largest number of rows.
        seed: The project's seed.
    """

    features: FeatureSet
    vocabulary: Vocabulary
    product_ids: tuple[str, ...]
    kept: NDArray[np.int64]
    settings: RecommenderSettings
    seed: int

    def rows(self, panel: Panel) -> LabelledRows:
        """Return all acquirers of a panel and a weighted sample of its other observed customers.

        Raises:
            InputRejectedError: No acquisition is known in any of the label windows.
        """
        limit = self.settings.propensity.max_rate_rows // len(panel.as_of)
        rows = stack([self._rows_of(view, panel.history, limit) for view in panel.views()])
        if not rows.acquired.any():
            raise InputRejectedError(
                "no acquisition is known within the horizon of the as-of dates",
                where=", ".join(str(day) for day in panel.as_of),
                remedy="import holdings and customer snapshots that reach to the end of the label window",
                code="no-labels",
            )
        return rows

    def features_of(self, view: View) -> ComputedFeatures:
        """Return the features of a view in the columns of the fit."""
        return self.features.compute(view, self.product_ids).encoded(self.vocabulary)

    def _rows_of(self, view: View, history: History, limit: int) -> LabelledRows:
        horizon = history.label_window(view.date, self.settings.horizon_months, self.settings.gap_months)
        labels = history.acquisitions(*horizon)
        computed, state = self.features_of(view), holding_state(view, self.product_ids)
        acquired = label_matrix(computed.customer_ids, self.product_ids, labels)
        weights = self._weights(computed.customer_ids, labels, np.asarray(acquired.any(axis=1)), limit)
        indices = np.flatnonzero(weights)
        return LabelledRows(
            computed.customer_ids[indices].astype(object),
            self.dense(computed, indices),
            acquired[indices],
            could_acquire(view, state)[indices],
            np.full(len(indices), np.datetime64(view.date, "D")),
            weights[indices],
        )

    def dense(self, computed: ComputedFeatures, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the booster columns of the customers in `indices` (ascending), chunk by chunk."""
        values = np.empty((len(indices), len(self.kept)), np.float32)
        size = self.settings.chunk_customers
        for start in range(0, len(computed), size):
            first, last = np.searchsorted(indices, [start, start + size])
            if first < last:
                chunk = computed.matrix(start, start + size).values
                values[first:last] = chunk[np.ix_(indices[first:last] - start, self.kept)]
        return values

    def _weights(
        self, customer_ids: NDArray[Any], labels: Labels, acquirers: Mask, limit: int
    ) -> NDArray[np.float32]:
        """Return how many customers each one stands for: 0 = not sampled or not observed, shape (n,)."""
        observed = is_in(customer_ids, labels.observed)
        others = observed & ~acquirers
        room = max(limit - int((observed & acquirers).sum()), 1)
        rate = min(1.0, room / max(int(others.sum()), 1))
        lottery = customer_folds(customer_ids, SAMPLING_PARTS, self.seed)
        sampled = others & (lottery < rate * SAMPLING_PARTS)
        weights = np.where(observed & acquirers, 1.0, 0.0)
        weights[sampled] = others.sum() / max(int(sampled.sum()), 1)
        return weights.astype(np.float32)


def kept_columns(names: tuple[str, ...], leave_out: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the positions of the columns that no pattern of `leave_out` names."""
    features = [name.partition("@")[0] for name in names]
    return np.array(
        [
            position
            for position, feature in enumerate(features)
            if not any(fnmatchcase(feature, pattern) for pattern in leave_out)
        ],
        np.int64,
    )


def could_acquire(view: View, state: HoldingState) -> Mask:
    """Return which pairs could become an acquisition: not held, or repeatable; shape (n, P)."""
    catalog = Catalog.from_view(view)
    repeatable = {
        product for product, again in zip(catalog.product_ids, catalog.repeatable, strict=True) if again
    }
    return np.asarray(~state.held | np.array([product in repeatable for product in state.product_ids], bool))


def label_matrix(customer_ids: NDArray[Any], product_ids: tuple[str, ...], labels: Labels) -> Mask:
    """Return which of the customers (sorted ids) acquired which product, shape (n, P)."""
    acquired = np.zeros((len(customer_ids), len(product_ids)), bool)
    pairs = labels.acquired
    rows = place_of(customer_ids, pairs[CUSTOMER_ID])
    order = np.argsort(np.array(product_ids))
    columns = place_of(np.array(product_ids)[order], pairs[PRODUCT_ID])
    known = (rows >= 0) & (columns >= 0)
    acquired[rows[known], order[columns[known]]] = True
    return acquired


def is_in(customer_ids: NDArray[Any], wanted: pa.Array | pa.ChunkedArray) -> Mask:
    """Return which of the ids (sorted) are among `wanted`, shape (n,)."""
    found = np.zeros(len(customer_ids), bool)
    indices = place_of(customer_ids, wanted)
    found[indices[indices >= 0]] = True
    return found


def place_of(sorted_ids: NDArray[Any], wanted: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the place of each wanted id in `sorted_ids`, -1 where it is not there."""
    values = np.asarray(wanted.to_pylist(), np.str_)  # as wide as its longest: a cut id would be another's
    if len(sorted_ids) == 0 or len(values) == 0:
        return np.full(len(values), -1)
    indices = np.minimum(np.searchsorted(sorted_ids, values), len(sorted_ids) - 1)
    return np.where(sorted_ids[indices] == values, indices, -1)
