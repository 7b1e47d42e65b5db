"""Outcomes of contacts: each is recorded once, however often it is sent."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from serving.api.idempotent import KEY_HEADER, answered_once
from serving.api.models import OutcomeAnswer, OutcomeRequest
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from vipreco.store import Contact, RecordedContact, Role


def record(request: HttpRequest) -> Response:
    """Record an outcome; the same key with the same body gives the same bytes again."""
    answer = answered_once(request, lambda key: _recorded(request, key))
    request.state.refresh()
    return answer


def _recorded(request: HttpRequest, key: str | None = None) -> Response:
    """Record the outcome and its audit record in one transaction."""
    state, sent = request.state, request.body
    now = state.now()
    with state.store.database.writing():
        found = state.store.contacts.record(
            request.scope, contact_of(sent, now), now, products=state.product_ids, request_key=key
        )
        result = "unknown" if found is None else "ok"
        state.note_at_once(state.read_of(request.scope, "outcome.record", sent.customer_id, result))
    if found is None:
        raise not_found()
    return _answer(found)


def contact_of(sent: OutcomeRequest, now: datetime) -> Contact:
    """Return the contact that a request describes."""
    given = sent.model_dump(exclude={"contacted_at"})
    return Contact(contacted_at=sent.contacted_at or now.replace(microsecond=0), **given)


def _answer(found: RecordedContact) -> Response:
    answer = OutcomeAnswer(
        contact_id=found.contact_id,
        sequence=found.sequence,
        again=found.again,
        ignored=list(found.ignored),
    )
    return Response(answer.model_dump_json(), 200 if found.again else 201, media_type="application/json")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/outcomes",
        record,
        programs_and_people(Role.MANAGER, Role.CHANNEL),
        body=OutcomeRequest,
        answers={201: OutcomeAnswer, 200: OutcomeAnswer, 404: ProblemDocument, 409: ProblemDocument},
        summary="Record the outcome of a contact with a customer.",
        headers=(KEY_HEADER,),
    ),
)
