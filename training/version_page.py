"""Everything about a registered version as one record, for its page and for other programs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from training.approval import Approval
from training.gates import CASES, Finding
from training.registry import Version
from training.summary import reliability_bins, summarise
from vipreco.project import Project

FIELDS: Final = (
    "version", "aliases", "as_of_date", "recipe", "trained_by", "snapshot_id", "artifact_hash", "run_id",
    "retired",
)  # fmt: skip


def describe_version(
    project: Project, version: Version, findings: Iterable[Finding], decided: Iterable[Approval]
) -> dict[str, Any]:
    """Return everything about a version that its page shows, as JSON values."""
    judged, approved = list(findings), list(decided)
    summary = summarise(version.metrics, judged)
    fields, settings = {name: getattr(version, name) for name in FIELDS}, project.settings.project
    return {
        **{name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()},
        "verdict": list(summary.lines),
        "passes": all(finding.passed for finding in judged),
        "broken": [_gate(finding) for finding in judged if not finding.passed],
        "cases": version.metrics.get(CASES),
        "approvals": list(map(str, approved)),
        "approved": [asdict(one) for one in approved],
        "numbers": list(summary.rows),
        "calibration": reliability_bins(version.metrics),
        "mlflow": mlflow_page(settings.tracking, settings.model, version.version),
    }


def _gate(finding: Finding) -> dict[str, Any]:
    """Return a bound that does not hold; numbers that are none are left out, as JSON has no word for them."""
    numbers = [number if math.isfinite(number) else None for number in finding.numbers]
    return {
        "metric": finding.metric,
        "bound": finding.bound,
        "numbers": numbers,
        "sentence": finding.sentence,
    }


def mlflow_page(tracking: str, model: str, version: str) -> str:
    """Return the address of a version on an MLflow server; empty where the tracking is no server.

    >>> mlflow_page("https://ann:secret@mlflow.bank.example/", "vipreco", "3")
    'https://mlflow.bank.example/#/models/vipreco/versions/3'
    >>> mlflow_page("sqlite:///data/tracking.db", "vipreco", "3")
    ''
    """
    parts = urlsplit(tracking)
    if parts.scheme not in {"http", "https"}:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        (parts.scheme, host, parts.path.rstrip("/") + "/", "", f"/models/{quote(model)}/versions/{version}")
    )
