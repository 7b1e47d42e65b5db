"""Reads bodies of requests: of bounded size, of the declared type, strictly validated.

FastAPI reads a whole body before it looks at it, accepts a key twice, and repeats the input in its 422: these
three are why bodies are read here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from serving.http.problems import Problem, problem_of_validation

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
IDENTITY = b"identity"
Model = TypeVar("Model", bound=BaseModel)


async def read_json(request: Request, model: type[Model], max_bytes: int) -> Model:
    """Read the body of a request as a checked model.

    Raises:
        Problem: 415 another type, 413 too large, 400 no JSON or twice the same key, 422 wrong fields.
    """
    _check_type(request, JSON)
    return parse_model(await read_bytes(request, max_bytes), model)


async def read_form(request: Request, max_bytes: int, max_fields: int) -> dict[str, str]:
    """Read the fields of a posted form; each may be there once.

    Raises:
        Problem: 415 another type, 413 too large, 400 not UTF-8, too many fields, or one of them twice.
    """
    _check_type(request, FORM)
    body = await read_bytes(request, max_bytes)
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=max_fields, errors="strict"
        )
    except ValueError as error:
        raise Problem(400, "malformed-form") from error
    if any("\0" in value for _, value in pairs):
        raise Problem(400, "malformed-form")
    return _once(pairs, "malformed-form")


async def read_bytes(request: Request, max_bytes: int) -> bytes:
    """Read a body while it is not larger than `max_bytes`; what comes after that is not taken in.

    Raises:
        Problem: 413 too large, 400 the caller went away.
    """
    declared = request.scope["vipreco.headers"].get(b"content-length", b"0")
    if not declared.isdigit() or len(declared) > 12 or int(declared) > max_bytes:
        raise _too_large()
    body, more = b"", True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise Problem(400, "disconnected")
        part, more = message.get("body", b""), message.get("more_body", False)
        body = body + part if body else part
        if len(body) > max_bytes:
            raise _too_large()
    return body


def parse_model(body: bytes, model: type[Model]) -> Model:
    """Return a body as a model; types are taken as they are, nothing is converted.

    Raises:
        Problem: 400 no JSON or twice the same key, 422 wrong fields.
    """
    try:
        found = model.model_validate_json(body, strict=True)
    except ValidationError as error:
        _check_keys(body)
        raise problem_of_validation(error, model) from None
    if not _surely_once(body, found):
        _check_keys(body)
    return found


def _surely_once(body: bytes, found: BaseModel) -> bool:
    """Return whether no key is given twice, as far as a quick look tells.

    Each key is followed by a colon, so where there are no more of them than fields were found, none was lost
    to another of its name.
    """
    return body.count(b":") == len(found.model_fields_set)


def _check_keys(body: bytes) -> None:
    """Check that a body is JSON and gives no key twice.

    Raises:
        Problem: 400.
    """
    try:
        DECODER.decode(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Problem(400, "malformed-json") from None


def _check_type(request: Request, wanted: str) -> None:
    headers: dict[bytes, bytes] = request.scope["vipreco.headers"]
    given = headers.get(b"content-type", b"").decode("latin-1")
    encoding = headers.get(b"content-encoding", IDENTITY)
    if given == wanted and encoding == IDENTITY:
        return
    kind, _, parameters = given.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if kind.strip().lower() != wanted or charset not in {"", "charset=utf-8"}:
        raise Problem(415, "content-type")
    if encoding.lower() != IDENTITY:
        raise Problem(415, "content-encoding")


def _too_large() -> Problem:
    return Problem(413, "body-too-large", headers={"Connection": "close"})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return _once(pairs, "duplicate-key")


def _once(pairs: Sequence[tuple[str, Any]], code: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem(400, code)
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
