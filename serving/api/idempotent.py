"""Writes that are done once, however often they are sent: the first answer is kept under a key."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

from starlette.responses import Response

from serving.http.app_state import clock
from serving.http.operation import HttpRequest
from serving.http.problems import MEDIA_TYPE, Problem, problem_of_error
from vipreco.errors import VipRecoError
from vipreco.store import KeyedRequest, KeyLookup, KeyState

KEY_HEADER: Final = "Idempotency-Key"
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED: Final = {"Idempotent-Replayed": "true"}


def answered_once(
    request: HttpRequest, answer: Callable[[str | None], Response], about: str = ""
) -> Response:
    """Return the answer; the same key with the same content gives the same bytes again.

    Args:
        request: With the key, or without one.
        answer: Does what is asked, in the transaction in which its answer is kept; takes the key.
        about: Part of the content that is not in the body.

    Raises:
        Problem: The key cannot be one, is of other content, or its first request still runs.
    """
    key = _key(request)
    return answer(None) if key is None else _once(request, key, answer, about)


def _once(request: HttpRequest, key: str, answer: Callable[[str | None], Response], about: str) -> Response:
    """Do what is asked and keep its audit record and the answer under the key in one transaction."""
    body = "" if request.body is None else request.body.model_dump_json()
    refused: list[Problem] = []

    def work() -> tuple[int, bytes]:
        refused.clear()
        try:
            made = answer(key)
        except (Problem, VipRecoError) as error:
            problem = error if isinstance(error, Problem) else problem_of_error(error)
            if problem.status >= 500:  # a failure of the moment: the request may be sent again
                raise
            refused.append(problem)
            return problem.status, problem.content(request.request_id)
        return made.status_code, bytes(made.body)

    keyed = KeyedRequest(request.known.actor, key, hashlib.sha256((about + body).encode()).hexdigest())
    found = request.state.store.idempotency.run_once(keyed, clock(), work)
    if found.state is not KeyState.FRESH:
        return _not_fresh(found)
    if refused:
        raise refused[0]
    return Response(found.response, found.status, media_type="application/json")


def _not_fresh(found: KeyLookup) -> Response:
    if found.state is KeyState.RUNNING:
        raise Problem(409, "still-running", headers={"Retry-After": "1"})
    if found.state is KeyState.OTHER:
        raise Problem(422, "other-content", [(KEY_HEADER, "other-content")])
    kind = "application/json" if found.status < 400 else MEDIA_TYPE
    return Response(found.response, found.status, REPLAYED, kind)


def _key(request: HttpRequest) -> str | None:
    """Return the key of a request.

    Raises:
        Problem: Too long, or not printable.
    """
    key = request.http.headers.get(KEY_HEADER)
    if key is not None and KEY.fullmatch(key) is None:
        raise Problem(400, "idempotency-key", [(KEY_HEADER, "idempotency-key")])
    return key
