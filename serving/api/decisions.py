"""Past decisions, as they were answered."""

from __future__ import annotations

import json
import time

from starlette.responses import Response

from serving.api.models import DecisionAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from vipreco.store import Decision, Role

LOOKS, PAUSE_SECONDS = 4, 0.1


def read(request: HttpRequest) -> Response:
    """Answer with a past decision about a customer whom the caller may see."""
    state = request.state
    found = _found(request, request.http.path_params["decision_id"])
    if found is None:
        raise not_found()
    state.note_at_once(state.read_of(request.scope, "decision.read", found.customer_id))
    told = DecisionAnswer(
        decision_id=found.decision_id,
        customer_id=found.customer_id,
        made_at=found.made_at,
        record=json.loads(found.record),
    )
    return Response(told.model_dump_json(), media_type="application/json")


def _found(request: HttpRequest, decision_id: str) -> Decision | None:
    """Return a decision, or None; a recent one may still be on its way into the store."""
    request.state.spool.flush()
    for _ in range(LOOKS):
        found = request.state.store.decisions.read(request.scope, decision_id)
        if found is not None:
            return found
        time.sleep(PAUSE_SECONDS)
    return None


OPERATIONS = (
    Operation(
        "GET",
        "/v1/decisions/{decision_id}",
        read,
        programs_and_people(Role.MANAGER, Role.CHANNEL, Role.MARKETING),
        answers={200: DecisionAnswer, 404: ProblemDocument},
        summary="A decision as it was answered.",
    ),
)
