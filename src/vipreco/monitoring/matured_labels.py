"""The strongest evidence: what was expected of a month, and what came of it, once its labels are known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm

from vipreco.monitoring.finding_codes import (
    CALIBRATION_GROUP,
    CALIBRATION_LEVEL,
    CALIBRATION_SUM,
    NO_LABELS,
    RANKING_FELL,
)
from vipreco.monitoring.findings import MonitoringFinding
from vipreco.monitoring.limits import MonitoringSettings
from vipreco.monitoring.snapshot_facts import ALL, Matured, SnapshotFacts
from vipreco.stats import false_discovery

HALF: Final = 0.5  # added to both counts, so that no acquisition at all has a logarithm
FEW_MONTHS: Final = 2


@dataclass(frozen=True)
class Distance:
    """Distance of what came from what was expected: logarithm of the ratio, in standard errors too."""

    ratio: float
    standardised: float

    @classmethod
    def of(cls, matured: Matured, month_luck: float) -> Distance:
        """Return the distance of a group's acquisitions from the sum of its chances.

        Acquisitions of one customer come together, and whole months have luck of their own; both widen it.
        """
        expected, observed = matured.expected + HALF, matured.observed + HALF
        spread = max(matured.squares / max(matured.observed, 1.0), 1.0)
        error = math.sqrt(spread * expected + (month_luck * expected) ** 2)
        return cls(math.log(observed / expected), (observed - expected) / error)

    @property
    def p(self) -> float:
        """Two-sided p-value of no distance."""
        return 2 * float(norm.sf(abs(self.standardised)))


def label_findings(
    facts: Sequence[SnapshotFacts], settings: MonitoringSettings
) -> Iterator[MonitoringFinding]:
    """Yield what the matured labels of these snapshots say, oldest first; the newest of them is judged."""
    months = [each for each in facts if ALL in each.matured]
    if not months:
        what = "no month has matured of which the model had not learnt: nobody knows yet whether it is right"
        yield MonitoringFinding(NO_LABELS, "note", "labels", what, 0.0, 0.0)
        return
    yield from _level(months[-1], settings)
    yield from _groups(months, settings)
    yield from running_sums(months, settings)
    yield from _ranking(months, settings)


def _level(month: SnapshotFacts, settings: MonitoringSettings) -> Iterator[MonitoringFinding]:
    matured = month.matured[ALL]
    if matured.expected < settings.min_cases:
        return
    found = Distance.of(matured, settings.month_luck)
    large = abs(found.ratio) >= settings.calibration_shift
    if large and abs(found.standardised) >= settings.at_once:
        yield MonitoringFinding(
            CALIBRATION_LEVEL,
            "alarm",
            "all chances",
            f"{_told(matured)} after {month.day} ({found.standardised:+.1f} standard errors)",
            abs(found.ratio),
            settings.calibration_shift,
        )


def _groups(months: Sequence[SnapshotFacts], settings: MonitoringSettings) -> Iterator[MonitoringFinding]:
    """Judge products and tiers: two months in a row, in the same direction."""
    judged = [_sure_groups(month, settings) for month in months[-2:]]
    for group, found in judged[-1].items():
        earlier = judged[0].get(group) if len(judged) == FEW_MONTHS else None
        stands = earlier is not None and earlier.ratio * found.ratio > 0
        yield MonitoringFinding(
            CALIBRATION_GROUP,
            "alarm" if stands else "watch",
            group,
            f"{_told(months[-1].matured[group])} after {months[-1].day}",
            abs(found.ratio),
            settings.calibration_shift,
        )


def _sure_groups(month: SnapshotFacts, settings: MonitoringSettings) -> dict[str, Distance]:
    """Return the groups that are surely further off than is tolerated, over all groups of the month."""
    found = {
        group: Distance.of(matured, settings.month_luck)
        for group, matured in month.matured.items()
        if group != ALL and max(matured.expected, matured.observed) >= settings.min_cases
    }
    q = false_discovery(np.array([each.p for each in found.values()], np.float64))
    pairs = zip(found.items(), q.tolist(), strict=True)
    return {
        group: each
        for (group, each), value in pairs
        if value <= settings.false_discovery and abs(each.ratio) >= settings.calibration_shift
    }


def cusum(months: Sequence[SnapshotFacts], settings: MonitoringSettings) -> list[tuple[float, float]]:
    """Return the running sums (too few, too many acquisitions) after each month (Page, 1954)."""
    few = many = 0.0
    sums = []
    for month in months:
        step = Distance.of(month.matured[ALL], settings.month_luck).standardised
        few = max(0.0, few - step - settings.cusum_slack)
        many = max(0.0, many + step - settings.cusum_slack)
        sums.append((few, many))
    return sums


def running_sums(
    months: Sequence[SnapshotFacts], settings: MonitoringSettings
) -> Iterator[MonitoringFinding]:
    """Judge small distances that add up over months."""
    few, many = cusum(months, settings)[-1]
    for value, told in ((few, "fewer"), (many, "more")):
        if value >= settings.cusum_limit:
            yield MonitoringFinding(
                CALIBRATION_SUM,
                "alarm",
                "all chances",
                f"month after month {told} acquisitions than expected: running sum {value:.1f}",
                value,
                settings.cusum_limit,
            )


def _ranking(months: Sequence[SnapshotFacts], settings: MonitoringSettings) -> Iterator[MonitoringFinding]:
    """Compare the ranking of the newest month with the mean of the months before."""
    ranked = [month.ranking for month in months if month.ranking is not None]
    if len(ranked) <= FEW_MONTHS or months[-1].ranking is None:
        return
    auc, error = months[-1].ranking
    usual = float(np.mean([value for value, _ in ranked[:-1]]))
    fall = usual - auc
    if fall >= settings.ranking_fall and fall >= settings.at_once * error:
        what = f"AUC {auc:.3f} after {months[-1].day}, {usual:.3f} on average before"
        yield MonitoringFinding(RANKING_FELL, "alarm", "ranking", what, fall, settings.ranking_fall)


def _told(matured: Matured) -> str:
    return f"{matured.observed:,.0f} acquisitions where {matured.expected:,.1f} were expected"
