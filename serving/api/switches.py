"""Kill switches for programs: products and models that must not be offered, with the reason."""

from __future__ import annotations

from dataclasses import asdict

from starlette.responses import Response

from serving.api.idempotent import KEY_HEADER, answered_once
from serving.api.json_answers import json_answer
from serving.api.record_models import SwitchedAnswer, SwitchesAnswer, SwitchOffRequest, SwitchRequest
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument
from serving.workspace.switches import KillSwitches
from vipreco.store import Role

WHO = programs_and_people(Role.SCIENTIST, Role.APPROVER)
OFF, ON = "/v1/switches/off", "/v1/switches/on"


def switches(request: HttpRequest) -> Response:
    """Answer with what is switched off."""
    found = [asdict(one) for one in request.state.store.switches.all()]
    return json_answer({"switches": found})


def switch_off(request: HttpRequest) -> Response:
    """Switch a product or the model that is served off."""
    sent: SwitchOffRequest = request.body

    def switched(_: str | None) -> Response:
        _of(request).off(sent.kind, sent.name, sent.reason)
        return _answer(sent.kind, sent.name, 201)

    return answered_once(request, switched, OFF)


def switch_on(request: HttpRequest) -> Response:
    """Switch a product or a model on again."""
    sent: SwitchRequest = request.body

    def switched(_: str | None) -> Response:
        _of(request).on(sent.kind, sent.name)
        return _answer(sent.kind, sent.name, 200)

    return answered_once(request, switched, ON)


def _of(request: HttpRequest) -> KillSwitches:
    return KillSwitches(request.state, request.scope)


def _answer(kind: str, name: str, status: int) -> Response:
    return json_answer({"kind": kind, "name": name}, status)


OPERATIONS = (
    Operation(
        "GET",
        "/v1/switches",
        switches,
        WHO,
        answers={200: SwitchesAnswer},
        summary="Products and models that are switched off, with the reason.",
    ),
    Operation(
        "POST",
        OFF,
        switch_off,
        WHO,
        body=SwitchOffRequest,
        answers={201: SwitchedAnswer, 409: ProblemDocument},
        summary="Switch a product, or the model that is served, off; the service follows within seconds.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "POST",
        ON,
        switch_on,
        WHO,
        body=SwitchRequest,
        answers={200: SwitchedAnswer, 409: ProblemDocument},
        summary="Switch a product or a model on again.",
        headers=(KEY_HEADER,),
    ),
)
