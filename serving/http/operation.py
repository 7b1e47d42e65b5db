"""Operations: the methods of the paths, each with its handler and who may call it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from serving.http.app_state import AppState
from serving.http.problems import Problem, unauthorized
from vipreco.store import Role, Scope, Session

MAX_BYTES = 64 * 1024
MAX_FIELDS = 50


@dataclass(frozen=True)
class Access:
    """Roles that may call an operation; a route without it does not start.

    Args:
        roles: Roles that may; empty for everybody, logged in or not.
        token: Programs may, with a bearer token.
        session: People may, with the cookie of their log-in.
    """

    roles: frozenset[Role] = frozenset()
    token: bool = False
    session: bool = False

    @property
    def public(self) -> bool:
        """Return whether anybody may call without saying who they are."""
        return not self.roles


PUBLIC = Access()


def programs(*roles: Role) -> Access:
    """Admit programs of these roles."""
    return Access(frozenset(roles), token=True)


def people(*roles: Role) -> Access:
    """Admit people of these roles who are logged in."""
    return Access(frozenset(roles), session=True)


def programs_and_people(*roles: Role) -> Access:
    """Admit programs and people of these roles."""
    return Access(frozenset(roles), token=True, session=True)


@dataclass(frozen=True)
class Caller:
    """A program or person that is authenticated.

    Args:
        actor: Name in the audit.
        role: Role, which decides on operations.
        manager_id: Whose book they see, for managers.
        branch_id: Whose branch they see, for branch heads.
        session: The log-in of a person; None for programs.
        store_away: Whether the store did not answer, and the caller is known from before.
    """

    actor: str
    role: Role
    manager_id: str | None = None
    session: Session | None = None
    store_away: bool = False
    branch_id: str | None = None

    def scope(self, day: date) -> Scope:
        """Return whose customers they may see on a day."""
        branch = self.branch_id if self.role is Role.BRANCH_HEAD else None  # a manager's says where they work
        return Scope(self.actor, self.role, self.manager_id, day, branch)


@dataclass
class HttpRequest:
    """One request after all checks that do not depend on what it is about.

    Args:
        http: The request as Starlette knows it.
        state: What the service stands on.
        request_id: Name under which it is logged.
        caller: The caller; None on public routes without a log-in.
        body: The checked body, of the operation's `body` model.
        form: The fields of a posted form, where the operation takes one.
    """

    http: Request
    state: AppState
    request_id: str
    caller: Caller | None = None
    body: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    _moment: datetime | None = field(default=None, init=False)
    _scope: Scope | None = field(default=None, init=False)

    @property
    def moment(self) -> datetime:
        """The bank's moment of this request: the same at each call."""
        if self._moment is None:
            self._moment = self.state.now()
        return self._moment

    @property
    def known(self) -> Caller:
        """The caller, on routes that are not public."""
        if self.caller is None:
            raise unauthorized()
        return self.caller

    @property
    def scope(self) -> Scope:
        """The customers that the caller may see today."""
        if self._scope is None:
            self._scope = self.known.scope(self.moment.date())
        return self._scope


Handler = Callable[[HttpRequest], Response | Awaitable[Response]]
ShowProblem = Callable[[HttpRequest, Problem], Response]


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Args:
        method: Of HTTP.
        path: Path, with `{names}` for its parts.
        handler: Answers; a plain function runs in a thread, an `async` one in the event loop.
        access: Who may call it.
        body: Model of the JSON body.
        form: Whether it takes a posted form (urlencoded); with a session, its field `csrf` is checked.
        answers: Model of the answer by status, for the OpenAPI document.
        files: Media types of the answer where it is a file, for the document.
        summary: Purpose in one sentence; an operation without one is not in the OpenAPI document.
        headers: Names of headers that the caller may or must send, for the document.
        max_bytes: Largest body.
        max_fields: Most fields of a form.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    body: type[BaseModel] | None = None
    form: bool = False
    answers: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    summary: str = ""
    headers: tuple[str, ...] = ()
    max_bytes: int = MAX_BYTES
    max_fields: int = MAX_FIELDS

    @cached_property
    def is_async(self) -> bool:
        """Return whether the handler runs in the event loop."""
        return inspect.iscoroutinefunction(self.handler)


@dataclass(frozen=True)
class PageRoutes:
    """The pages for people.

    Args:
        operations: Their routes.
        show_problem: Renders a problem as a page, or leads to the log-in where nobody is logged in (401).
        static: Application that serves style sheets and scripts under `/static` to everybody.
    """

    operations: Sequence[Operation] = ()
    show_problem: ShowProblem | None = None
    static: ASGIApp | None = None
