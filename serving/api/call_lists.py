"""Today's call list of the caller, as `vipreco calllist` writes it."""

from __future__ import annotations

import io
import json

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.record_models import CallListAnswer
from serving.api.sheets import language_of
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.purposes import with_purpose
from serving.workspace.answers import answers_of
from serving.workspace.book_service import BookService
from vipreco.documents import write_document
from vipreco.lists import Wording, call_list_document
from vipreco.store import Event, Role


def calls(request: HttpRequest) -> Response:
    """Answer with the call list of the caller's book, without names and phones."""
    answers, scope = answers_of(request.state), request.scope
    request.state.note_at_once(with_purpose(request, Event(scope.actor, "list.read", scope.manager_id or "")))
    say, manager = Wording(language_of(request), currency=answers.currency), scope.manager_id or ""
    service = BookService(request.state, answers, scope, say)
    target, listed = io.BytesIO(), service.call_list()
    write_document(call_list_document(listed, say), target, "json")
    answer = {
        "manager_id": manager,
        "date": listed.date,
        "model_version": answers.model_version,
        "decision_id": service.keep_list(),
        "call_list": json.loads(target.getvalue()),
    }
    return Response(to_json(answer, inf_nan_mode="null"), media_type="application/json")


OPERATIONS = (
    Operation(
        "GET",
        "/v1/call-list",
        calls,
        programs_and_people(Role.MANAGER),
        answers={200: CallListAnswer},
        summary="Today's calls of the caller's book, in their order.",
    ),
)
