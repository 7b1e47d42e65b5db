"""The OpenAPI 3.1 document, made from the operations and their models.

FastAPI makes such a document from routes of its own kind alone (see `serving/README.md`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import vipreco
from serving.http.operation import Operation
from serving.http.problems import MEDIA_TYPE, ProblemDocument

TEMPLATE = "#/components/schemas/{model}"
PART = re.compile(r"\{(\w+)\}")
Document = dict[str, Any]
# What any caller may meet, whatever the operation.
ALWAYS = {
    400: "The request is malformed.",
    421: "The service is not called by this name.",
    431: "The headers are too large.",
    503: "Too busy, or something that is needed does not answer; try again after Retry-After.",
}
GUARDED = {
    401: "No valid token.",
    403: "The role may not do this.",
    429: "Too many requests of this token; try again after Retry-After.",
}
WITH_BODY = {
    413: "The body is too large.",
    415: "The body is of another type.",
    422: "Fields are missing, unknown or wrong.",
}


def document(operations: Sequence[Operation]) -> Document:
    """Return the OpenAPI document of all operations that have a summary."""
    described = [operation for operation in operations if operation.summary]
    _, found = models_json_schema(_models(described), ref_template=TEMPLATE)
    paths: Document = {}
    for operation in described:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "vipreco", "version": vipreco.__version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {
            "schemas": found["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(operations: Sequence[Operation]) -> list[tuple[type[BaseModel], Any]]:
    bodies = [(operation.body, "validation") for operation in operations if operation.body]
    answers = [model for operation in operations for model in operation.answers.values() if model]
    models: list[type[BaseModel]] = [*answers, ProblemDocument]
    given = [(model, "serialization") for model in models]
    return list(dict.fromkeys((model, mode) for model, mode in [*bodies, *given]))


def _operation(operation: Operation) -> Document:
    content: Document = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{operation.method} {operation.path}".lower()).strip("_"),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "x-roles": sorted(operation.access.roles),
    }
    if operation.access.token:
        content["security"] = [{"token": []}]
    if operation.body is not None:
        schema = {"schema": _reference(operation.body)}
        content["requestBody"] = {"required": True, "content": {"application/json": schema}}
    return content


def _parameters(operation: Operation) -> list[Document]:
    text = {"type": "string", "minLength": 1, "maxLength": 64}
    key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"}
    parts = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in PART.findall(operation.path)
    ]
    return parts + [
        {"name": name, "in": "header", "required": False, "schema": key} for name in operation.headers
    ]


def _responses(operation: Operation) -> Document:
    problems: dict[int, str] = dict(ALWAYS)
    if not operation.access.public:
        problems |= GUARDED
    if operation.body is not None:
        problems |= WITH_BODY
    problems |= {status: "" for status, model in operation.answers.items() if model is ProblemDocument}
    content = {str(status): _problem(text) for status, text in sorted(problems.items())}
    answers: Mapping[int, type[BaseModel] | None] = operation.answers
    for status, model in answers.items():
        if model is not ProblemDocument:
            content[str(status)] = _answer(model) if model or not operation.files else _file(operation.files)
    return content


def _problem(text: str) -> Document:
    return {
        "description": text or "See `type`.",
        "content": {MEDIA_TYPE: {"schema": _reference(ProblemDocument)}},
    }


def _answer(model: type[BaseModel] | None) -> Document:
    content: Document = {"description": (model.__doc__ or "").strip().splitlines()[0] if model else "Done."}
    if model is not None:
        content["content"] = {"application/json": {"schema": _reference(model)}}
    return content


def _file(media_types: Sequence[str]) -> Document:
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {"description": "A file.", "content": dict.fromkeys(media_types, binary)}


def _reference(model: type[BaseModel]) -> Document:
    return {"$ref": TEMPLATE.format(model=model.__name__)}
