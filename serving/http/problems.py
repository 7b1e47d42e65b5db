"""Problem answers: JSON by RFC 9457, without a word of the input.

What is wrong in a text that the caller wrote, such as a campaign file, is told to the caller alone: names of
its settings stand in `detail`, and no log has them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from starlette.responses import Response

from vipreco.errors import BusyError, InputRejectedError, UsageError, VipRecoError

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
RETRY_SECONDS = 1
JOB_SECONDS = 5
# Commands beside the workers: as many run as may, or this one about something else.
JOBS_RUNNING, JOB_RUNNING = "jobs-running", "job-running"
JOBS = frozenset({JOBS_RUNNING, JOB_RUNNING})
UNKNOWN_KEY = "*"  # stands for a name that the caller made up: it may be a customer's


class FieldError(BaseModel):
    """One wrong field: where it stands, and the stable name of the rule that it breaks."""

    field: str = Field(description="Path of the field; `*` stands for a name that is not ours.")
    code: str = Field(description="Stable name of the rule.")
    detail: str = Field(
        default="", description="What is wrong in a text that the caller wrote, and in which line of it."
    )


class ProblemDocument(BaseModel):
    """Reason why a request was not answered."""

    type: str
    title: str
    status: int
    detail: str = Field(
        default="", description="What is wrong and what to do, where the type does not say it."
    )
    errors: list[FieldError] = []
    request_id: str


class Problem(Exception):  # noqa: N818 - the standard's own word
    """A request that is not answered.

    Args:
        status: Status of HTTP.
        code: Stable name of what is wrong.
        errors: Path and code of each wrong field, and what is wrong in words where the code does not say it.
        headers: Headers that go with it.
        detail: What is wrong and what to do, where the code does not say it.
    """

    def __init__(
        self,
        status: int,
        code: str,
        errors: Sequence[tuple[str, str] | tuple[str, str, str]] = (),
        headers: Mapping[str, str] | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.errors, self.detail = status, code, tuple(errors), detail
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> Response:
        """Return the problem as it goes out."""
        return Response(self.content(request_id), self.status, self.headers, MEDIA_TYPE)

    def content(self, request_id: str) -> bytes:
        """Return the problem's document."""
        document = {
            "type": f"urn:vipreco:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            **({"detail": self.detail} if self.detail else {}),
            "errors": [dict(zip(FieldError.model_fields, one, strict=False)) for one in self.errors],
            "request_id": request_id,
        }
        return json.dumps(document).encode()


def unauthorized(code: str = "not-authenticated") -> Problem:
    """Return the problem of a caller without a valid token or session."""
    return Problem(401, code, headers={"WWW-Authenticate": 'Bearer realm="vipreco"'})


def not_found() -> Problem:
    """Return the problem for an unknown customer and for one whom the caller may not see, alike."""
    return Problem(404, "not-found")


def unavailable(code: str, seconds: int = RETRY_SECONDS, detail: str = "") -> Problem:
    """Return the problem for a dependency that does not answer, or too much load."""
    return Problem(503, code, headers={"Retry-After": str(seconds)}, detail=detail)


def problem_of_validation(error: ValidationError, model: type[BaseModel]) -> Problem:
    """Return the wrong fields of a body; names that are not the model's own are not repeated."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] == "json_invalid" for item in found):
        return Problem(400, "malformed-json")
    known = _names(model)
    errors = [(_place(item["loc"], known), item["type"].replace("_", "-")) for item in found]
    return Problem(422, "wrong-fields", errors[:MAX_ERRORS])


def problem_of_error(error: VipRecoError) -> Problem:
    """Return the problem of an error of the engine: its code and place, not its text."""
    code = error.code or "refused"
    if isinstance(
        error, InputRejectedError | UsageError
    ):  # each field is right alone, but not with the others
        return Problem(
            409, code, [(error.where, code)] if error.where.replace(".", "_").isidentifier() else []
        )
    if code in JOBS:
        return unavailable(code, JOB_SECONDS, ": ".join(filter(None, (error.what, error.remedy))))
    if isinstance(error, BusyError) and code != "store-busy":
        return Problem(409, code)
    return unavailable(code)


def _place(where: tuple[int | str, ...], known: frozenset[str]) -> str:
    parts = (str(part) if isinstance(part, int) or part in known else UNKNOWN_KEY for part in where)
    return ".".join(parts)


def _names(model: type[BaseModel]) -> frozenset[str]:
    schema: dict[str, Any] = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))
