"""Look-alikes: who ever held what, told from the customer's own columns by one ridge regression a product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from vipreco.propensity.booster import Scores, Values
from vipreco.propensity.calibration import Mask

KNOTS = 10
"""Columns are read as tenths: amounts of very different size, and counts, then weigh alike."""


@dataclass(frozen=True)
class LookAlikes:
    """Linear scores over the ranks of customer columns.

    Args:
        columns: Positions of the k columns, shape (k,).
        knots: Quantiles of each, shape (k, KNOTS).
        centre: Mean rank of each, shape (k,).
        weights: What a rank above the mean adds to the score of each product, shape (k, P).
    """

    columns: NDArray[np.int64]
    knots: NDArray[np.float32]
    centre: Scores
    weights: Scores

    @classmethod
    def fit(
        cls,
        values: Values,
        held: Mask,
        weights: NDArray[np.float32],
        columns: NDArray[np.int64],
        ridge: float,
    ) -> LookAlikes:
        """Fit on what customers ever held; no label is seen.

        Args:
            values: Booster columns of customers, shape (n, columns).
            held: What they ever held, shape (n, P).
            weights: How many customers each stands for, shape (n,).
            columns: Positions of the columns that may say something.
            ridge: Penalty on the weights of standardised ranks, for each customer.
        """
        share = weights.astype(np.float64) / max(float(weights.sum()), 1.0)
        knots = np.array([_knots(values[:, column]) for column in columns], np.float32).reshape(-1, KNOTS)
        ranks = _ranks(values, columns, knots)
        known = np.isfinite(ranks)
        counted = np.maximum(share @ known, 1e-12)
        centre = (share @ np.where(known, ranks, 0.0)) / counted
        away = np.where(known, ranks - centre, 0.0)
        scale = np.sqrt(share @ away**2)
        kept = scale > 1e-6
        standard = away[:, kept] / scale[kept]
        with threadpool_limits(1):
            weighted = standard * share[:, None]
            gram = weighted.T @ standard + ridge * np.eye(standard.shape[1])
            found = np.linalg.solve(gram, weighted.T @ (held - share @ held))
        return cls(columns[kept], knots[kept], centre[kept], found / scale[kept][:, None])

    def score(self, values: Values) -> Scores:
        """Return how much a customer looks like those who ever held each product, shape (n, P).

        Column by column and not as a product of matrices, whose rounding depends on who else is scored.
        """
        away = np.nan_to_num(_ranks(values, self.columns, self.knots) - self.centre)
        scores = np.zeros((len(values), self.weights.shape[1]))
        for place, weights in enumerate(self.weights):
            scores += away[:, [place]] * weights
        return scores


def look_alike_columns(
    names: Sequence[str], categories: Sequence[str], leave_out: Sequence[str]
) -> NDArray[np.int64]:
    """Return the positions of the customer-grain numbers that no pattern of `leave_out` names."""
    return np.array(
        [
            position
            for position, name in enumerate(names)
            if "@" not in name
            and name not in categories
            and not any(fnmatchcase(name, pattern) for pattern in leave_out)
        ],
        np.int64,
    )


def _knots(column: NDArray[np.float32]) -> NDArray[np.float32]:
    known = column[np.isfinite(column)]
    if not len(known):
        return np.zeros(KNOTS, np.float32)
    inner = (np.arange(KNOTS) + 0.5) / KNOTS
    return np.asarray(np.quantile(known, inner, method="inverted_cdf"), np.float32)


def _ranks(values: Values, columns: NDArray[np.int64], knots: NDArray[np.float32]) -> Scores:
    """Return the mid-rank of each value among the knots, 0 to 1, NaN where it is missing, shape (n, k)."""
    own = values[:, columns]
    passed = np.zeros(own.shape, np.uint8)
    for marks in knots.T:
        passed += own > marks
        passed += own >= marks
    return np.where(np.isnan(own), np.nan, passed / (2 * KNOTS))
