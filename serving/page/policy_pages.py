"""The rules in force with text, source, dates and price, and the difference of two versions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

from serving.http.operation import HttpRequest, Operation, people
from serving.page.responses import note, redirect, say_of, show
from serving.workspace.book_service import FindAnswers
from serving.workspace.jobs import Jobs
from vipreco.errors import VipRecoError
from vipreco.policy import Policy, compare_policies
from vipreco.project import Project
from vipreco.recommender import read_policy
from vipreco.store import Role

READERS = people(Role.AUDITOR, Role.APPROVER)
PRICE_JOB = "rule-price"
POLICY_FOLDER = "policy"


@dataclass
class PolicyPages:
    """The handlers.

    Args:
        answers: Finds the answers that are in force.
    """

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        return (
            Operation("GET", "/rules", self.rules, READERS),
            Operation("POST", "/rules/price", self.price, READERS, form=True),
            Operation("GET", "/rules/compare", self.compare, READERS),
        )

    def rules(self, request: HttpRequest) -> Response:
        """Show the rules in force, with what each stops where that was measured."""
        answers = self.answers(request.state)
        policy, job = answers.policy, Jobs(request.state.root).last(PRICE_JOB)
        note(request, "rules.read", policy.version)
        found = job.content if job else None
        values = {
            "say": say_of(request, answers.currency),
            "policy": policy,
            "today": request.state.today(),
            "job": job,
            "prices": {row["rule"]: row for row in found} if isinstance(found, list) else {},
        }
        return show(request, "rules.html", values)

    def price(self, request: HttpRequest) -> Response:
        """Measure what each rule stops, by `vipreco policy price`."""
        arguments = ["policy", "price", "--channel", "call", "--format", "json"]
        Jobs(request.state.root).start(PRICE_JOB, arguments, request.known.actor)
        note(request, "rules.price", PRICE_JOB)
        return redirect("/rules")

    def compare(self, request: HttpRequest) -> Response:
        """Show which rules differ between two versions."""
        policy = self.answers(request.state).policy
        versions: dict[str, Policy] = {policy.version: policy, **kept_policies(request.state.root)}
        query = request.http.query_params
        after = query.get("after", policy.version)
        others = [version for version in versions if version != after]
        before = query.get("before", others[0] if others else after)
        note(request, "rules.compare", f"{before} {after}")
        known = before in versions and after in versions
        values: dict[str, Any] = {
            "versions": tuple(versions),
            "in_force": policy.version,
            "before": before,
            "after": after,
            "changes": compare_policies(versions[before], versions[after]) if known else [],
            "known": known,
        }
        return show(request, "rules_compare.html", values)


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
