"""The book of a manager: all customers with assets, chances, duty, promise and maturity."""

from __future__ import annotations

from dataclasses import asdict

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.record_models import BookAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.workspace.answers import answers_of
from vipreco.lists import Wording, book_overview
from vipreco.store import Event, Role


def book(request: HttpRequest) -> Response:
    """Answer with the customers of the caller's book, the largest assets first."""
    answers, scope = answers_of(request.state), request.scope
    request.state.note_at_once(Event(scope.actor, "book.read", scope.manager_id or ""))
    lines = book_overview(answers.day(scope), Wording("en", currency=answers.currency))
    answer = {
        "manager_id": scope.manager_id,
        "model_version": answers.model_version,
        "currency": answers.currency,
        "customers": [asdict(line) for line in lines],
    }
    return Response(to_json(answer, inf_nan_mode="null"), media_type="application/json")


OPERATIONS = (
    Operation(
        "GET",
        "/v1/book",
        book,
        programs_and_people(Role.MANAGER),
        answers={200: BookAnswer},
        summary="All customers of the caller's book, the largest assets first.",
    ),
)
