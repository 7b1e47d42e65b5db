"""Findings as Prometheus gauges in a text file, as node_exporter's textfile collector reads it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from vipreco.monitoring.findings import SEVERITIES, MonitoringFinding, MonitoringResult
from vipreco.monitoring.snapshot_facts import ALL

PREFIX: Final = "vipreco_monitoring"


def textfile_gauges(result: MonitoringResult) -> str:
    """Return the exposition of a result: findings by severity, their effects, and the newest calibration."""
    return "".join(f"{line}\n" for line in _lines(result))


def _lines(result: MonitoringResult) -> Iterator[str]:
    yield from _head("findings", "Findings of the newest snapshot by severity.")
    for severity in SEVERITIES:
        count = sum(finding.severity == severity for finding in result.findings)
        yield f'{PREFIX}_findings{{severity="{severity}"}} {count}'
    yield from _head("effect", "Size of a finding as a multiple of what is tolerated.")
    for finding in result.findings:
        if finding.tolerance:
            yield f"{PREFIX}_effect{_labels(finding)} {finding.effect / finding.tolerance:.6g}"
    yield from _head("snapshot_timestamp_seconds", "Date of the snapshot that was judged.")
    midnight = datetime(result.day.year, result.day.month, result.day.day, tzinfo=UTC)
    yield f"{PREFIX}_snapshot_timestamp_seconds {midnight.timestamp():.0f}"
    matured = [facts for facts in result.facts if ALL in facts.matured]
    if matured:
        newest = matured[-1].matured[ALL]
        yield from _head("expected_acquisitions", "Expected in the newest matured month.")
        yield f"{PREFIX}_expected_acquisitions {newest.expected:.6g}"
        yield from _head("observed_acquisitions", "Observed in the newest matured month.")
        yield f"{PREFIX}_observed_acquisitions {newest.observed:.6g}"


def _head(name: str, meaning: str) -> tuple[str, str]:
    return f"# HELP {PREFIX}_{name} {meaning}", f"# TYPE {PREFIX}_{name} gauge"


def _labels(finding: MonitoringFinding) -> str:
    pairs = {"code": finding.code, "severity": finding.severity, "subject": finding.subject}
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in pairs.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
