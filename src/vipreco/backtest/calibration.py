"""Do the probabilities mean what they say: reliability, recalibration, and the usual scores of a forecast.

`propensities` (m,) are probabilities, `truth` (m,) whether the acquisition happened; a row is a customer
and product. Pass the rows of the list alone (`metrics.listed`) to check calibration where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import rankdata

from vipreco.backtest.metrics import Flags, Floats

SMALLEST = 1e-12  # propensities are kept this far from 0 and 1 where a logarithm is taken
Z_95 = 1.959963984540054


@dataclass(frozen=True)
class Recalibration:
    """The logistic regression of what happened on logit(propensity): (1, 0) when perfectly calibrated.

    `slope` below 1: propensities are too extreme. Both NaN where they cannot be told: one outcome only,
    one propensity only, or outcomes separated by it.
    """

    slope: float
    intercept: float


def recalibration(propensities: Floats, truth: Flags) -> Recalibration:
    """Slope and intercept of the logistic recalibration, by maximum likelihood."""
    x, y = _logits(propensities), np.asarray(truth, dtype=np.float64)
    if _cannot_tell(x, y > 0.5):
        return Recalibration(np.nan, np.nan)
    centre, spread = float(x.mean()), float(x.std())
    z = (x - centre) / spread

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        eta = parameters[0] + parameters[1] * z
        error = expit(eta) - y
        return float(np.mean(np.logaddexp(0, eta) - y * eta)), np.array([error.mean(), (error * z).mean()])

    def curvature(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        p = expit(parameters[0] + parameters[1] * z)
        weight = p * (1 - p)
        cross = (weight * z).mean()
        return np.array([[weight.mean(), cross], [cross, (weight * z * z).mean()]])

    start = np.array([logit(y.mean()), 0.0])
    found = minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-9})
    intercept, slope = found.x
    return Recalibration(float(slope / spread), float(intercept - slope * centre / spread))


def reliability_table(propensities: Floats, truth: Flags, bins: int = 10) -> pd.DataFrame:
    """Expected against observed rate in bins of equally many rows, from the lowest propensity up.

    Rows of equal propensity count as if shuffled at random.

    Returns:
        One row a bin: bin, rows, expected_rate, observed_rate, low, high (95 % Wilson interval of the
        observed rate).
    """
    order = np.argsort(propensities, kind="stable")
    values, outcomes = np.asarray(propensities, dtype=np.float64)[order], np.asarray(truth)[order]
    edges = np.unique(np.linspace(0, len(values), bins + 1).round().astype(np.int64))
    rows = np.diff(edges)
    expected = np.diff(np.insert(np.cumsum(values), 0, 0.0)[edges])
    observed = np.diff(_shuffled_cumulative(values, outcomes, edges))
    low, high = wilson_interval(observed, rows)
    columns = {"expected_rate": expected / rows, "observed_rate": observed / rows, "low": low, "high": high}
    return pd.DataFrame({"bin": np.arange(1, len(rows) + 1), "rows": rows, **columns})


def wilson_interval(
    successes: NDArray[np.float64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of a rate; honest for small numbers (Wilson, 1927)."""
    rate, spread = successes / rows, Z_95**2 / rows
    centre = (rate + spread / 2) / (1 + spread)
    half = Z_95 * np.sqrt(rate * (1 - rate) / rows + spread / 4 / rows) / (1 + spread)
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def expected_calibration_error(propensities: Floats, truth: Flags, bins: int = 10) -> float:
    """Mean distance between expected and observed rate over the bins of `reliability_table`."""
    table = reliability_table(propensities, truth, bins)
    if table.empty:
        return np.nan
    distance = (table["expected_rate"] - table["observed_rate"]).abs()
    return float(np.average(distance, weights=table["rows"]))


def auc(scores: Floats, truth: Flags) -> float:
    """Area under the ROC curve, ties counted half; NaN with one outcome only."""
    positives = int(np.count_nonzero(truth))
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return np.nan
    ranks = rankdata(scores)
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / positives / negatives)


def log_loss(propensities: Floats, truth: Flags) -> float:
    """Mean negative log likelihood."""
    p = np.clip(np.asarray(propensities, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    return float(-np.mean(np.where(truth, np.log(p), np.log1p(-p)))) if len(p) else np.nan


def brier(propensities: Floats, truth: Flags) -> float:
    """Mean squared distance between propensity and outcome."""
    return float(np.mean((np.asarray(propensities, dtype=np.float64) - truth) ** 2)) if len(truth) else np.nan


def calibration_summary(propensities: Floats, truth: Flags, bins: int = 10) -> dict[str, float]:
    """All numbers about the probabilities of some rows.

    Returns:
        rows, expected (sum of p), observed (acquisitions), ratio (expected / observed), slope, intercept,
        calibration_error, auc, log_loss, brier.
    """
    expected, observed = float(np.sum(propensities, dtype=np.float64)), float(np.count_nonzero(truth))
    line = recalibration(propensities, truth)
    return {
        "rows": float(len(truth)),
        "expected": expected,
        "observed": observed,
        "ratio": expected / observed if observed else np.nan,
        "slope": line.slope,
        "intercept": line.intercept,
        "calibration_error": expected_calibration_error(propensities, truth, bins),
        "auc": auc(propensities, truth),
        "log_loss": log_loss(propensities, truth),
        "brier": brier(propensities, truth),
    }


def calibration_by_product(
    propensities: Floats, truth: Flags, candidates: Flags, product_ids: Sequence[str]
) -> pd.DataFrame:
    """`calibration_summary` for each product over the rows where it is a candidate; indexed by product_id."""
    rows = [
        calibration_summary(propensities[allowed, column], truth[allowed, column])
        for column, allowed in enumerate(candidates.T)
    ]
    return pd.DataFrame(rows, index=pd.Index(list(product_ids), name="product_id"))


def _cannot_tell(x: NDArray[np.float64], happened: Flags) -> bool:
    """One outcome only, or x separates the outcomes: the likelihood has no maximum."""
    yes, no = x[happened], x[~happened]
    return len(yes) == 0 or len(no) == 0 or no.max() <= yes.min() or yes.max() <= no.min()


def _logits(propensities: Floats) -> NDArray[np.float64]:
    clipped = np.clip(np.asarray(propensities, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    return np.asarray(logit(clipped), dtype=np.float64)


def _shuffled_cumulative(
    values: NDArray[np.float64], outcomes: Flags, edges: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Outcomes up to each edge, those within a block of equal values spread evenly over it."""
    starts = np.flatnonzero(np.insert(values[1:] != values[:-1], 0, True)) if len(values) else np.array([0])
    ends = np.append(starts, len(values))
    reached = np.insert(np.cumsum(outcomes, dtype=np.float64), 0, 0.0)[ends]
    return np.asarray(np.interp(edges, ends, reached), dtype=np.float64)
