"""Feedback on offers and their reasons: what was not useful, and why."""

from __future__ import annotations

from starlette.responses import Response

from serving.api.models import FeedbackAnswer, FeedbackRequest
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from serving.workspace.marks import record_mark
from vipreco.store import Feedback, Role


def record(request: HttpRequest) -> Response:
    """Record feedback on an offer or a reason of a customer whom the caller may see."""
    sent: FeedbackRequest = request.body
    mark = Feedback(sent.customer_id, sent.product_id, sent.reason_id or "", sent.cause)
    if not record_mark(request.state, request.scope, mark):
        raise not_found()
    answer = FeedbackAnswer(recorded_date=request.state.today())
    return Response(answer.model_dump_json(), 201, media_type="application/json")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/feedback",
        record,
        programs_and_people(Role.MANAGER),
        body=FeedbackRequest,
        answers={201: FeedbackAnswer, 404: ProblemDocument, 409: ProblemDocument},
        summary="Mark an offer, or one of its reasons, as not useful.",
    ),
)
