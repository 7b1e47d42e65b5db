"""As-of dates with what happened after them, for checks that look at both sides of a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.assurance.own_columns import Reading
from vipreco.catalog import Catalog
from vipreco.columns import CUSTOMER_ID
from vipreco.folds import customer_folds, drawn_customers
from vipreco.history import History, View, add_months, label_windows
from vipreco.recommender import RecommenderSettings, is_in, label_matrix
from vipreco.settings import TierLadder

Flags = NDArray[np.bool_]
ANY, OF_PRODUCT = "any acquisition", "acquisition of "
ATTRITION, TIER_UPGRADE = "attrition", "tier upgrade"
HOLDERS: Final = f"SELECT DISTINCT {CUSTOMER_ID} FROM holdings WHERE closed_date IS NULL"
MAX_MONTHS: Final = 3
"""Newest as-of dates that are looked at: what a delivery knows, it knows at all of them."""


@dataclass(frozen=True)
class Draw:
    """Customers who are looked at, the same ones at all dates.

    Args:
        seed: Of the lottery, and of the two halves.
        share: Of all customers.
    """

    seed: int
    share: float = 1.0

    def of(self, view: View) -> View:
        """Return a view of those who are drawn."""
        if self.share >= 1.0:
            return view
        return view.of(drawn_customers(view.population()[CUSTOMER_ID], self.share, self.seed))


@dataclass(frozen=True)
class LabelMonth:
    """The customers of an as-of date, and what came of them.

    Args:
        reading: Columns as known at the date.
        second: Which half of the customers, shape (n,).
        holding: Who holds a product at the date, shape (n,).
        observed: Whose label is known, shape (n,).
        happened: By kind of acquisition, to whom it happened in the window, shape (n,).
        changes: By kind of change, of whom it is known, and to whom it happened.
        next_observed: Whose label of the following window is known; False where that is not over.
        next_happened: The same outcomes in the following window; None where that is not over.
        first: The columns as first delivered; None where nothing was corrected.
        after: The columns at the next snapshot; None where there is none.
    """

    reading: Reading
    second: Flags
    holding: Flags
    observed: Flags
    happened: Mapping[str, Flags]
    changes: Mapping[str, tuple[Flags, Flags]]
    next_observed: Flags
    next_happened: Mapping[str, Flags] | None
    first: Reading | None
    after: Reading | None


def label_months(
    history: History, days: Sequence[date], windows: RecommenderSettings, ladder: TierLadder, draw: Draw
) -> list[LabelMonth]:
    """Return the newest of these as-of dates, and the one before where it is the only one, ascending."""
    labelled = list(label_windows(history.snapshot_dates, windows.horizon_months, windows.gap_months))
    chosen = sorted(day for day in days if day in labelled)[-MAX_MONTHS:]
    if len(chosen) == 1:  # of the newest date alone nobody knows how the next window ended
        chosen = [*[day for day in labelled if day < chosen[0]][-1:], *chosen]
    return [_month(history, day, windows, ladder, draw) for day in chosen]


def _month(
    history: History, day: date, windows: RecommenderSettings, ladder: TierLadder, draw: Draw
) -> LabelMonth:
    view = draw.of(history.as_of(day))
    reading = Reading.of_view(view)
    products = tuple(Catalog.from_view(view).product_ids)
    observed, happened = _acquisitions(history, reading, products, day, windows)
    later = add_months(day, windows.horizon_months)
    dates = history.snapshot_dates
    following = label_windows(dates, windows.horizon_months, windows.gap_months)
    next_observed, next_happened = np.zeros(len(observed), bool), None
    if later in following:
        next_observed, next_happened = _acquisitions(history, reading, products, later, windows)
    first = history.first_delivered(day)
    next_days = [each for each in dates if each > day]
    return LabelMonth(
        reading,
        np.asarray(customer_folds(reading.customer_ids, 2, draw.seed) == 1),
        is_in(reading.customer_ids, view.query(HOLDERS)[CUSTOMER_ID]),
        observed,
        happened,
        _changes(history, view, reading, windows, ladder),
        next_observed,
        next_happened,
        None if first is None else Reading.of_rows(day, first),
        Reading.of_view(draw.of(history.as_of(next_days[0]))) if next_days else None,
    )


def _acquisitions(
    history: History, reading: Reading, products: tuple[str, ...], day: date, windows: RecommenderSettings
) -> tuple[Flags, dict[str, Flags]]:
    """Return whose label of the window of `day` is known, and who acquired anything and which product."""
    span = history.label_window(day, windows.horizon_months, windows.gap_months)
    labels = history.acquisitions(*span)
    matrix = label_matrix(reading.customer_ids, products, labels)
    each = {f"{OF_PRODUCT}{product}": matrix[:, place] for place, product in enumerate(products)}
    return is_in(reading.customer_ids, labels.observed), {ANY: np.asarray(matrix.any(axis=1)), **each}


def _changes(
    history: History, view: View, reading: Reading, windows: RecommenderSettings, ladder: TierLadder
) -> dict[str, tuple[Flags, Flags]]:
    """Return who left or rose within the longer window; nothing where it is not over."""
    until = add_months(view.date, windows.relationship_horizon_months)
    if not ladder.ladder or until <= view.date or until > history.snapshot_dates[-1]:
        return {}
    table = history.relationship_changes(view.date, until, ladder).changes
    places = reading.rows_of(np.asarray(table[CUSTOMER_ID].to_pylist(), np.str_))
    kinds = {ATTRITION: "attrition", TIER_UPGRADE: "tier_upgrade"}
    return {kind: _known_and_true(table[column], places, reading) for kind, column in kinds.items()}


def _known_and_true(
    column: pa.ChunkedArray, places: NDArray[np.intp], reading: Reading
) -> tuple[Flags, Flags]:
    known, happened = np.zeros((2, len(reading.customer_ids)), bool)
    there = places >= 0
    known[places[there]] = pc.is_valid(column).to_numpy()[there]
    happened[places[there]] = pc.fill_null(column, False).to_numpy()[there]
    return known, happened
