"""The rules in force: text, source, dates, owner and conditions."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.record_models import RulesAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.workspace.answers import answers_of
from vipreco.store import Event, Role


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


OPERATIONS = (
    Operation(
        "GET",
        "/v1/rules",
        rules,
        programs_and_people(Role.AUDITOR, Role.APPROVER),
        answers={200: RulesAnswer},
        summary="The rules in force, in the order in which they are asked.",
    ),
)
