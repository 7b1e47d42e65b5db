"""Stored features in parts of customers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.features.computed import Floats, Pairs
from vipreco.features.engine import Ids
from vipreco.features.stored_features import Indices, StoredRows
from vipreco.history import Records

STRIDE: Final = 1 << 32  # of the indices of one part: more than a part has customers


class StoredParts:
    """Features of all customers of a bank: a `StoredRows`, whose indices name the part as well.

    Args:
        records: The rows of the tables from which they were computed.
        day: As-of date of the features.
        place: Number of the part of a customer, or None where nobody of that part is there.
        part: Opens a part.
    """

    def __init__(
        self,
        records: Records,
        day: date,
        place: Callable[[str], int | None],
        part: Callable[[int], StoredRows],
    ) -> None:
        self.records, self.day = records, day
        self._place, self._part = place, part

    def indices(self, customer_ids: Ids) -> Indices:
        """Return the index of each customer; -1 for those outside the population."""
        found = np.full(len(customer_ids), -1, np.intp)
        places = [self._place(customer) for customer in customer_ids.tolist()]
        for part in sorted({place for place in places if place is not None}):
            own = np.array([place == part for place in places])
            rows = self._part(part).indices(customer_ids[own])
            found[own] = np.where(rows >= 0, rows + part * STRIDE, -1)
        return found

    def values_of(self, indices: Indices) -> Floats:
        """Return the customer-grain columns of some customers."""
        blocks = [(own, self._part(part).values_of(indices[own] % STRIDE)) for part, own in _by_part(indices)]
        width = blocks[0][1].shape[1] if blocks else 0
        found = np.empty((len(indices), width), np.float32)
        for own, values in blocks:
            found[own] = values
        return found

    def pairs_of(self, indices: Indices, names: tuple[str, ...]) -> Pairs:
        """Return the pairs of some customers."""
        found = [
            (own, self._part(part).pairs_of(indices[own] % STRIDE, names)) for part, own in _by_part(indices)
        ]
        if len(found) == 1:
            return found[0][1]
        rows = np.concatenate([own[pairs.rows] for own, pairs in found]).astype(np.int32)
        order = np.argsort(rows, kind="stable")
        return Pairs(
            names,
            found[0][1].defaults,
            rows[order],
            np.concatenate([pairs.products for _, pairs in found])[order],
            np.concatenate([pairs.values for _, pairs in found])[order],
        )


def _by_part(indices: Indices) -> list[tuple[int, NDArray[np.intp]]]:
    """Return the number of each part, and the positions of its customers."""
    parts = indices // STRIDE
    return [(int(part), np.flatnonzero(parts == part)) for part in np.unique(parts)]
