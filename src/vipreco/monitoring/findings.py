"""Findings of monitoring: what moved, by how much, and who answers for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from vipreco.monitoring.finding_codes import ASSUMPTION, CODES, PAGE, WITHOUT_LABELS
from vipreco.monitoring.snapshot_facts import SnapshotFacts

Severity = Literal["alarm", "watch", "note"]
SEVERITIES: Final[tuple[Severity, ...]] = ("alarm", "watch", "note")


@dataclass(frozen=True)
class MonitoringFinding:
    """One thing that monitoring has to say.

    Args:
        code: Stable name, with a section in docs/monitoring.md.
        severity: alarm: act; watch: seen once, an alarm if it stands next month; note: worth knowing.
        subject: Column, product, group or rule.
        what: The finding in one sentence with its figures.
        effect: How large it is.
        tolerance: How large it may be.
        psi: Population stability index, shown alone; None where it has no meaning.
        owner: Who answers for it.
    """

    code: str
    severity: Severity
    subject: str
    what: str
    effect: float
    tolerance: float
    psi: float | None = None
    owner: str = ""

    @property
    def page(self) -> str:
        """The section of the documentation."""
        return f"{PAGE}#{self.code}"

    @property
    def assumption(self) -> str:
        """Assumption of an estimate without labels; empty where labels speak."""
        return ASSUMPTION if self.code in WITHOUT_LABELS else ""

    @property
    def place(self) -> tuple[int, int, float]:
        """Sorts findings: alarms first, then by the order of evidence, then the largest."""
        weight = self.effect / self.tolerance if self.tolerance else 0.0
        return SEVERITIES.index(self.severity), CODES.index(self.code), -weight


@dataclass(frozen=True)
class MonitoringResult:
    """Findings at a snapshot, with the facts behind them, oldest first."""

    day: date
    findings: tuple[MonitoringFinding, ...]
    facts: tuple[SnapshotFacts, ...]

    @property
    def alarms(self) -> tuple[MonitoringFinding, ...]:
        """The findings that somebody has to act on."""
        return tuple(finding for finding in self.findings if finding.severity == "alarm")
