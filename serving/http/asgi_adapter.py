"""How an application stands in BentoML: mounted in one service, nothing of BentoML's own open to callers."""

from __future__ import annotations

import importlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")  # read when bentoml is imported
os.environ.setdefault("DO_NOT_TRACK", "1")

import bentoml
from bentoml import Service
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

AppLifespan = Callable[[], AbstractAsyncContextManager[ASGIApp]]
QUIET: dict[str, Any] = {
    "metrics": {"enabled": False},
    "logging": {"access": {"enabled": False}},
}


class AsgiAdapter:
    """Leads every request to the mounted application, before BentoML's own routes.

    BentoML's index page loads a script from outside, its metrics are labelled by raw paths, its probes know
    nothing of the release, its tracing and time-out cost more than an answer: none of them is reached.

    Args:
        outside: What BentoML made of the service: begins and ends with the process.
        inside: What is mounted in it.
    """

    def __init__(self, outside: ASGIApp, inside: Starlette) -> None:
        self.outside, self.inside = outside, inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the mounted application; what begins and ends with the process goes through BentoML."""
        app = self.outside if scope["type"] == "lifespan" else self.inside.state.app
        await app(scope, receive, send)


class MountedService(Service):  # type: ignore[misc]
    """A service that is nothing but its mounted application."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """Return what BentoML's own server runs."""
        return AsgiAdapter(super().to_asgi(is_main=is_main), self._inside)

    def mounted(self) -> AsgiAdapter:
        """Return what a worker of ours runs: the same without BentoML's routes, of which none is reached.

        They alone take about 15 MB and a fifth of a second: a client of HTTP, tracing and more.
        """
        return AsgiAdapter(self._inside, self._inside)

    @property
    def _inside(self) -> Starlette:
        inside: Starlette = self.mount_apps[0][0]
        return inside


def asgi_service(name: str, running: AppLifespan, workers: int = 1) -> Any:
    """Return a BentoML service that consists of one application.

    Args:
        name: Of the service.
        running: Gives the application for as long as the process answers; it is entered in the worker.
        workers: Processes, where BentoML itself starts them.
    """
    inside = Starlette(lifespan=_lifespan(running))

    @bentoml.asgi_app(inside, path="/")
    class Mounted:
        """The service's only content is the application."""

    return bentoml.service(name=name, workers=workers, service_class=MountedService, **QUIET)(Mounted)


def _lifespan(running: AppLifespan) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(inside: Starlette) -> AsyncIterator[None]:
        async with running() as app:
            inside.state.app = app
            yield

    return lifespan


def load_service(name: str) -> MountedService:
    """Return the service that `module:name` stands for."""
    module, _, attribute = name.partition(":")
    found: MountedService = getattr(importlib.import_module(module), attribute)
    return found
