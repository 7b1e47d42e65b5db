"""Bootstrap intervals: how much a number would move with other customers of the same kind.

The mean of a resample depends only on how often each *different* value is drawn, and those counts are
multinomial. So one draw of counts over the few hundred values that an average precision can take replaces
a draw of a million customers, with exactly the same distribution. Where most values differ, customers are
drawn one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.stats.arrays import Floats
from vipreco.stats.estimate import NO_CUSTOMERS, NO_RESAMPLES, Estimate, percentiles
from vipreco.stats.level import LEVEL

RESAMPLES = 1000
CELLS_PER_BLOCK = 1 << 24
SAMPLES_AT_ONCE = 50
COST_OF_A_COUNT = 10  # drawing one multinomial count takes about as long as drawing ten customers


def bootstrap_mean(values: Floats, seed: int, resamples: int = RESAMPLES, level: float = LEVEL) -> Estimate:
    """Mean of one number a customer, with its interval; customers with NaN take no part.

    With no resamples there is no interval.
    """
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return Estimate(np.nan, lacks=NO_CUSTOMERS, customers=0)
    if resamples == 0:
        return Estimate(float(values.mean()), lacks=NO_RESAMPLES, customers=len(values))
    low, high = percentiles(resampled_means(values, seed, resamples), level)
    return Estimate(float(values.mean()), low, high, customers=len(values))


def paired_difference(
    ours: Floats,
    theirs: Floats,
    seed: int,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Estimate:
    """Mean of `ours - theirs` customer by customer: far narrower than two separate intervals.

    The two rankers differ when the interval does not hold 0.
    """
    return bootstrap_mean(ours - theirs, seed, resamples, level)


def clustered_mean(
    values: Floats, customer_ids: NDArray[Any], seed: int, resamples: int = RESAMPLES, level: float = LEVEL
) -> Estimate:
    """Mean of several numbers a customer, with its interval; all rows of a customer are drawn together.

    Rows of one customer at several dates resemble each other: drawn one by one they would look like more
    evidence than they are. Rows with NaN take no part.
    """
    known = ~np.isnan(values)
    if not known.any():
        return Estimate(np.nan, lacks=NO_CUSTOMERS, customers=0)
    _, codes = np.unique(customer_ids[known].astype(np.str_), return_inverse=True)
    sums, rows = np.bincount(codes, values[known]), np.bincount(codes)
    value = float(sums.sum() / rows.sum())
    if resamples == 0:
        return Estimate(value, lacks=NO_RESAMPLES, customers=len(rows))
    if not (values[known] - value).any():
        return Estimate(value, value, value, customers=len(rows))
    random = np.random.default_rng(seed)
    drawn = (random.integers(len(rows), size=len(rows)) for _ in range(resamples))
    means = np.array([sums[one].sum() / rows[one].sum() for one in drawn])
    return Estimate(value, *percentiles(means, level), customers=len(rows))


def resampled_means(values: Floats, seed: int, resamples: int) -> Floats:
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


def resampled_column_means(values: Floats, seed: int, resamples: int) -> Floats:
    """Return means of bootstrap samples of the rows of `values` (n, columns), shape (resamples, columns).

    How often each row is drawn, times the values: one product of matrices for all columns, where a thousand
    gathered copies of the table would take minutes.
    """
    random, rows = np.random.default_rng(seed), len(values)
    means = np.empty((resamples, values.shape[1]))
    for start in range(0, resamples, SAMPLES_AT_ONCE):
        stop = min(start + SAMPLES_AT_ONCE, resamples)
        counts = [np.bincount(random.integers(rows, size=rows), minlength=rows) for _ in range(start, stop)]
        means[start:stop] = np.array(counts, np.float64) @ values / rows
    return means


def resampled_counts(customer_ids: NDArray[Any], seed: int, resamples: int) -> Iterator[NDArray[np.intp]]:
    """Give how often each row (n,) is drawn in bootstrap samples of customers, all their rows together."""
    _, codes = np.unique(customer_ids.astype(np.str_), return_inverse=True)
    customers, random = int(codes.max(initial=-1)) + 1, np.random.default_rng(seed)
    for _ in range(resamples):
        yield np.bincount(random.integers(customers, size=customers), minlength=customers)[codes]


def _block_sizes(total: int, block: int) -> list[int]:
    return [min(block, total - start) for start in range(0, total, block)]
