"""The verdict about a challenger: a file with every bound, the number found, and what it means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from training.gates import Finding, judge, refusals
from training.result import ComparedChampion, Record
from vipreco.durable import canonical_json
from vipreco.settings import Section

VERDICT_FILE: Final = "verdict.json"
PASSED, UNDECIDED, REFUSED = "passed", "undecided", "refused"
Decision = Literal["passed", "undecided", "refused"]
SENTENCES: Final[Mapping[str, str]] = {
    PASSED: "it meets every gate",
    UNDECIDED: "it meets every value, but there are too few cases to be sure",
    REFUSED: "it does not meet every gate",
}


class JudgedBound(Section):
    """One bound of the gates, and what was found."""

    metric: str
    passed: bool
    undecided: bool = False
    sentence: str
    detail: str = ""


class Verdict(Section):
    """All of a verdict; its hash is what an approver signs.

    Args:
        artifact_hash: What was judged.
        recipe, snapshot_id, feature_fingerprint, as_of_date, trained_by: Where it comes from.
        compared_with: The champion on the same months and customers; None where there was none.
        own_gates: True when the recipe brought its own gates instead of `training/gates.toml`.
        error_rate: How often a challenger that is worse by a whole margin may pass.
        decision: passed; undecided (too few cases to be sure); refused.
        bounds: In the order of the gates.
    """

    format: int = 1
    artifact_hash: str
    recipe: str
    snapshot_id: str
    feature_fingerprint: str
    as_of_date: str
    trained_by: str
    compared_with: ComparedChampion | None
    own_gates: bool
    error_rate: float | None
    decision: Decision
    bounds: tuple[JudgedBound, ...]

    def content(self) -> bytes:
        """Return the verdict as the file has it."""
        return canonical_json(self.model_dump(mode="json"))

    @property
    def hash(self) -> str:
        """SHA-256 of the file: which verdict an approval is about."""
        return hashlib.sha256(self.content()).hexdigest()

    @property
    def sentence(self) -> str:
        """The decision in words."""
        beside = f", beside version {self.compared_with.version}" if self.compared_with else ""
        gates = "the gates of its recipe" if self.own_gates else "training/gates.toml"
        return f"{self.decision}: {SENTENCES[self.decision]} ({gates}{beside})"


def make_verdict(record: Record) -> Verdict:
    """Return the verdict about a finished training."""
    findings = judge(record.gates, record.summary_metrics, record.champion_metrics)
    return Verdict(
        artifact_hash=record.artifact_hash,
        recipe=record.recipe,
        snapshot_id=record.snapshot_id,
        feature_fingerprint=record.feature_fingerprint,
        as_of_date=record.as_of_date,
        trained_by=record.trained_by,
        compared_with=record.compared_with,
        own_gates=record.own_gates,
        error_rate=record.error_rate,
        decision=decide(findings),
        bounds=tuple(
            JudgedBound(
                metric=finding.metric,
                passed=finding.passed,
                undecided=finding.undecided,
                sentence=finding.sentence,
                detail=record.details.get(finding.metric, ""),
            )
            for finding in findings
        ),
    )


def decide(findings: Sequence[Finding]) -> Decision:
    """Return what the findings amount to."""
    if not refusals(findings):
        return "passed"
    return "undecided" if all(finding.passed or finding.undecided for finding in findings) else "refused"
