"""Shifts of columns, scores, outcomes, offers and rules: alarms where they are large, sure and lasting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from vipreco.monitoring.calendar_of_facts import Compared
from vipreco.monitoring.finding_codes import (
    FEED_BROKEN,
    FEED_CONSTANT,
    FEED_MISSING,
    INPUT_MOVED,
    OFFERS_MOVED,
    OUTCOMES_MOVED,
    RULES_MOVED,
    SCORES_MOVED,
    SERVICE_REFUSED,
)
from vipreco.monitoring.findings import MonitoringFinding, Severity
from vipreco.monitoring.limits import MonitoringSettings
from vipreco.monitoring.snapshot_facts import (
    INPUT,
    NUMBER,
    OFFER,
    OUTCOME,
    RULE,
    SCORE,
    SERVICE,
    ColumnCounts,
    Rate,
    SnapshotFacts,
    family,
    name_of,
)
from vipreco.stats import Shift, category_shift, false_discovery, ordered_shift, rate_shift

CODE_OF: Final = {
    INPUT: INPUT_MOVED,
    SCORE: SCORES_MOVED,
    OUTCOME: OUTCOMES_MOVED,
    OFFER: OFFERS_MOVED,
    RULE: RULES_MOVED,
    SERVICE: SERVICE_REFUSED,
}


@dataclass(frozen=True)
class Sure:
    """Shifts between two snapshots, with the q-values over all of them together."""

    shifts: Mapping[str, Shift]
    q: Mapping[str, float]

    def stands(self, subject: str, tolerance: float, level: float) -> bool:
        """Return whether a subject moved by more than is tolerated, and surely."""
        found = self.shifts.get(subject)
        return found is not None and found.effect >= tolerance and self.q[subject] <= level


def moved(compared: Compared, settings: MonitoringSettings) -> Iterator[MonitoringFinding]:
    """Yield what moved against the last months and against the same months a year ago.

    An alarm has stood for two snapshots: both differ from the month before it began, and from their own
    months a year ago, where these are known.
    """
    now, before, base = compared.now, compared.before, compared.base
    if before is None:
        return
    first = [shifts_between(now, before, settings)]
    lasting = [shifts_between(now, base, settings), shifts_between(before, base, settings)] if base else []
    if compared.year:
        first.append(shifts_between(now, compared.year, settings))
        lasting.append(first[-1])
    if compared.year_before:
        lasting.append(shifts_between(before, compared.year_before, settings))
    for subject in first[0].shifts:
        tolerance = tolerance_of(subject, settings)
        level = settings.false_discovery
        if base and all(pair.stands(subject, tolerance, level) for pair in lasting):
            yield _finding(subject, "alarm", lasting[0].shifts[subject], tolerance)
        elif all(pair.stands(subject, tolerance, level) for pair in first):
            yield _finding(subject, "watch", first[0].shifts[subject], tolerance)


def broken(compared: Compared, settings: MonitoringSettings) -> Iterator[MonitoringFinding]:
    """Yield feeds that broke since the month before: no customers change like that, so once is enough."""
    now, before = compared.now, compared.before
    if before is None:
        return
    for subject, old in before.columns.items():
        new = now.columns.get(subject)
        if family(subject) != INPUT or old.rows < settings.min_cases:
            continue
        name = name_of(subject)
        if new is None or not new.rows:
            yield _alarm(FEED_MISSING, name, "the column is gone", 1.0, settings.missing_shift)
            continue
        lost = new.missing / new.rows - old.missing / old.rows
        shift = _column_shift(new, old)
        if lost >= settings.missing_shift:
            what = f"{new.missing / new.rows:.0%} of the rows are without a value, {lost:+.0%} in a month"
            yield _alarm(FEED_MISSING, name, what, lost, settings.missing_shift)
        elif len(new.counts) == 1 and len(old.counts) > 2:
            yield _alarm(FEED_CONSTANT, name, "the column is the same in all rows", 1.0, 1.0)
        elif new.present >= settings.min_cases <= old.present and shift.effect >= settings.broken_shift:
            what = f"distance {shift.effect:.2f} from the month before: another unit, code or file"
            yield _alarm(FEED_BROKEN, name, what, shift.effect, settings.broken_shift, shift.psi)


def shifts_between(one: SnapshotFacts, other: SnapshotFacts, settings: MonitoringSettings) -> Sure:
    """Return the shifts of all subjects that two snapshots share, with their q-values."""
    shifts: dict[str, Shift] = {}
    for subject, counts in one.columns.items():
        known = other.columns.get(subject)
        if known and min(counts.rows, known.rows) >= settings.min_cases and _comparable(subject, one, other):
            shifts[subject] = _column_shift(counts, known)
    for subject, rate in one.rates.items():
        known_rate = other.rates.get(subject)
        if known_rate and min(rate.rows, known_rate.rows) >= settings.min_cases:
            shifts[subject] = _rate_shift(rate, known_rate)
    q = false_discovery(np.array([shift.p for shift in shifts.values()], np.float64))
    return Sure(shifts, dict(zip(shifts, q.tolist(), strict=True)))


def tolerance_of(subject: str, settings: MonitoringSettings) -> float:
    """Return how far a subject may move."""
    return {
        INPUT: settings.input_shift,
        SCORE: settings.score_shift,
        OUTCOME: settings.outcome_shift,
        SERVICE: settings.max_refused,
    }.get(family(subject), settings.offer_shift)


def _comparable(subject: str, one: SnapshotFacts, other: SnapshotFacts) -> bool:
    """Scores of two models differ because the models do."""
    return family(subject) != SCORE or one.model == other.model


def _column_shift(one: ColumnCounts, other: ColumnCounts) -> Shift:
    """Return the larger of the shifts of the values and of the share without one."""
    values = (ordered_shift if one.kind == NUMBER else category_shift)(one.counts, other.counts)
    missing = rate_shift(one.missing, one.rows, other.missing, other.rows)
    p = min(1.0, 2 * min(values.p, missing.p))
    return Shift(max(values.effect, missing.effect), p, values.psi)


def _rate_shift(one: Rate, other: Rate) -> Shift:
    return rate_shift(one.cases, one.rows, other.cases, other.rows)


def _finding(subject: str, severity: Severity, shift: Shift, tolerance: float) -> MonitoringFinding:
    psi = None if np.isnan(shift.psi) else shift.psi
    since = "stands for two snapshots" if severity == "alarm" else "since the month before"
    what = f"moved by {shift.effect:.3f} (tolerated {tolerance:.2f}), {since}"
    code = CODE_OF[family(subject)]
    return MonitoringFinding(code, severity, name_of(subject), what, shift.effect, tolerance, psi)


def _alarm(
    code: str, subject: str, what: str, effect: float, tolerance: float, psi: float | None = None
) -> MonitoringFinding:
    return MonitoringFinding(code, "alarm", subject, what, effect, tolerance, psi)
