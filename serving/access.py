"""Who may ask for what: every route says so, and a route that says nothing does not start."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from serving.core import Core
from serving.identity import Caller
from serving.problems import unauthorized
from vipreco.store import Role, Scope

MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Args:
        roles: Who may; empty for everybody, logged in or not.
        token: Programs may, with a bearer token.
        session: People may, with the cookie of their log-in.
    """

    roles: frozenset[Role] = frozenset()
    token: bool = False
    session: bool = False

    @property
    def public(self) -> bool:
        """Whether nobody needs to say who they are."""
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


@dataclass
class Asked:
    """One request, after all checks that need no knowledge of what it is about.

    Args:
        request: As the framework knows it.
        core: What the service stands on.
        request_id: Name under which it is logged.
        caller: Who asks; None on public routes without a log-in.
        body: The checked body, of the operation's `body` model.
        form: The fields of a posted form, where the operation takes one.
    """

    request: Request
    core: Core
    request_id: str
    caller: Caller | None = None
    body: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    _moment: datetime | None = field(default=None, init=False)
    _scope: Scope | None = field(default=None, init=False)

    @property
    def moment(self) -> datetime:
        """The business's moment of this request: the same however often it is asked for."""
        if self._moment is None:
            self._moment = self.core.now()
        return self._moment

    @property
    def known(self) -> Caller:
        """Who asks, on routes that are not public."""
        if self.caller is None:
            raise unauthorized()
        return self.caller

    @property
    def scope(self) -> Scope:
        """Whose customers the caller may see today."""
        if self._scope is None:
            self._scope = self.known.scope(self.moment.date())
        return self._scope


Handler = Callable[[Asked], Response | Awaitable[Response]]


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Args:
        method: Of HTTP.
        path: Where, with `{names}` for its parts.
        handler: What answers; a plain function runs in a thread, an `async` one in the loop.
        access: Who may ask.
        body: Model of the JSON body.
        form: Whether it takes a posted form (urlencoded); with a session, its field `csrf` is checked.
        answers: Model of the answer by status, for the OpenAPI document.
        summary: What it is for, in one sentence; without one it is not in the OpenAPI document.
        headers: Names of headers that the caller may or must send, for the document.
        most_bytes: Largest body.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    body: type[BaseModel] | None = None
    form: bool = False
    answers: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    summary: str = ""
    headers: tuple[str, ...] = ()
    most_bytes: int = MOST_BYTES

    @cached_property
    def is_async(self) -> bool:
        """Whether the handler runs in the event loop."""
        return inspect.iscoroutinefunction(self.handler)
