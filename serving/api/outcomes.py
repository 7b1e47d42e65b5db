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
from vipreco.store import Contact, KeyLookup, KeyState, RecordedContact, Role

KEY_HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = {"Idempotent-Replayed": "true"}


def record(request: HttpRequest) -> Response:
    """Record an outcome; the same key with the same body gives the same bytes again."""
    key = _key(request)
    if key is None:
        return _once(request)
    store, actor = request.state.store.idempotency, request.known.actor
    body = hashlib.sha256(request.body.model_dump_json().encode()).hexdigest()
    ticket = store.begin(actor, key, body, clock())
    if ticket.state is not KeyState.FRESH:
        return _not_fresh(ticket)
    try:
        answer = _once(request)
    except Problem as problem:
        return _refused(request, key, problem)
    except VipRecoError as error:
        return _refused(request, key, problem_of_error(error))
    except BaseException:
        store.forget(actor, key)
        raise
    store.finish(actor, key, answer.status_code, bytes(answer.body))
    return answer


def _refused(request: HttpRequest, key: str, problem: Problem) -> Response:
    """Keep an answer that would be the same again; forget what was a failure of the moment."""
    store, actor = request.state.store.idempotency, request.known.actor
    if problem.status >= 500:
        store.forget(actor, key)
        raise problem
    store.finish(actor, key, problem.status, problem.content(request.request_id))
    raise problem


def _not_fresh(ticket: KeyLookup) -> Response:
    if ticket.state is KeyState.RUNNING:
        raise Problem(409, "still-running", headers={"Retry-After": "1"})
    if ticket.state is KeyState.OTHER:
        raise Problem(422, "other-content", [(KEY_HEADER, "other-content")])
    kind = "application/json" if ticket.status < 400 else MEDIA_TYPE
    return Response(ticket.response, ticket.status, REPLAYED, kind)


def _once(request: HttpRequest) -> Response:
    state, sent = request.state, request.body
    now = state.now()
    contact = contact_of(sent, now)
    found = state.store.contacts.record(request.scope, contact, now)
    result = "unknown" if found is None else "ok"
    state.note_at_once(state.read_of(request.scope, "outcome.record", sent.customer_id, result))
    if found is None:
        raise not_found()
    state.refresh()
    return _answer(found)


def contact_of(sent: OutcomeRequest, now: datetime) -> Contact:
    """Return the contact that a request describes."""
    given = sent.model_dump(exclude={"contacted_at"})
    return Contact(contacted_at=sent.contacted_at or now.replace(microsecond=0), **given)


def _answer(found: RecordedContact) -> Response:
    told = OutcomeAnswer(contact_id=found.contact_id, sequence=found.sequence, again=found.again)
    return Response(told.model_dump_json(), 200 if found.again else 201, media_type="application/json")


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
