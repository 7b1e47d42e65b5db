"""What stands before every handler: who asks, may they, is the body what it should be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving import identity
from serving.access import Asked, Operation
from serving.core import Core
from serving.identity import Caller, Identity
from serving.problems import Problem, of_error, unauthorized
from serving.reading import read_form, read_json
from vipreco.errors import VipRecoError

Endpoint = Callable[[Request], Awaitable[Response]]
Refuse = Callable[[Asked, Problem], Response]


def guarded(operation: Operation, core: Core, who: Identity, refuse: Refuse | None = None) -> Endpoint:
    """Return the endpoint of an operation: its handler behind all checks.

    Args:
        operation: What is asked for, and who may.
        core: What the handler may use.
        who: Finds out who asks.
        refuse: How a problem is shown, where not as a document.
    """

    async def endpoint(request: Request) -> Response:
        asked = Asked(request, core, request.scope["vipreco.request_id"])
        try:
            await _admit(asked, operation, who)
            return await _answer(asked, operation)
        except Problem as problem:
            found = problem
        except VipRecoError as error:
            found = of_error(error)
        request.scope["vipreco.code"] = found.code
        return refuse(asked, found) if refuse is not None else found.response(asked.request_id)

    return endpoint


async def _answer(asked: Asked, operation: Operation) -> Response:
    if operation.body is not None:
        asked.body = await read_json(asked.request, operation.body, operation.most_bytes)
    if operation.is_async:
        answer = operation.handler(asked)
    else:
        answer = await run_in_threadpool(operation.handler, asked)
    return answer if isinstance(answer, Response) else await answer


async def _admit(asked: Asked, operation: Operation, who: Identity) -> None:
    """Find out who asks and refuse who may not; a form is read on the way, for its secret."""
    access = operation.access
    asked.caller = await _caller(asked.request, operation, who)
    if not access.public:
        if asked.caller is None:
            raise unauthorized()
        if asked.caller.role not in access.roles:
            raise Problem(403, "wrong-role")
    if operation.form:
        identity.check_same_site(asked.request)
        asked.form = await read_form(asked.request, operation.most_bytes)
    _check_secret(asked, operation)


def _check_secret(asked: Asked, operation: Operation) -> None:
    session = None if asked.caller is None else asked.caller.session
    if session is None or operation.method in {"GET", "HEAD"} or operation.access.public:
        return
    identity.check_same_site(asked.request)
    given = asked.request.headers.get(identity.CSRF_HEADER) or asked.form.get(identity.CSRF_FIELD, "")
    identity.check_csrf(session, given)


async def _caller(request: Request, operation: Operation, who: Identity) -> Caller | None:
    access = operation.access
    if access.token:
        text = identity.bearer(request)
        if text is not None:
            return who.remembered(text) or await run_in_threadpool(who.of_token, text)
    secret = request.cookies.get(identity.COOKIE) if access.session or access.public else None
    return await run_in_threadpool(who.of_session, secret) if secret else None
