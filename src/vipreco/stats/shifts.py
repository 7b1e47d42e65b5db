"""Distances between two sets of counts, with their p-values, and the control over many of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import kolmogorov
from scipy.stats import chi2, norm

from vipreco.stats.arrays import Floats

MIN_EXPECTED: Final = 5.0
PSI_BINS: Final = 10
PSI_FLOOR: Final = 1e-4


@dataclass(frozen=True)
class Shift:
    """Distance between two sets of counts.

    Args:
        effect: 0 for equal shares to 1 for nothing in common.
        p: Chance of such a distance between two samples of one population.
        psi: Population stability index, which is shown because people ask for it; it triggers nothing.
    """

    effect: float
    p: float
    psi: float = math.nan


def ordered_shift(one: Mapping[str, int], other: Mapping[str, int]) -> Shift:
    """Return the Kolmogorov-Smirnov distance of two sets of counts whose codes are numbers as text."""
    codes = sorted({**one, **other}, key=int)
    first, second = _counts(one, codes), _counts(other, codes)
    if not first.sum() or not second.sum():
        return Shift(0.0, 1.0, 0.0)
    below = np.cumsum(first) / first.sum(), np.cumsum(second) / second.sum()
    effect = float(np.abs(below[0] - below[1]).max())
    size = first.sum() * second.sum() / (first.sum() + second.sum())
    return Shift(effect, float(kolmogorov(math.sqrt(size) * effect)), _psi(*_tenths(first, second)))


def category_shift(one: Mapping[str, int], other: Mapping[str, int]) -> Shift:
    """Return half the sum of the differences of shares, with the chi-squared test of equal shares."""
    codes = sorted({**one, **other})
    first, second = _counts(one, codes), _counts(other, codes)
    if not first.sum() or not second.sum():
        return Shift(0.0, 1.0, 0.0)
    effect = float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)
    return Shift(effect, _chi_squared(first, second), _psi(first, second))


def rate_shift(cases: float, rows: float, other_cases: float, other_rows: float) -> Shift:
    """Return the difference of two shares, with the test of equal shares."""
    if not rows or not other_rows:
        return Shift(0.0, 1.0)
    effect = cases / rows - other_cases / other_rows
    pooled = (cases + other_cases) / (rows + other_rows)
    spread = pooled * (1 - pooled) * (1 / rows + 1 / other_rows)
    p = 2 * float(norm.sf(abs(effect) / math.sqrt(spread))) if spread > 0 else float(effect == 0)
    return Shift(abs(effect), p)


def false_discovery(p: Floats) -> Floats:
    """Return q-values (Benjamini and Hochberg, 1995); NaN takes no part.

    >>> false_discovery(np.array([0.01, 0.5, 0.02, np.nan])).round(3).tolist()
    [0.03, 0.5, 0.03, nan]
    """
    found = np.full_like(np.asarray(p, np.float64), np.nan)
    places = np.flatnonzero(~np.isnan(p))
    order = places[np.argsort(p[places], kind="stable")]
    scaled = p[order] * len(order) / np.arange(1, len(order) + 1)
    found[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return found


def _counts(counts: Mapping[str, int], codes: list[str]) -> Floats:
    return np.array([counts.get(code, 0) for code in codes], np.float64)


def _chi_squared(first: Floats, second: Floats) -> float:
    """Return the p-value of equal shares; codes with few rows are put together."""
    whole = first + second
    share = min(first.sum(), second.sum()) / whole.sum()
    rare = whole * share < MIN_EXPECTED
    table = np.array([[*one[~rare], one[rare].sum()] for one in (first, second)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 1.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(chi2.sf(((table - expected) ** 2 / expected).sum(), table.shape[1] - 1))


def _tenths(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Return both counts in bins with about a tenth of the second each."""
    place = np.minimum((np.cumsum(second) - second / 2) / second.sum() * PSI_BINS, PSI_BINS - 1).astype(int)
    tenths = [np.bincount(place, one, PSI_BINS).astype(np.float64) for one in (first, second)]
    return tenths[0], tenths[1]


def _psi(first: Floats, second: Floats) -> float:
    shares = [np.maximum(one / one.sum(), PSI_FLOOR) for one in (first, second)]
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())
