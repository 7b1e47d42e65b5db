"""The programming interface: one module for each thing that can be asked for."""

from starlette.responses import JSONResponse, Response

from serving.api import decisions, health, offers, outcomes, sheets
from serving.http import openapi
from serving.http.operation import PUBLIC, HttpRequest, Operation

ANSWERING: tuple[Operation, ...] = (
    *offers.OPERATIONS,
    *outcomes.OPERATIONS,
    *sheets.OPERATIONS,
    *decisions.OPERATIONS,
    *health.OPERATIONS,
)


def description(request: HttpRequest) -> Response:
    """Answer with the OpenAPI document."""
    del request
    return JSONResponse(openapi.document(ANSWERING))


OPERATIONS = (*ANSWERING, Operation("GET", "/v1/openapi.json", description, PUBLIC))

__all__ = ["OPERATIONS"]
