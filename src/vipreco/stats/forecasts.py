"""What was promised beside what came: chances against acquisitions, in all and by height of the chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from scipy.stats import chi2

from vipreco.stats.comparison import FEW_ACQUISITIONS
from vipreco.stats.estimate import LEVEL, Estimate, Flags, Floats
from vipreco.stats.rates import rate_interval

GROUPS = 10
FEWEST_IN_GROUP = 5
FEWEST_EXPECTED = 1.0


@dataclass(frozen=True)
class Promises:
    """What was promised and what came.

    Args:
        table: A row a group of like chances: customers, promised, acquired, promised_rate, rate, low, high.
        expected: Sum of the chances.
        acquired: Number of acquisitions.
        ratio: Acquisitions over the sum of the chances, with an exact Poisson interval.
    """

    table: pl.DataFrame
    expected: float
    acquired: int
    ratio: Estimate


def promises(promised: Floats, acquired: Flags, groups: int = GROUPS, level: float = LEVEL) -> Promises:
    """Compare promised chances with acquisitions.

    Groups are tenths of the customers by chance; neighbours are joined until each holds `FEWEST_IN_GROUP`
    acquisitions, so that no group tells about a few people.
    """
    expected, came = float(promised.sum()), int(acquired.sum())
    table = _table(promised, acquired, groups, level)
    return Promises(table, expected, came, _ratio(came, expected, level))


def _ratio(acquired: int, expected: float, level: float) -> Estimate:
    """Return the ratio with the limits of Garwood (1936)."""
    if expected < FEWEST_EXPECTED:
        value = acquired / expected if expected > 0 else math.nan
        return Estimate(value, lacks=FEW_ACQUISITIONS)
    tail = (1 - level) / 2
    low = float(chi2.ppf(tail, 2 * acquired)) / 2 if acquired else 0.0
    high = float(chi2.ppf(1 - tail, 2 * acquired + 2)) / 2
    return Estimate(acquired / expected, low / expected, high / expected)


def _table(promised: Floats, acquired: Flags, groups: int, level: float) -> pl.DataFrame:
    order = np.argsort(promised, kind="stable")
    edges = np.unique(np.linspace(0, len(order), groups + 1).round().astype(np.int64))
    parts = _joined([order[start:end] for start, end in pairwise(edges)], acquired)
    customers = np.array([len(part) for part in parts], np.int64)
    came = np.array([int(acquired[part].sum()) for part in parts], np.int64)
    sums = np.array([float(promised[part].sum()) for part in parts], np.float64)
    ends = rate_interval(came, customers, level)
    return pl.DataFrame(
        {
            "customers": customers,
            "promised": sums,
            "acquired": came,
            "promised_rate": sums / np.maximum(customers, 1),
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
        if found and int(acquired[found[-1]].sum()) < FEWEST_IN_GROUP:
            found[-1] = np.concatenate([found[-1], part])
        else:
            found.append(part)
    if len(found) > 1 and int(acquired[found[-1]].sum()) < FEWEST_IN_GROUP:
        last = found.pop()
        found[-1] = np.concatenate([found[-1], last])
    return [part for part in found if int(acquired[part].sum()) >= FEWEST_IN_GROUP]
