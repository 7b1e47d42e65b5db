"""The application: API and pages behind their checks, and the middleware around both."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import api
from serving.auth.authorisation import Endpoint, authorised
from serving.auth.identity import Identity
from serving.http.app_state import AppState
from serving.http.middleware import HttpMiddleware
from serving.http.operation import PageRoutes
from serving.http.problems import Problem, not_found


def create_app(state: AppState, pages: PageRoutes | None = None) -> ASGIApp:
    """Return the application with the API and the pages, and the middleware around both.

    Args:
        state: What the operations use.
        pages: The pages for people.
    """
    return HttpMiddleware(create_router(state, pages or PageRoutes()), state)


def create_router(state: AppState, pages: PageRoutes) -> Router:
    """Return the application without its middleware."""
    callers = Identity(state)
    methods: dict[str, dict[str, Endpoint]] = {}
    for operation in api.OPERATIONS:
        methods.setdefault(operation.path, {})[operation.method] = authorised(operation, state, callers)
    for operation in pages.operations:
        endpoint = authorised(operation, state, callers, pages.show_problem)
        methods.setdefault(operation.path, {})[operation.method] = endpoint
    routes: list[BaseRoute] = [Route(path, Methods(path, found)) for path, found in methods.items()]
    if pages.static is not None:
        routes.append(Mount("/static", _with_problems(pages.static), name="static"))
    return Router(routes, redirect_slashes=False, default=_not_found)


class Methods:
    """All methods of one path; any other method is answered with 405 and `Allow`.

    Starlette's own `Route(methods=...)` answers 405 as plain text, and with several routes of one path it
    names in `Allow` only those of the first.

    Args:
        path: Path as it is declared.
        endpoints: Endpoint by method.
    """

    def __init__(self, path: str, endpoints: Mapping[str, Endpoint]) -> None:
        self.path, self.endpoints = path, endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["vipreco.route"] = self.path
        endpoint = self.endpoints.get(scope["method"])
        if endpoint is None:
            headers = {"Allow": ", ".join(sorted(self.endpoints))}
            await _refuse(Problem(405, "method-not-allowed", headers=headers), scope, receive, send)
        else:
            answer = await endpoint(Request(scope, receive))
            await answer(scope, receive, send)


def _with_problems(app: ASGIApp) -> ASGIApp:
    """Return an application whose HTTP errors (no such file) become problem answers."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except HTTPException as error:
            code = "not-found" if error.status_code == 404 else "refused"
            await _refuse(Problem(error.status_code, code, headers=error.headers), scope, receive, send)

    return answered


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await _refuse(not_found(), scope, receive, send)


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    scope["vipreco.code"] = problem.code
    await problem.response(scope["vipreco.request_id"])(scope, receive, send)
