"""Answers in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response


def json_answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """Return an answer with its content in JSON."""
    return Response(to_json(content), status, media_type="application/json")
