"""Bootstrap over customers: how much a number would move with other customers of the same kind.

The mean of a resample depends only on how often each *different* value is drawn, and those counts are
multinomial. So one draw of counts over the few hundred values that an average precision can take replaces
a draw of a million customers, with exactly the same distribution. Where most values differ, customers are
drawn one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95
CELLS_PER_BLOCK = 1 << 24
COST_OF_A_COUNT = 10  # drawing one multinomial count takes about as long as drawing ten customers


@dataclass(frozen=True)
class Estimate:
    """A mean over customers with its percentile interval; all NaN without any customer."""

    value: float
    low: float
    high: float
    customers: int

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


def bootstrap_mean(
    values: NDArray[np.float64], seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Estimate:
    """Mean of one number a customer, with its interval; customers with NaN take no part.

    With no resamples there is no interval, and its ends are NaN.
    """
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Estimate(np.nan, np.nan, np.nan, 0)
    low, high = _percentiles(resampled_means(values, seed, resamples), level)
    return Estimate(float(values.mean()), low, high, len(values))


def paired_difference(
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """Mean of `ours - theirs` customer by customer: far narrower than two separate intervals.

    The two rankers differ when the interval does not hold 0.
    """
    return bootstrap_mean(ours - theirs, seed, resamples, level)


def bootstrap_ratio(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """Ratio of two sums over the same customers, such as expected over observed acquisitions.

    A resample in which the denominator is 0 takes no part in the interval.
    """
    total = denominator.sum()
    if len(numerator) == 0 or total == 0:
        return Estimate(np.nan, np.nan, np.nan, len(numerator))
    pairs = np.column_stack([numerator, denominator])
    sums = resampled_means(pairs, seed, resamples)
    sums = sums[sums[:, 1] != 0]
    low, high = _percentiles(sums[:, 0] / sums[:, 1], level)
    return Estimate(float(numerator.sum() / total), low, high, len(numerator))


def resampled_means(values: NDArray[np.float64], seed: int, resamples: int) -> NDArray[np.float64]:
    """Means of `resamples` bootstrap samples of the rows of `values`, which is (n,) or (n, m)."""
    if resamples == 0:
        return values[:0]
    different, counts = np.unique(values, axis=0, return_counts=True)
    random = np.random.default_rng(seed)
    if len(counts) * COST_OF_A_COUNT > len(values):
        draws = (random.integers(len(values), size=len(values)) for _ in range(resamples))
        return np.array([values[drawn].mean(axis=0) for drawn in draws])
    sizes = _block_sizes(resamples, max(1, CELLS_PER_BLOCK // len(counts)))
    counted = (random.multinomial(len(values), counts / len(values), size=size) for size in sizes)
    return np.concatenate([drawn @ different for drawn in counted]) / len(values)


def _block_sizes(total: int, block: int) -> list[int]:
    return [min(block, total - start) for start in range(0, total, block)]


def _percentiles(values: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Limits that hold the share `level` of the values; NaN without any value."""
    if len(values) == 0:
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
