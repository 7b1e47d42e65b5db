"""The API for programs: one module for each resource."""

from starlette.responses import JSONResponse, Response

from serving.api import (
    accounts,
    audit,
    book,
    book_changes,
    branch,
    call_lists,
    campaigns,
    decisions,
    feedback,
    figures,
    health,
    model_versions,
    offers,
    operations,
    outcomes,
    rules,
    sheets,
    switches,
)
from serving.http import openapi
from serving.http.operation import PUBLIC, HttpRequest, Operation

API_OPERATIONS: tuple[Operation, ...] = (
    *offers.OPERATIONS,
    *outcomes.OPERATIONS,
    *sheets.OPERATIONS,
    *decisions.OPERATIONS,
    *feedback.OPERATIONS,
    *figures.OPERATIONS,
    *book.OPERATIONS,
    *call_lists.OPERATIONS,
    *book_changes.OPERATIONS,
    *campaigns.OPERATIONS,
    *audit.OPERATIONS,
    *rules.OPERATIONS,
    *switches.OPERATIONS,
    *model_versions.OPERATIONS,
    *branch.OPERATIONS,
    *accounts.OPERATIONS,
    *operations.OPERATIONS,
    *health.OPERATIONS,
)


def description(request: HttpRequest) -> Response:
    """Answer with the OpenAPI document."""
    del request
    return JSONResponse(openapi.document(API_OPERATIONS))


OPERATIONS = (*API_OPERATIONS, Operation("GET", "/v1/openapi.json", description, PUBLIC))

__all__ = ["OPERATIONS"]
