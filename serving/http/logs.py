"""Log lines of the service: one JSON object a line, without a word about a customer.

Paths are logged as the routes that they matched, never as they came; exceptions by their kind and place
alone, because their texts may quote data. structlog would replace the six lines of `write`, and take longer
(docs/decisions/0009).
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from typing import Any

from starlette.types import Scope


def write(event: str, **fields: Any) -> None:
    """Write one line to standard error; a log that cannot be written stops nothing."""
    line = {"at": round(time.time(), 3), "event": event, "process": os.getpid(), **fields}
    try:
        sys.stderr.write(json.dumps(line) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def answered(scope: Scope, route: str, status: int, seconds: float) -> None:
    """Log a request that was refused, failed or took long."""
    write(
        "answered",
        request_id=scope["vipreco.request_id"],
        method=scope["method"] if scope["method"] in {"GET", "POST"} else "OTHER",
        route=route,
        status=status,
        code=scope.get("vipreco.code", ""),
        milliseconds=round(seconds * 1000, 1),
    )


def failed(scope: Scope, error: Exception) -> None:
    """Log a bug of ours: kind and place of the exception."""
    write("failed", request_id=scope["vipreco.request_id"], **place_of(error))


def place_of(error: BaseException) -> dict[str, Any]:
    """Return kind and place of an exception, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119
    return {"error": type(error).__name__, "place": place}
