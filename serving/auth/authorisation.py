"""Authorises each request before its handler runs: caller, role, same site, CSRF secret, body."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.auth import identity
from serving.auth.cookies import session_secret
from serving.auth.identity import Identity
from serving.auth.refusals import note_refusal
from serving.http.app_state import AppState
from serving.http.bodies import read_form, read_json
from serving.http.operation import Caller, HttpRequest, Operation, ShowProblem
from serving.http.problems import Problem, problem_of_error, unauthorized
from vipreco.errors import VipRecoError

Endpoint = Callable[[Request], Awaitable[Response]]


def authorised(
    operation: Operation, state: AppState, callers: Identity, show_problem: ShowProblem | None = None
) -> Endpoint:
    """Return the endpoint of an operation: its handler behind all checks.

    Args:
        operation: The handler and who may call it.
        state: What the handler may use.
        callers: Identifies the caller.
        show_problem: Renders a problem as a page; without it a problem is JSON.
    """

    async def endpoint(http: Request) -> Response:
        request = HttpRequest(http, state, http.scope["vipreco.request_id"])
        try:
            await _admit(request, operation, callers)
            return await _answer(request, operation)
        except Problem as problem:
            found = problem
        except VipRecoError as error:
            found = problem_of_error(error)
        http.scope["vipreco.code"] = found.code
        if found.status in {401, 403, 404}:
            await run_in_threadpool(note_refusal, request, operation, found)
        if show_problem is not None:
            return show_problem(request, found)
        return found.response(request.request_id)

    return endpoint


async def _answer(request: HttpRequest, operation: Operation) -> Response:
    if operation.body is not None:
        request.body = await read_json(request.http, operation.body, operation.max_bytes)
    if operation.is_async:
        answer = operation.handler(request)
    else:
        answer = await run_in_threadpool(operation.handler, request)
    return answer if isinstance(answer, Response) else await answer


async def _admit(request: HttpRequest, operation: Operation, callers: Identity) -> None:
    """Identify the caller and refuse who may not; a form is read here for its CSRF secret."""
    access = operation.access
    request.caller = await _caller(request.http, operation, callers)
    if not access.public:
        if request.caller is None:
            raise unauthorized()
        if request.caller.role not in access.roles:
            raise Problem(403, "wrong-role")
        _check_rate(request)
    if operation.form:
        identity.check_same_site(request.http)
        request.form = await read_form(request.http, operation.max_bytes, operation.max_fields)
    _check_secret(request, operation)


def _check_rate(request: HttpRequest) -> None:
    """Refuse who sends too much; they are told when the next request is allowed."""
    caller, limits, rates = request.known, request.state.limits, request.state.rates
    wait = limits.take_quickly(caller.actor, rates.token if caller.session is None else rates.person)
    if not wait and caller.session is None and rates.quota is not None:
        wait = limits.take_quickly(f"{caller.actor} a day", rates.quota)
    if wait:
        raise Problem(429, "rate-limited", headers={"Retry-After": str(math.ceil(wait))})


def _check_secret(request: HttpRequest, operation: Operation) -> None:
    session = None if request.caller is None else request.caller.session
    if session is None or operation.method in {"GET", "HEAD"} or operation.access.public:
        return
    identity.check_same_site(request.http)
    given = request.http.headers.get(identity.CSRF_HEADER) or request.form.get(identity.CSRF_FIELD, "")
    identity.check_csrf(session, given)


async def _caller(http: Request, operation: Operation, callers: Identity) -> Caller | None:
    access = operation.access
    if access.token:
        text = identity.bearer(http)
        if text is not None:
            return callers.remembered(text) or await run_in_threadpool(callers.of_token, text)
    secret = session_secret(http) if access.session or access.public else None
    return await run_in_threadpool(callers.of_session, secret) if secret else None
