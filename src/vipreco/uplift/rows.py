"""Customers of a randomised design: what was known, who was treated by lot, what came of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import UsageError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class RandomisedRows:
    """Rows of a randomised design.

    Args:
        customer_ids: Text, shape (n,); a customer with several rows stays on one side of every split.
        values: What was known before the treatment, float32, shape (n, k).
        treated: Whether the row was treated, shape (n,).
        outcome: Whether the outcome happened, shape (n,).
        probability: Chance of the treatment by the design, between 0 and 1, shape (n,).
    """

    customer_ids: NDArray[Any]
    values: NDArray[np.float32]
    treated: Mask
    outcome: Mask
    probability: Floats

    def __post_init__(self) -> None:
        if not np.all((self.probability > 0) & (self.probability < 1)):
            raise UsageError(
                "a row was treated for certain, or never: it cannot be compared",
                where="probability",
                remedy="leave out rows that were not randomised",
                code="no-overlap",
            )

    def __len__(self) -> int:
        return len(self.customer_ids)

    def take(self, rows: Mask | NDArray[np.int64]) -> RandomisedRows:
        """Return the chosen rows."""
        return RandomisedRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def ordered(self) -> RandomisedRows:
        """Return the rows in an order that depends on their content alone."""
        keys = [self.outcome, self.treated, self.probability, *self.values.T[::-1]]
        return self.take(np.lexsort([*keys, self.customer_ids.astype(np.str_)]))

    def shuffled(self, seed: int) -> RandomisedRows:
        """Return the rows with treatments drawn anew: a placebo that did nothing to anybody."""
        drawn = np.random.default_rng(seed).random(len(self)) < self.probability
        return replace(self, treated=drawn)

    @property
    def weights(self) -> NDArray[np.float32]:
        """Return weights that balance the arms where the chance of a treatment differs; mean 1."""
        share = self.treated.mean()
        weights = np.where(self.treated, share / self.probability, (1 - share) / (1 - self.probability))
        return np.asarray(weights, np.float32)

    @property
    def enough(self) -> bool:
        """Return True when both arms have both outcomes: without it there is nothing to learn."""
        cells = 2 * self.treated.astype(np.int64) + self.outcome
        return len(np.unique(cells)) == 4
