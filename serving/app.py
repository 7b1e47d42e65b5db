"""The application: all operations behind their guards, the pages, and the shield around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from serving import api
from serving.access import Operation
from serving.core import Core
from serving.guard import Endpoint, Refuse, guarded
from serving.identity import Identity
from serving.problems import Problem, not_found
from serving.shield import Shield

if TYPE_CHECKING:
    from serving.oidc import BankLogin


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


def project_pages(core: Core) -> Pages:
    """Return the pages of a project, which show what its release answers."""
    from serving.page.book_answers import answers_of  # noqa: PLC0415
    from serving.page.pages import make_pages  # noqa: PLC0415  the pages know what they are made for

    return make_pages(core, answers_of, bank_login(core))


def bank_login(core: Core) -> BankLogin | None:
    """Return the bank's own log-in, where the settings name one.

    Raises:
        UsageError: Its secret is not there, or others can read it.
    """
    settings = core.settings.oidc
    if settings is None:
        return None
    from serving.oidc import BankLogin  # noqa: PLC0415  what stands behind it is loaded where it is used

    return BankLogin.of(settings, core.root, core.keys)


def create_app(core: Core, pages: Pages | None = None) -> ASGIApp:
    """Return the application with the API and the pages, and a shield around both.

    Args:
        core: What the operations use.
        pages: The pages for people.
    """
    return Shield(routed(core, pages or Pages()), core)


def routed(core: Core, pages: Pages) -> Router:
    """Return the application without its shield: where routes are told apart."""
    who = Identity(core.store)
    methods: dict[str, dict[str, Endpoint]] = {}
    for operation in api.OPERATIONS:
        methods.setdefault(operation.path, {})[operation.method] = guarded(operation, core, who)
    for operation in pages.operations:
        endpoint = guarded(operation, core, who, pages.refuse)
        methods.setdefault(operation.path, {})[operation.method] = endpoint
    routes: list[BaseRoute] = [Route(path, Methods(path, found)) for path, found in methods.items()]
    if pages.static is not None:
        routes.append(Mount("/static", pages.static, name="static"))
    return Router(routes, redirect_slashes=False, default=_nothing)


class Methods:
    """All that can be done at one path; who tries something else is told what there is.

    Args:
        path: As it is declared.
        endpoints: By method.
    """

    def __init__(self, path: str, endpoints: Mapping[str, Endpoint]) -> None:
        self.path, self.endpoints = path, endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["vipreco.route"] = self.path
        endpoint = self.endpoints.get(scope["method"])
        if endpoint is None:
            headers = {"Allow": ", ".join(sorted(self.endpoints))}
            await _refused(Problem(405, "method-not-allowed", headers=headers), scope, receive, send)
        else:
            answer = await endpoint(Request(scope, receive))
            await answer(scope, receive, send)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    await _refused(not_found(), scope, receive, send)


async def _refused(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    scope["vipreco.code"] = problem.code
    await problem.response(scope["vipreco.request_id"])(scope, receive, send)
