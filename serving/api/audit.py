"""The audit: search its records, as the page of an auditor does."""

from __future__ import annotations

from dataclasses import asdict

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.record_models import AuditAnswer, ChainAnswer
from serving.http.audit_queries import FIELDS, audit_query
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import Problem, ProblemDocument
from serving.workspace.audit_chain import verify_chain
from vipreco.store import Event, Role

PAGE_SIZE = 200
SHOWN = ("sequence", "at", "actor", "action", "object", "result", "purpose", "model_version", "hash")


def search(request: HttpRequest) -> Response:
    """Answer with the newest records that the query asks for; a customer is named by pseudonym."""
    given = {name: request.http.query_params.get(name, "").strip() for name in FIELDS}
    query, wrong = audit_query(given)
    if wrong:
        raise Problem(422, "wrong-value", [("since, until, before", "wrong-value")])
    state = request.state
    searched = " ".join(f"{name}={value}" for name, value in given.items() if value and name != "before")
    state.note_at_once(Event(request.known.actor, "audit.read", searched))
    rows = state.store.audit.find(query, PAGE_SIZE + 1)
    shown = [{name: row[name] for name in SHOWN} for row in rows[:PAGE_SIZE]]
    head = state.store.audit.head()
    answer = {
        "records": shown,
        "older": shown[-1]["sequence"] if len(rows) > PAGE_SIZE else None,
        "head": {"sequence": head.sequence, "hash": head.hash},
    }
    return Response(to_json(answer), media_type="application/json")


def verify(request: HttpRequest) -> Response:
    """Verify the chain of the audit; the verification is recorded."""
    found = verify_chain(request.state, request.known.actor)
    answer = {"intact": not found.broken, **asdict(found)}
    return Response(to_json(answer), media_type="application/json")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/audit/verify",
        verify,
        programs_and_people(Role.AUDITOR),
        answers={200: ChainAnswer},
        summary="Every record of the audit against the chain, and the chain against signed heads.",
    ),
    Operation(
        "GET",
        "/v1/audit",
        search,
        programs_and_people(Role.AUDITOR),
        answers={200: AuditAnswer, 422: ProblemDocument},
        summary="Records of the audit, newest first; the query names actor, action, object, result, since, "
        "until (days in UTC), and before (a number, for the next page).",
    ),
)
