"""The application: all operations behind their guards, the pages, and the shield around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Lifespan

from serving import api
from serving.access import Operation
from serving.core import Core
from serving.guard import Endpoint, Refuse, guarded
from serving.identity import Identity
from serving.problems import Problem
from serving.shield import Shield


@dataclass(frozen=True)
class Pages:
    """The pages for people.

    Args:
        operations: Their routes.
        refuse: Shows a problem as a page, or leads to the log-in where nobody is logged in (401).
        static: Folder of style sheets and scripts, served under `/static` to everybody.
    """

    operations: Sequence[Operation] = ()
    refuse: Refuse | None = None
    static: ASGIApp | None = None


MakePages = Callable[[Core], Pages]


def create_app(
    core: Core, pages: Pages | None = None, lifespan: Lifespan[Starlette] | None = None
) -> ASGIApp:
    """Return the application with the API and the pages, and a shield around both.

    Args:
        core: What the operations use.
        pages: The pages for people.
        lifespan: What begins and ends with the process.
    """
    return Shield(routed(core, pages or Pages(), lifespan), core)


def routed(core: Core, pages: Pages, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """Return the application without its shield: where routes are told apart."""
    who = Identity(core.store)
    methods: dict[str, dict[str, Endpoint]] = {}
    for operation in api.OPERATIONS:
        methods.setdefault(operation.path, {})[operation.method] = guarded(operation, core, who)
    for operation in pages.operations:
        endpoint = guarded(operation, core, who, pages.refuse)
        methods.setdefault(operation.path, {})[operation.method] = endpoint
    routes: list[BaseRoute] = [_route(path, endpoints) for path, endpoints in methods.items()]
    if pages.static is not None:
        routes.append(Mount("/static", pages.static, name="static"))
    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _refused})
    app.router.redirect_slashes = False
    return app


def _route(path: str, endpoints: Mapping[str, Endpoint]) -> Route:
    """Return one route for all methods of a path, so that who uses another is told all of them."""

    async def endpoint(request: Request) -> Response:
        request.scope["vipreco.route"] = path
        return await endpoints[request.method](request)

    route = Route(path, endpoint, methods=list(endpoints))
    route.methods = set(endpoints)  # HEAD comes along with GET, undeclared
    return route


def _refused(request: Request, error: Exception) -> Response:
    """Answer unknown paths and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not-found", 405: "method-not-allowed"}.get(status, "refused")
    headers = error.headers if isinstance(error, HTTPException) else None
    request.scope["vipreco.code"] = code
    return Problem(status, code, headers=headers).response(request.scope["vipreco.request_id"])
