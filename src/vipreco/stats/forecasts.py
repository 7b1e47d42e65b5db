"""Forecast acquisitions beside observed ones, in total and by height of the forecast chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.comparison import FEW_ACQUISITIONS
from vipreco.stats.estimate import Estimate
from vipreco.stats.level import LEVEL
from vipreco.stats.rates import poisson_limits, rate_interval

GROUPS = 10
MIN_IN_GROUP = 5
MIN_EXPECTED = 1.0


@dataclass(frozen=True)
class ForecastComparison:
    """Forecast chances beside the acquisitions that were observed.

    Args:
        table: A row a group of like chances: customers, expected, acquired, expected_rate, rate, low, high.
        expected: Sum of the chances.
        acquired: Number of acquisitions.
        ratio: Acquisitions over the sum of the chances, with an exact Poisson interval.
    """

    table: pl.DataFrame
    expected: float
    acquired: int
    ratio: Estimate


def compare_forecast(
    forecast: Floats, acquired: Flags, groups: int = GROUPS, level: float = LEVEL
) -> ForecastComparison:
    """Compare forecast chances with acquisitions.

    Groups are tenths of the customers by chance; neighbours are joined until each holds `MIN_IN_GROUP`
    acquisitions, so that no group tells about a few people.
    """
    expected, came = float(forecast.sum()), int(acquired.sum())
    table = _table(forecast, acquired, groups, level)
    return ForecastComparison(table, expected, came, _ratio(came, expected, level))


def _ratio(acquired: int, expected: float, level: float) -> Estimate:
    if expected < MIN_EXPECTED:
        value = acquired / expected if expected > 0 else math.nan
        return Estimate(value, lacks=FEW_ACQUISITIONS)
    low, high = (float(end) / expected for end in poisson_limits(acquired, level))
    return Estimate(acquired / expected, low, high)


def _table(forecast: Floats, acquired: Flags, groups: int, level: float) -> pl.DataFrame:
    order = np.argsort(forecast, kind="stable")
    edges = np.unique(np.linspace(0, len(order), groups + 1).round().astype(np.int64))
    parts = _joined([order[start:end] for start, end in pairwise(edges)], acquired)
    customers = np.array([len(part) for part in parts], np.int64)
    came = np.array([int(acquired[part].sum()) for part in parts], np.int64)
    sums = np.array([float(forecast[part].sum()) for part in parts], np.float64)
    ends = rate_interval(came, customers, level)
    return pl.DataFrame(
        {
            "customers": customers,
            "expected": sums,
            "acquired": came,
            "expected_rate": sums / np.maximum(customers, 1),
            "rate": ends.value,
            "low": ends.low,
            "high": ends.high,
        }
    )


def _joined(
    parts: list[np.ndarray[tuple[int], np.dtype[np.int64]]], acquired: Flags
) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return neighbours joined until each part has enough acquisitions; nothing if all together have not."""
    found: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for part in parts:
        if found and int(acquired[found[-1]].sum()) < MIN_IN_GROUP:
            found[-1] = np.concatenate([found[-1], part])
        else:
            found.append(part)
    if len(found) > 1 and int(acquired[found[-1]].sum()) < MIN_IN_GROUP:
        last = found.pop()
        found[-1] = np.concatenate([found[-1], last])
    return [part for part in found if int(acquired[part].sum()) >= MIN_IN_GROUP]
