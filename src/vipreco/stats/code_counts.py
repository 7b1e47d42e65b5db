"""Power of one column alone for an outcome, from counts that add up over parts and months.

A column is told by codes: categories as they are numbered, numbers by bins that are the same for all data.
What the codes are worth is learnt on one half of the customers and judged on the other, so a column with very
many codes gains nothing by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate
from vipreco.stats.level import NORMAL_95
from vipreco.stats.rates import rate_interval

MISSING: Final = -(2**31)
BINS_A_UNIT: Final = 20  # of the natural logarithm: neighbouring bins are 5 % apart
ZERO: Final = 10_000
SMALLEST: Final = 1e-9
PRIOR_ROWS: Final = 5.0
"""Rows of the overall rate that are added to each code: one case in one row is not a rate of 100 %."""
MOSTLY: Final = 0.5


def number_codes(values: Floats) -> NDArray[np.int32]:
    """Return the bin of each number (n,), the same for all data and in the order of the numbers.

    >>> number_codes(np.array([-1.0, 0.0, 1.0, 100.0, 104.0, np.nan])).tolist()
    [-10000, 0, 10000, 10092, 10093, -2147483648]
    """
    numbers = np.asarray(values, np.float64)
    size = np.maximum(np.abs(numbers), SMALLEST)
    codes = np.sign(numbers) * (ZERO + np.rint(np.log(size) * BINS_A_UNIT))
    codes = np.where(size > SMALLEST, codes, 0.0)
    return np.where(np.isnan(numbers), MISSING, np.nan_to_num(codes)).astype(np.int32)


@dataclass(frozen=True)
class CaseCounts:
    """Rows and cases by code of a column, in two halves of the customers.

    Args:
        codes: Ascending, shape (k,).
        rows: Shape (2, k).
        cases: Rows to which it happened, shape (2, k).
    """

    codes: NDArray[np.int64]
    rows: Floats
    cases: Floats

    @classmethod
    def of(cls, codes: NDArray[np.integer], second: Flags, happened: Flags) -> Self:
        """Count the codes (n,) of customers, of whom those of `second` (n,) are the other half."""
        return cls.of_targets(codes, second, {"": np.flatnonzero(happened)})[""]

    @classmethod
    def of_targets(
        cls, codes: NDArray[np.integer], second: Flags, targets: Mapping[str, NDArray[np.intp]]
    ) -> dict[str, Self]:
        """Count the same codes for several outcomes, each given by the rows (m,) to which it happened."""
        found, places = np.unique(codes, return_inverse=True)
        cells, size = places + len(found) * second, 2 * len(found)
        rows = np.bincount(cells, minlength=size).reshape(2, -1).astype(np.float64)
        return {
            name: cls(
                found.astype(np.int64),
                rows,
                np.bincount(cells[happened], minlength=size).reshape(2, -1).astype(np.float64),
            )
            for name, happened in targets.items()
        }

    def merge(self, other: Self) -> Self:
        """Return the counts of both."""
        codes = np.union1d(self.codes, other.codes)
        rows, cases = np.zeros((2, len(codes))), np.zeros((2, len(codes)))
        for part in (self, other):
            places = np.searchsorted(codes, part.codes)
            rows[:, places] += part.rows
            cases[:, places] += part.cases
        return type(self)(codes, rows, cases)

    @property
    def total(self) -> tuple[float, float]:
        """All rows and all cases."""
        return float(self.rows.sum()), float(self.cases.sum())

    @property
    def base_rate(self) -> float:
        """Share of the rows that are cases; NaN without rows."""
        rows, cases = self.total
        return cases / rows if rows else np.nan

    def auc(self) -> Estimate:
        """Return how well the column alone ranks, direction and order of the codes learnt on the other half.

        The interval is that of Hanley and McNeil (1982); NaN where a half has one outcome only.
        """
        return auc_within([self])

    def mostly_cases(self) -> tuple[Estimate, float]:
        """Return the rate of cases where the other half has mostly cases, and how many cases these are."""
        rows = cases = 0.0
        for judged in (0, 1):
            chosen = self._rates(1 - judged) > MOSTLY
            rows += float(self.rows[judged, chosen].sum())
            cases += float(self.cases[judged, chosen].sum())
        if not rows:
            return Estimate(np.nan), 0.0
        found = rate_interval(cases, rows)
        return Estimate(float(found.value[0]), float(found.low[0]), float(found.high[0])), cases

    def _rates(self, half: int) -> Floats:
        rates: Floats = (self.cases[half] + PRIOR_ROWS * self.base_rate) / (self.rows[half] + PRIOR_ROWS)
        return rates

    @property
    def pairs(self) -> Floats:
        """Pairs of a case and another row, by half, shape (2,)."""
        found: Floats = self.cases.sum(axis=1) * (self.rows - self.cases).sum(axis=1)
        return found

    def half_auc(self, judged: int, ranks: Floats) -> float:
        """Return the AUC of one half by ranks of the codes (k,); equal ranks count half."""
        distinct, places = np.unique(ranks, return_inverse=True)
        cases = np.bincount(places, self.cases[judged], minlength=len(distinct))
        others = np.bincount(places, self.rows[judged] - self.cases[judged], minlength=len(distinct))
        if not cases.sum() or not others.sum():
            return np.nan
        below = np.cumsum(others) - others / 2
        return float(cases @ below / (cases.sum() * others.sum()))


def auc_within(strata: Sequence[CaseCounts]) -> Estimate:
    """Return how well a column ranks within strata, such as months; rows of two strata are never compared.

    A code that only says which stratum a row is of is worth nothing, however the rates of the strata differ.

    >>> first = CaseCounts.of(np.array([1, 1, 1, 1]), np.arange(4) < 2, np.array([True, False] * 2))
    >>> second = CaseCounts.of(np.array([2, 2, 2, 2]), np.arange(4) < 2, np.ones(4, bool))
    >>> first.merge(second).auc().value, auc_within([first, second]).value
    (0.8333333333333334, 0.5)
    """
    compared = [one for one in strata if one.pairs.all()]
    if not compared:
        return Estimate(np.nan)
    whole = reduce(CaseCounts.merge, compared)
    worth = _excess(compared, whole)
    values, pairs, spread = [], [], 0.0
    for one in compared:
        ranks = worth[:, np.searchsorted(whole.codes, one.codes)]
        values += [one.half_auc(judged, ranks[1 - judged]) for judged in (0, 1)]
        pairs += one.pairs.tolist()
    value, total = float(np.average(values, weights=pairs)), sum(pairs)
    for one in compared:
        rows, cases = one.total
        spread += (one.pairs.sum() / total * hanley_mcneil(value, cases, rows - cases)) ** 2
    error = float(np.sqrt(spread))
    low, high = max(value - NORMAL_95 * error, 0.0), min(value + NORMAL_95 * error, 1.0)
    return Estimate(value, low, high, customers=int(whole.total[0]))


def _excess(strata: Sequence[CaseCounts], whole: CaseCounts) -> Floats:
    """Return the cases of each code over those that its strata usually have, by half, shape (2, k)."""
    expected = np.zeros_like(whole.rows)
    for one in strata:
        expected[:, np.searchsorted(whole.codes, one.codes)] += one.rows * one.base_rate
    prior = PRIOR_ROWS * whole.base_rate
    excess: Floats = (whole.cases + prior) / (expected + prior)
    return excess


def hanley_mcneil(value: float, cases: float, others: float) -> float:
    """Return the standard error of an AUC (Hanley and McNeil, 1982)."""
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (cases - 1) * (first - value**2) + (others - 1) * (second - value**2)
    return float(np.sqrt(max(spread, 0.0) / (cases * others)))
