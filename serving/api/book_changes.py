"""Leave covers and hand-overs for programs, by the service behind their pages."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from serving.api.idempotent import KEY_HEADER, answered_once
from serving.api.json_answers import json_answer
from serving.api.record_models import (
    CoverGrantedAnswer,
    CoverRequest,
    CoversAnswer,
    HandedOverAnswer,
    HandOverRequest,
    HandOversAnswer,
)
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument
from serving.workspace.book_changes import BookChanges
from vipreco.store import Cover, Role

COVERS, HAND_OVERS = "/v1/covers", "/v1/hand-overs"
WHO = programs_and_people(Role.ADMIN, Role.BRANCH_HEAD)
REFUSALS = {404: ProblemDocument, 409: ProblemDocument}


def covers(request: HttpRequest) -> Response:
    """Answer with the leave covers of the caller's books."""
    found = [
        {"cover_id": one.cover_id, **asdict(one.cover), "granted_by": one.granted_by}
        for one in _changes(request).covers()
    ]
    return json_answer({"covers": found})


def grant(request: HttpRequest) -> Response:
    """Let a deputy see the book of a manager who is away."""
    sent: CoverRequest = request.body
    cover = Cover(sent.manager_id, sent.deputy_id, sent.from_date, sent.until_date)

    def granted(_: str | None) -> Response:
        return json_answer({"cover_id": _changes(request).grant(cover)}, 201)

    return answered_once(request, granted, COVERS)


def end(request: HttpRequest) -> Response:
    """Revoke a leave cover; one that has ended is not found."""
    cover_id = request.http.path_params["cover_id"]
    _changes(request).end(cover_id)
    return json_answer({"cover_id": int(cover_id)})


def hand_overs(request: HttpRequest) -> Response:
    """Answer with the hand-overs in force of the caller's books."""
    return json_answer({"hand_overs": [asdict(one) for one in _changes(request).hand_overs()]})


def hand_over(request: HttpRequest) -> Response:
    """Move a book, or some of its customers, to another manager."""
    sent: HandOverRequest = request.body

    def moved(_: str | None) -> Response:
        changes = _changes(request)
        customers = changes.hand_over(sent.from_manager_id, sent.to_manager_id, sent.customer_ids)
        return json_answer({"customers": customers}, 201)

    return answered_once(request, moved, HAND_OVERS)


def _changes(request: HttpRequest) -> BookChanges:
    return BookChanges(request.state, request.scope)


OPERATIONS = (
    Operation(
        "GET",
        COVERS,
        covers,
        WHO,
        answers={200: CoversAnswer},
        summary="Leave covers of the books that the caller answers for, the newest first.",
    ),
    Operation(
        "POST",
        COVERS,
        grant,
        WHO,
        body=CoverRequest,
        answers={201: CoverGrantedAnswer, **REFUSALS},
        summary="Let a deputy see the book of a manager who is away.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "POST",
        f"{COVERS}/{{cover_id}}/end",
        end,
        WHO,
        answers={200: CoverGrantedAnswer, 404: ProblemDocument},
        summary="Revoke a leave cover.",
    ),
    Operation(
        "GET",
        HAND_OVERS,
        hand_overs,
        WHO,
        answers={200: HandOversAnswer},
        summary="Hand-overs in force of the books that the caller answers for, the newest first.",
    ),
    Operation(
        "POST",
        HAND_OVERS,
        hand_over,
        WHO,
        body=HandOverRequest,
        answers={201: HandedOverAnswer, **REFUSALS},
        summary="Move a book, or some of its customers, to another manager, at once.",
        headers=(KEY_HEADER,),
    ),
)
