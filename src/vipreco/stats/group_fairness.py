"""Differences between protected groups: how often they are offered, found, and rightly foretold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

import numpy as np
from scipy.stats import norm

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.estimate import Estimate
from vipreco.stats.level import NORMAL_95
from vipreco.stats.rates import ArmCounts, difference_of_rates, p_values, rate_interval
from vipreco.stats.shifts import false_discovery

OFFERED, ACQUIRED, FOUND, OFFERED_IN_VAIN = "offer rate", "acquisition rate", "found", "offered in vain"
CALIBRATION: Final = "calibration"
OF_ALIKE: Final = frozenset({FOUND, CALIBRATION})
"""Measures of customers who behaved alike: other needs explain another offer rate, but not these."""
MEASURES: Final = (OFFERED, ACQUIRED, FOUND, OFFERED_IN_VAIN, CALIBRATION)
"""offer rate; acquisition rate; offered of those who acquired; of the others; observed by expected."""


Key = TypeVar("Key")


@dataclass(frozen=True)
class GroupDifference:
    """One measure of a group beside that of all others.

    Args:
        measure: One of `MEASURES`.
        customers: Customers of the group that it is about.
        cases: Cases among them.
        value: Of the group, with its interval; for calibration observed by expected acquisitions.
        others: Of all others.
        difference: Group minus others; for calibration the logarithm of the ratio.
        p: Chance of such a difference between equal groups; NaN where there are too few.
        q: The same over all measures and groups together (false-discovery rate).
    """

    measure: str
    customers: int
    cases: int
    value: Estimate
    others: float
    difference: Estimate
    p: float
    q: float = np.nan


@dataclass(frozen=True)
class JudgedCustomers:
    """Decisions about some customers, with their outcomes.

    Args:
        offered: Who got an offer, shape (n,).
        acquired: Who acquired, shape (n,).
        expected: Sum of each customer's chances, shape (n,).
        observed: Acquisitions of each, shape (n,).
    """

    offered: Flags
    acquired: Flags
    expected: Floats
    observed: Floats


def group_differences(
    judged: JudgedCustomers, member: Flags, min_customers: int, min_cases: int
) -> Iterator[GroupDifference]:
    """Yield each measure of the customers of a group (n,) beside all others."""
    whole = np.ones_like(member)
    for measure, among, case in (
        (OFFERED, whole, judged.offered),
        (ACQUIRED, whole, judged.acquired),
        (FOUND, judged.acquired, judged.offered),
        (OFFERED_IN_VAIN, ~judged.acquired, judged.offered),
    ):
        yield _rates(measure, (among & member, among & ~member), case, (min_customers, min_cases))
    yield _calibration(judged, member, (min_customers, min_cases))


def with_discovery_rates(found: Mapping[Key, GroupDifference]) -> dict[Key, GroupDifference]:
    """Return the differences with their q-values over all of them together."""
    q = false_discovery(np.array([each.p for each in found.values()], np.float64))
    pairs = zip(found.items(), q.tolist(), strict=True)
    return {key: replace(each, q=value) for (key, each), value in pairs}


def _rates(measure: str, parts: tuple[Flags, Flags], case: Flags, least: tuple[int, int]) -> GroupDifference:
    rows = [float(part.sum()) for part in parts]
    cases = [float((part & case).sum()) for part in parts]
    counts = ArmCounts.of(rows[0], cases[0], rows[1], cases[1])
    enough = min(rows) >= least[0] and sum(cases) >= least[1]
    ends, own = difference_of_rates(counts), rate_interval(cases[0], rows[0])
    return GroupDifference(
        measure,
        int(rows[0]),
        int(cases[0]),
        _estimate(own.value, own.low, own.high),
        cases[1] / rows[1] if rows[1] else np.nan,
        _estimate(ends.value, ends.low, ends.high) if enough else Estimate(np.nan, lacks="customers"),
        float(p_values(counts)[0]) if enough else np.nan,
    )


def _calibration(judged: JudgedCustomers, member: Flags, least: tuple[int, int]) -> GroupDifference:
    """Compare observed by expected acquisitions; those of one customer come together, which widens it."""
    logs, errors, observed = [], [], []
    for part in (member, ~member):
        expected, happened = float(judged.expected[part].sum()), float(judged.observed[part].sum())
        observed.append(happened)
        if not expected or not happened:
            logs.append(np.nan)
            errors.append(np.nan)
            continue
        off = judged.observed[part] - judged.expected[part] * (happened / expected)
        spread = max(float(off @ off) / happened, 1.0)
        logs.append(float(np.log(happened / expected)))
        errors.append(float(np.sqrt(spread / happened)))
    enough = min(observed) >= least[1] and member.sum() >= least[0]
    away, error = logs[0] - logs[1], float(np.hypot(errors[0], errors[1]))
    ends = [float(np.exp(logs[0] + sign * NORMAL_95 * errors[0])) for sign in (0, -1, 1)]
    difference = Estimate(away, away - NORMAL_95 * error, away + NORMAL_95 * error)
    return GroupDifference(
        CALIBRATION,
        int(member.sum()),
        int(observed[0]),
        Estimate(ends[0], ends[1], ends[2]),
        float(np.exp(logs[1])),
        difference if enough else Estimate(np.nan, lacks="acquisitions"),
        2 * float(norm.sf(abs(away) / error)) if enough else np.nan,
    )


def _estimate(value: Floats, low: Floats, high: Floats) -> Estimate:
    return Estimate(float(value[0]), float(low[0]), float(high[0]))
