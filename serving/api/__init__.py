"""The programming interface: one module for each thing that can be asked for."""

from starlette.responses import JSONResponse, Response

from serving import openapi
from serving.access import PUBLIC, Asked, Operation
from serving.api import decisions, health, offers, outcomes, sheets

ANSWERING: tuple[Operation, ...] = (
    *offers.OPERATIONS,
    *outcomes.OPERATIONS,
    *sheets.OPERATIONS,
    *decisions.OPERATIONS,
    *health.OPERATIONS,
)


def description(asked: Asked) -> Response:
    """Answer with the OpenAPI document."""
    del asked
    return JSONResponse(openapi.document(ANSWERING))


OPERATIONS = (*ANSWERING, Operation("GET", "/v1/openapi.json", description, PUBLIC))

__all__ = ["OPERATIONS"]
