"""Start of the trees of a change: its chance by the distance to a tier's line alone.

Near a line the chance falls so fast, and so smoothly, with the distance that steps of trees need far more
cases than a bank has. A logistic line takes that part; the trees learn what it leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vipreco.stats import expit, logit

Floats = NDArray[np.float64]

NEAREST: Final = 0.02
FARTHEST: Final = 4.0
RIDGE: Final = 1e-3
TERMS: Final = 3


@dataclass(frozen=True)
class LineStart:
    """A fitted logistic line over a distance in logarithms.

    Args:
        weights: Of 1, the distance, and its logarithm; shape (3,).
        centre: Mean log-odds over the fitted rows; also those of an unknown distance.
    """

    weights: Floats
    centre: float

    def __post_init__(self) -> None:
        if self.weights.shape != (TERMS,):
            raise ValueError(f"a line over the distance has {TERMS} weights, not {self.weights.shape}")

    @classmethod
    def fit(cls, distance: NDArray[np.float32], happened: NDArray[np.bool_], weights: Floats) -> LineStart:
        """Fit by maximum likelihood on the weighted rows (n,) whose distance is known (not NaN)."""
        known = ~np.isnan(distance) & (weights > 0)
        if not known.any():
            return cls(np.zeros(TERMS), _log_odds(float(weights @ happened / weights.sum())))
        terms, share, truth = _terms(distance[known]), weights[known] / weights[known].sum(), happened[known]

        def loss(theta: Floats) -> tuple[float, Floats]:
            line = terms @ theta
            value = float(share @ (np.logaddexp(0, line) - truth * line)) + RIDGE * float(theta @ theta)
            return value, terms.T @ (share * (expit(line) - truth)) + 2 * RIDGE * theta

        start = np.zeros(terms.shape[1])
        from scipy.optimize import minimize  # noqa: PLC0415 - to fit alone, not to answer

        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-12})
        theta = np.asarray(found.x, np.float64)
        return cls(theta, float(share @ (terms @ theta)))

    def logits(self, distance: NDArray[np.float32]) -> Floats:
        """Return the log-odds of the change by the distance, shape (n,)."""
        unknown = np.isnan(distance)
        terms = _terms(np.where(unknown, 0.0, distance))
        # Term by term, not as a product of matrices, whose last bits depend on how many customers there are.
        line = self.weights[0] * terms[:, 0] + self.weights[1] * terms[:, 1] + self.weights[2] * terms[:, 2]
        return np.where(unknown, self.centre, line)


def _terms(distance: NDArray[np.floating[Any]]) -> Floats:
    near = np.clip(distance.astype(np.float64), -1.0, FARTHEST)
    return np.column_stack([np.ones(len(near)), near, np.log(np.maximum(near, 0.0) + NEAREST)])


def _log_odds(rate: float) -> float:
    return float(logit(np.clip(rate, 1e-6, 1 - 1e-6)))
