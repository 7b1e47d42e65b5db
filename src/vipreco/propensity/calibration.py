"""Probabilities that mean what they say: a common slope, and a correction for each product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.stats import expit, logit

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]

BIN_WIDTH = 0.02  # on the logit scale: a bin's mean score then stands for each of its rows
SMALLEST = 1e-9


@dataclass(frozen=True)
class Calibration:
    """Logistic recalibration with a slope shared by all products and shrunk intercepts (Platt 1999).

    The intercept of a product is the common one plus a deviation with a normal prior: a product with
    few acquisitions keeps close to the common correction.

    Args:
        slope: Common factor on the logit scale.
        intercepts: Correction of each product on the logit scale, shape (P,).
        positives: Acquisitions that each product's correction rests on, shape (P,).
    """

    slope: float
    intercepts: Matrix
    positives: NDArray[np.int64]

    @classmethod
    def identity(cls, products: int) -> Calibration:
        """Return the calibration that changes nothing."""
        return cls(1.0, np.zeros(products), np.zeros(products, np.int64))

    @classmethod
    def fit(
        cls,
        raw: Matrix,
        truth: Mask,
        listable: Mask,
        weights: NDArray[np.float64],
        deviations: tuple[float, float],
    ) -> Calibration:
        """Fit on raw probabilities (n, P) of customers that the model has not seen.

        Args:
            raw: Uncalibrated probabilities, shape (n, P).
            truth: Whether the product was acquired, shape (n, P).
            listable: Pairs that could be acquired at all; the others are left out.
            weights: Weight of each customer, shape (n,).
            deviations: Prior standard deviations of (product intercepts, slope - 1).
        """
        counts = _binned(raw, truth, listable, weights)
        products = raw.shape[1]

        def loss(theta: Matrix) -> tuple[float, Matrix]:
            return _posterior(theta, counts, deviations)

        start = np.concatenate([[1.0, 0.0], np.zeros(products)])
        from scipy.optimize import minimize  # noqa: PLC0415 - to fit alone, not to answer

        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-12})
        positives = (truth & listable).sum(axis=0).astype(np.int64)
        return cls(float(found.x[0]), found.x[1] + found.x[2:], positives)

    def apply(self, raw: Matrix) -> Matrix:
        """Return calibrated probabilities, shape (n, P)."""
        scores = logit(np.clip(raw, SMALLEST, 1 - SMALLEST))
        return np.asarray(expit(scores * self.slope + self.intercepts))


@dataclass(frozen=True)
class _Counts:
    """Rows of a calibration problem, gathered into bins: product, mean score, weight, weight of positives."""

    product: NDArray[np.int64]
    score: Matrix
    weight: Matrix
    positive: Matrix


def _binned(raw: Matrix, truth: Mask, listable: Mask, weights: NDArray[np.float64]) -> _Counts:
    """Gather millions of pairs into narrow bins of the score, for each product."""
    parts = [_bins_of(raw[:, p], truth[:, p], listable[:, p], weights) for p in range(raw.shape[1])]
    product = np.concatenate([np.full(len(part[0]), p) for p, part in enumerate(parts)])
    score, weight, positive = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return _Counts(product, score, weight, positive)


def _bins_of(raw: Matrix, truth: Mask, rows: Mask, weights: NDArray[Any]) -> tuple[Matrix, Matrix, Matrix]:
    score = logit(np.clip(raw[rows], SMALLEST, 1 - SMALLEST))
    _, bins = np.unique(np.round(score / BIN_WIDTH), return_inverse=True)
    weight = np.bincount(bins, weights[rows])
    mean = np.bincount(bins, weights[rows] * score) / np.where(weight > 0, weight, 1)
    positive = np.bincount(bins, weights[rows] * truth[rows])
    return mean, weight.astype(np.float64), positive.astype(np.float64)


def _posterior(theta: Matrix, counts: _Counts, deviations: tuple[float, float]) -> tuple[float, Matrix]:
    """Return the negative log posterior and its gradient at (slope, common intercept, deviations)."""
    own = theta[2:]
    line = counts.score * theta[0] + theta[1] + own[counts.product]
    loss = float(np.sum(counts.weight * np.logaddexp(0, line) - counts.positive * line))
    residual = counts.weight * expit(line) - counts.positive
    prior = own @ own / (2 * deviations[0] ** 2) + (theta[0] - 1) ** 2 / (2 * deviations[1] ** 2)
    gradient = np.concatenate(
        [
            [residual @ counts.score + (theta[0] - 1) / deviations[1] ** 2, residual.sum()],
            np.bincount(counts.product, residual, len(own)) + own / deviations[0] ** 2,
        ]
    )
    return loss + float(prior), gradient
