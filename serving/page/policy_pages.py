"""The rules in force with text, source, dates and price, and the difference of two versions of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from serving.http.operation import HttpRequest, Operation, people
from serving.page.responses import note, redirect, say_of, show
from serving.workspace.book_service import FindAnswers
from serving.workspace.rule_work import RuleWork
from vipreco.store import Role

READERS = people(Role.AUDITOR, Role.APPROVER)


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
        answers, job = self.answers(request.state), _work(request).prices
        note(request, "rules.read", answers.policy.version)
        found = job.content if job else None
        values = {
            "say": say_of(request, answers.currency),
            "policy": answers.policy,
            "today": request.state.today(),
            "job": job,
            "prices": {row["rule"]: row for row in found} if isinstance(found, list) else {},
        }
        return show(request, "rules.html", values)

    def price(self, request: HttpRequest) -> Response:
        """Measure what each rule stops, by `vipreco policy price`."""
        _work(request).measure()
        return redirect("/rules")

    def compare(self, request: HttpRequest) -> Response:
        """Show which rules differ between two versions."""
        policy, work = self.answers(request.state).policy, _work(request)
        versions, query = work.versions(policy), request.http.query_params
        after = query.get("after", policy.version)
        others = [version for version in versions if version != after]
        before = query.get("before", others[0] if others else after)
        changes = work.compared(versions, before, after)
        values: dict[str, Any] = {
            "versions": tuple(versions),
            "in_force": policy.version,
            "before": before,
            "after": after,
            "changes": changes or [],
            "known": changes is not None,
        }
        return show(request, "rules_compare.html", values)


def _work(request: HttpRequest) -> RuleWork:
    return RuleWork(request.state, request.known.actor)
