"""Outcomes of contacts: each is recorded once, however often it is sent."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

from starlette.responses import Response

from serving.api.models import OutcomeAnswer, OutcomeRequest
from serving.http.app_state import clock
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import MEDIA_TYPE, Problem, ProblemDocument, not_found, problem_of_error
from vipreco.errors import VipRecoError
from vipreco.store import Contact, KeyedRequest, KeyLookup, KeyState, RecordedContact, Role

KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = {"Idempotent-Replayed": "true"}


def record(request: HttpRequest) -> Response:
    """Record an outcome; the same key with the same body gives the same bytes again."""
    key = _key(request)
    answer = _recorded(request) if key is None else _once(request, key)
    request.state.refresh()
    return answer


def _once(request: HttpRequest, key: str) -> Response:
    """Record the outcome, its audit record and the answer under the key in one transaction."""
    body = hashlib.sha256(request.body.model_dump_json().encode()).hexdigest()
    refused: list[Problem] = []

    def work() -> tuple[int, bytes]:
        refused.clear()
        try:
            answer = _recorded(request, key)
        except (Problem, VipRecoError) as error:
            problem = error if isinstance(error, Problem) else problem_of_error(error)
            if problem.status >= 500:  # a failure of the moment: the request may be sent again
                raise
            refused.append(problem)
            return problem.status, problem.content(request.request_id)
        return answer.status_code, bytes(answer.body)

    keyed = KeyedRequest(request.known.actor, key, body)
    found = request.state.store.idempotency.run_once(keyed, clock(), work)
    if found.state is not KeyState.FRESH:
        return _not_fresh(found)
    if refused:
        raise refused[0]
    return Response(found.response, found.status, media_type="application/json")


def _not_fresh(found: KeyLookup) -> Response:
    if found.state is KeyState.RUNNING:
        raise Problem(409, "still-running", headers={"Retry-After": "1"})
    if found.state is KeyState.OTHER:
        raise Problem(422, "other-content", [(KEY_HEADER, "other-content")])
    kind = "application/json" if found.status < 400 else MEDIA_TYPE
    return Response(found.response, found.status, REPLAYED, kind)


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


def _key(request: HttpRequest) -> str | None:
    """Return the key of a request.

    Raises:
        Problem: Too long, or not printable.
    """
    key = request.http.headers.get(KEY_HEADER)
    if key is not None and KEY.fullmatch(key) is None:
        raise Problem(400, "idempotency-key", [(KEY_HEADER, "idempotency-key")])
    return key


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
