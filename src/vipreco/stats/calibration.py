"""Calibration of probabilities: reliability, recalibration, and the usual scores of a forecast.

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

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate
from vipreco.stats.level import NORMAL_95
from vipreco.stats.logistic import expit, logit
from vipreco.stats.ordered import Ordered
from vipreco.stats.rates import rate_interval

SMALLEST = 1e-12  # propensities are kept this far from 0 and 1 where a logarithm is taken
GROUPS = 1 << 16  # of neighbours, for the recalibration line


@dataclass(frozen=True)
class Recalibration:
    """The logistic regression of what happened on logit(propensity): (1, 0) when perfectly calibrated.

    `slope` below 1: propensities are too extreme. Both NaN where they cannot be told: one outcome only,
    one propensity only, or outcomes separated by it.
    """

    slope: float
    intercept: float


def recalibration(propensities: Floats, truth: Flags) -> Recalibration:
    """Slope and intercept of the logistic recalibration, by maximum likelihood.

    More than 65,536 rows are put into so many groups of neighbours first, which moves the slope by less
    than a thousandth of its standard error.
    """
    return _recalibration(Ordered.of(propensities, truth))


def recalibration_to_rates(propensities: Floats, rates: Floats) -> Recalibration:
    """Slope and intercept of the logistic regression of known rates on logit(propensity).

    It is what `recalibration` comes to with endlessly many outcomes. NaN where all propensities are equal.
    """
    x = _logits(propensities)
    if len(x) == 0 or np.ptp(x) == 0:
        return Recalibration(np.nan, np.nan)
    return _scaled_line(x, rates, np.full(len(x), 1 / len(x)))


def reliability_table(propensities: Floats, truth: Flags, bins: int = 10) -> pd.DataFrame:
    """Expected against observed rate in bins of equally many rows, from the lowest propensity up.

    Rows of equal propensity count as if shuffled at random.

    Returns:
        One row a bin: bin, rows, expected_rate, observed_rate, low, high (95 % Wilson interval of the
        observed rate).
    """
    return _reliability(Ordered.of(propensities, truth), bins)


def auc(scores: Floats, truth: Flags) -> float:
    """Area under the ROC curve, ties counted half; NaN with one outcome only."""
    return _auc(Ordered.of(scores, truth))


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
    ordered = Ordered.of(propensities, truth)
    expected, observed = float(np.sum(propensities, dtype=np.float64)), float(len(ordered.happened))
    line = _recalibration(ordered)
    return {
        "rows": float(len(ordered)),
        "expected": expected,
        "observed": observed,
        "ratio": expected / observed if observed else np.nan,
        "slope": line.slope,
        "intercept": line.intercept,
        "calibration_error": _calibration_error(_reliability(ordered, bins)),
        "auc": _auc(ordered),
        "log_loss": log_loss(propensities, truth),
        "brier": brier(propensities, truth),
    }


def ratio_interval(
    expected: Floats, observed: Floats, learnt: float = np.inf, normal: float = NORMAL_95
) -> Estimate:
    """Ratio of the sum of propensities to the acquisitions, with an interval for the ratio of such models.

    Two samples decide about it: acquisitions that are judged, and those that the level was learnt from. Those
    of one customer come together, so both vary by more than the Poisson law: by the mean squared distance of
    a customer's acquisitions from what was expected of them. The interval is that of the ratio's logarithm.

    Args:
        expected: Sum of the propensities of each judged customer, shape (n,).
        observed: Acquisitions of each, shape (n,).
        learnt: Acquisitions that the level was learnt from.
        normal: Standard errors to each side.
    """
    total, happened = float(np.sum(expected)), float(np.sum(observed))
    if not happened or not total:
        return Estimate(np.nan, customers=len(observed))
    away = np.asarray(observed, np.float64) - np.asarray(expected, np.float64) * (happened / total)
    spread = max(float(away @ away) / happened, 1.0)
    width = np.exp(normal * np.sqrt(spread / happened + spread / learnt))
    ratio = total / happened
    return Estimate(ratio, ratio / width, ratio * width, customers=len(observed))


def slope_interval(propensities: Floats, line: Recalibration, normal: float = NORMAL_95) -> Estimate:
    """Slope of a recalibration with the interval of its standard error; none where it cannot be told.

    Args:
        propensities: Those that the line was fitted on.
        line: The recalibration.
        normal: Standard errors to each side.
    """
    if not np.isfinite(line.slope):
        return Estimate(np.nan, lacks="acquisitions", customers=len(propensities))
    scores = _logits(propensities)
    chance = expit(line.intercept + line.slope * scores)
    weights = chance * (1 - chance)
    centred = scores - weights @ scores / weights.sum()
    width = normal / float(np.sqrt(weights @ centred**2))
    return Estimate(line.slope, line.slope - width, line.slope + width, customers=len(propensities))


def calibration_by_product(
    propensities: Floats, truth: Flags, listable: Flags, product_ids: Sequence[str]
) -> pd.DataFrame:
    """`calibration_summary` for each product over the rows where it is listable; indexed by product_id."""
    rows = [
        calibration_summary(propensities[allowed, column], truth[allowed, column])
        for column, allowed in enumerate(listable.T)
    ]
    return pd.DataFrame(rows, index=pd.Index(list(product_ids), name="product_id"))


def _reliability(ordered: Ordered, bins: int) -> pd.DataFrame:
    edges = ordered.edges(bins)
    rows = np.diff(edges)
    expected, observed = np.diff(ordered.sums(edges, ordered.scores)), np.diff(ordered.reached(edges))
    ends = rate_interval(observed, rows)
    columns = {
        "expected_rate": expected / rows,
        "observed_rate": ends.value,
        "low": ends.low,
        "high": ends.high,
    }
    return pd.DataFrame({"bin": np.arange(1, len(rows) + 1), "rows": rows, **columns})


def _calibration_error(table: pd.DataFrame) -> float:
    if table.empty:
        return np.nan
    distance = (table["expected_rate"] - table["observed_rate"]).abs()
    return float(np.average(distance, weights=table["rows"]))


def _auc(ordered: Ordered) -> float:
    positives = len(ordered.happened)
    negatives = len(ordered) - positives
    if positives == 0 or negatives == 0:
        return np.nan
    return float((ordered.mid_ranks().sum() - positives * (positives + 1) / 2) / positives / negatives)


def _recalibration(ordered: Ordered) -> Recalibration:
    if _cannot_tell(ordered):
        return Recalibration(np.nan, np.nan)
    edges = ordered.edges(GROUPS)
    rows = np.diff(edges)
    x = np.diff(ordered.sums(edges, _logits(ordered.scores))) / rows
    return _scaled_line(x, np.diff(ordered.reached(edges)) / rows, rows / len(ordered))


def _scaled_line(x: NDArray[np.float64], rate: Floats, share: Floats) -> Recalibration:
    """Return the logistic regression of rates on x, which is centred and scaled for the solver."""
    centre = float(share @ x)
    spread = float(np.sqrt(share @ (x - centre) ** 2))
    intercept, slope = _logistic_line((x - centre) / spread, rate, share)
    return Recalibration(slope / spread, intercept - slope * centre / spread)


def _logistic_line(x: Floats, rate: Floats, share: Floats) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of rates on x, groups weighted by their share."""

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        eta = line[0] + line[1] * x
        error = share * (expit(eta) - rate)
        return float(share @ (np.logaddexp(0, eta) - rate * eta)), np.array([error.sum(), error @ x])

    def curvature(line: NDArray[np.float64]) -> NDArray[np.float64]:
        p = expit(line[0] + line[1] * x)
        weight = share * p * (1 - p)
        return np.array([[weight.sum(), weight @ x], [weight @ x, weight @ (x * x)]])

    start = np.array([logit(share @ rate), 0.0])
    found = minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-9})
    return float(found.x[0]), float(found.x[1])


def _cannot_tell(ordered: Ordered) -> bool:
    """One outcome only, or a score separates the outcomes: the likelihood has no maximum."""
    rows, happened = ordered.scores, ordered.happened
    if len(happened) in {0, len(rows)}:
        return True
    above = [len(values) - np.searchsorted(values, happened[0], side="right") for values in (rows, happened)]
    below = [np.searchsorted(values, happened[-1], side="left") for values in (rows, happened)]
    return bool(above[0] == above[1] or below[0] == below[1])


def _logits(propensities: Floats) -> NDArray[np.float64]:
    clipped = np.clip(np.asarray(propensities, dtype=np.float64), SMALLEST, 1 - SMALLEST)
    return np.asarray(logit(clipped), dtype=np.float64)
