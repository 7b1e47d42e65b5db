"""Labels as arrays: who acquired what, who could, and where ids stand."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.catalog import Catalog
from vipreco.collaborative import HoldingState
from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.history import Labels, View

Mask = NDArray[np.bool_]


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
