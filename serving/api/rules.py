"""The rules in force: text, source, dates, owner and conditions; what each stops, and what changed."""

from __future__ import annotations

from dataclasses import asdict

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.job_answers import job_answer, started
from serving.api.operations_models import (
    PolicyVersionsAnswer,
    RuleChangesAnswer,
    RulePricesAnswer,
    StartedAnswer,
)
from serving.api.record_models import RulesAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from serving.workspace.answers import answers_of
from serving.workspace.rule_work import RuleWork
from vipreco.store import Event, Role

PRICES = "/v1/rules/price"


def rules(request: HttpRequest) -> Response:
    """Answer with the rules in the order in which they are asked."""
    policy = answers_of(request.state).policy
    request.state.note_at_once(Event(request.known.actor, "rules.read", policy.version))
    found = [
        {
            "rule": one.entry.id,
            "stage": one.entry.stage.value,
            "reason_code": one.entry.reason_code,
            "law": one.entry.law,
            "text": one.entry.text.model_dump(),
            "source": one.entry.legal_reference,
            "valid_from": one.entry.valid_from,
            "valid_until": one.entry.valid_until,
            "owner": one.entry.owner,
            "concerns": one.concerns_sql,
            "requires": one.requires_sql,
        }
        for one in policy.compiled
    ]
    answer = {"policy_version": policy.version, "rules": found}
    return Response(to_json(answer), media_type="application/json")


def prices(request: HttpRequest) -> Response:
    """Answer with what each rule stops, as it was last measured."""
    return job_answer(_work(request).prices, lambda found: {"rules": found})


def measure(request: HttpRequest) -> Response:
    """Measure what each rule stops."""
    return started(request, PRICES, _work(request).measure)


def versions(request: HttpRequest) -> Response:
    """Answer with the versions of the rules that can be compared."""
    policy = answers_of(request.state).policy
    request.state.note_at_once(Event(request.known.actor, "rules.read", policy.version))
    answer = {"in_force": policy.version, "versions": [*_work(request).versions(policy)]}
    return Response(to_json(answer), media_type="application/json")


def compare(request: HttpRequest) -> Response:
    """Answer with the rules that differ between two versions."""
    work, parts = _work(request), request.http.path_params
    known = work.versions(answers_of(request.state).policy)
    changes = work.compared(known, parts["before"], parts["after"])
    if changes is None:
        raise not_found()
    answer = {**parts, "changes": [asdict(one) for one in changes]}
    return Response(to_json(answer), media_type="application/json")


def _work(request: HttpRequest) -> RuleWork:
    return RuleWork(request.state, request.known.actor)


READERS = programs_and_people(Role.AUDITOR, Role.APPROVER)
OPERATIONS = (
    Operation(
        "GET",
        "/v1/rules",
        rules,
        READERS,
        answers={200: RulesAnswer},
        summary="The rules in force, in the order in which they are asked.",
    ),
    Operation(
        "POST",
        PRICES,
        measure,
        READERS,
        answers={202: StartedAnswer},
        summary="Measure what each rule stops in calls, as `vipreco policy price` does.",
    ),
    Operation(
        "GET",
        PRICES,
        prices,
        READERS,
        answers={200: RulePricesAnswer, 202: RulePricesAnswer, 404: ProblemDocument},
        summary="Customers and value that each rule stops, as last measured; 202 while that runs.",
    ),
    Operation(
        "GET",
        "/v1/rules/versions",
        versions,
        READERS,
        answers={200: PolicyVersionsAnswer},
        summary="Versions of the rules on this machine: the one in force and those of all models.",
    ),
    Operation(
        "GET",
        "/v1/rules/compare/{before}/{after}",
        compare,
        READERS,
        answers={200: RuleChangesAnswer, 404: ProblemDocument},
        summary="The rules that differ between two versions, field by field.",
    ),
)
