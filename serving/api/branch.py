"""For branch heads beside the figures: whose hours a campaign needs most, and offers that were refused."""

from __future__ import annotations

from dataclasses import asdict

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.operations_models import ManagerHoursAnswer, RefusedOffersAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import Problem, ProblemDocument
from serving.workspace.manager_hours import hours_advice
from vipreco.store import Event, Role

HEADS = programs_and_people(Role.BRANCH_HEAD)


def manager_hours(request: HttpRequest) -> Response:
    """Answer with what one more hour of each manager of the branch is worth."""
    state, scope = request.state, request.scope
    found = hours_advice(state, state.store.books.sizes_of(scope))
    state.note_at_once(Event(scope.actor, "campaign.hours", f"branch:{scope.branch_id}"))
    if found is None:
        raise Problem(404, "no-hours")
    answer = {"campaign": found.name, "planned": found.planned, "managers": found.rows}
    return Response(to_json(answer), media_type="application/json")


def refused_offers(request: HttpRequest) -> Response:
    """Answer with why offers to customers of the branch were refused."""
    state, scope = request.state, request.scope
    state.note_at_once(Event(scope.actor, "kpi.read", f"branch:{scope.branch_id}"))
    found = [asdict(one) for one in state.store.feedback.refused(scope, state.today())]
    return Response(to_json({"offers": found}), media_type="application/json")


OPERATIONS = (
    Operation(
        "GET",
        "/v1/manager-hours",
        manager_hours,
        HEADS,
        answers={200: ManagerHoursAnswer, 404: ProblemDocument},
        summary="What one more hour of each manager of the branch would add to the last campaign.",
    ),
    Operation(
        "GET",
        "/v1/refused-offers",
        refused_offers,
        HEADS,
        answers={200: RefusedOffersAnswer},
        summary="Products that customers of the branch did not want in the last year, by cause.",
    ),
)
