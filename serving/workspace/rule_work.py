"""Rules in force and those of other models: what each stops, and the difference of two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from serving.workspace.jobs import Job
from serving.workspace.reader_work import ReaderWork
from vipreco.errors import VipRecoError
from vipreco.policy import Policy, RuleChange, compare_policies
from vipreco.project import Project
from vipreco.recommender import read_policy

PRICE_JOB: Final = "rule-price"
PRICE: Final = ("policy", "price", "--channel", "call", "--format", "json")
POLICY_FOLDER: Final = "policy"


@dataclass(frozen=True)
class RuleWork(ReaderWork):
    """The rules for a reader."""

    @property
    def prices(self) -> Job | None:
        """The last measurement of what each rule stops."""
        return self.jobs.last(PRICE_JOB)

    def versions(self, in_force: Policy) -> Mapping[str, Policy]:
        """Return the rules in force and those of all models on this machine, by version."""
        return {in_force.version: in_force, **kept_policies(self.state.root)}

    def measure(self) -> None:
        """Measure what each rule stops, by `vipreco policy price`."""
        self.jobs.start(PRICE_JOB, PRICE, self.actor)
        self.note("rules.price", PRICE_JOB)

    def compared(
        self, versions: Mapping[str, Policy], before: str, after: str
    ) -> Sequence[RuleChange] | None:
        """Return which rules differ between two versions; None where one is unknown."""
        self.note("rules.compare", f"{before} {after}")
        if before not in versions or after not in versions:
            return None
        return compare_policies(versions[before], versions[after])


def kept_policies(root: Path) -> Mapping[str, Policy]:
    """Return the rules of all models on this machine, by their version."""
    try:
        artifacts = Project.find(root).artifacts
    except VipRecoError:
        return {}
    found = (_policy(folder) for folder in sorted(artifacts.glob(f"*/{POLICY_FOLDER}")))
    return {policy.version: policy for policy in found}


@lru_cache(maxsize=16)  # reading and checking the rules of one artifact takes 60 ms
def _policy(folder: Path) -> Policy:
    return read_policy(folder.parent)
