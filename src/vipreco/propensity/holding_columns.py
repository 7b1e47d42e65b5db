"""Columns that say what a customer holds and held, among the booster's columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import HoldingState
from vipreco.propensity.booster import Scores, Values
from vipreco.propensity.calibration import Mask

HELD = "held_lag_0"
BEFORE = (("held_before",), ("held_lag_1", "held_lag_2", "held_lag_3", "held_lag_4"))
"""What says "held before, not now": the first of these whose columns a recipe has."""
SINCE_LEFT = ("months_since_left", "snapshots_since_dropped")
NEVER = 1e9


@dataclass(frozen=True)
class HoldingColumns:
    """Positions of the columns about holdings, a row a product.

    Args:
        held: Of "held now", shape (P,).
        before: Of what says "held before", shape (P, columns).
        since_left: Of the months since it was closed, shape (P,); None where a recipe leaves them out.
        product_ids: The products.
    """

    held: NDArray[np.int64]
    before: NDArray[np.int64]
    since_left: NDArray[np.int64] | None
    product_ids: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], product_ids: tuple[str, ...]) -> HoldingColumns | None:
        """Find the columns; None where a recipe leaves out what is held, or all that was."""
        place = {name: position for position, name in enumerate(names)}

        def found(features: Sequence[str]) -> NDArray[np.int64] | None:
            wanted = [[f"{feature}@{product}" for feature in features] for product in product_ids]
            if any(name not in place for row in wanted for name in row):
                return None
            return np.array([[place[name] for name in row] for row in wanted], np.int64)

        held = found([HELD])
        before = next((one for one in map(found, BEFORE) if one is not None), None)
        if held is None or before is None or not product_ids:
            return None
        left = next((one for one in (found([feature]) for feature in SINCE_LEFT) if one is not None), None)
        return cls(held[:, 0], before, None if left is None else left[:, 0], product_ids)

    def now(self, values: Values) -> Mask:
        """Return what is held, shape (n, P)."""
        return np.asarray(values[:, self.held] > 0)

    def former(self, values: Values) -> Mask:
        """Return what was held before and is not now, shape (n, P)."""
        return np.asarray((values[:, self.before] > 0).any(axis=2) & ~self.now(values))

    def months_since_left(self, values: Values) -> Scores:
        """Return how long ago each was closed, shape (n, P); very long where it is not known."""
        if self.since_left is None:
            return np.full((len(values), len(self.held)), NEVER)
        return np.nan_to_num(values[:, self.since_left].astype(np.float64), nan=NEVER)

    def ever(self, values: Values) -> HoldingState:
        """Return everything that customers ever held, as the basket."""
        held = self.now(values) | self.former(values)
        return HoldingState(held, np.zeros_like(held), np.zeros(len(held), np.int32), self.product_ids)
