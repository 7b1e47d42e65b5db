"""The application as a BentoML service: mounted alone, with nothing of BentoML's own open to callers."""

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
    """Leads every request to the mounted application, past BentoML's own routes.

    BentoML's index page loads a script from outside, its metrics are labelled by raw paths, its probes do not
    know about releases, and its tracing and time-out cost more than an answer.

    Args:
        outside: Takes the lifespan messages.
        inside: Holds the mounted application.
    """

    def __init__(self, outside: ASGIApp, inside: Starlette) -> None:
        self.outside, self.inside = outside, inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the mounted application; lifespan messages go through BentoML."""
        app = self.outside if scope["type"] == "lifespan" else self.inside.state.app
        await app(scope, receive, send)


class MountedService(Service):  # type: ignore[misc]
    """A BentoML service that consists of one mounted application."""

    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """Return the application for BentoML's own server."""
        return AsgiAdapter(super().to_asgi(is_main=is_main), self._inside)

    def mounted(self) -> AsgiAdapter:
        """Return the application for our worker: without BentoML's routes, of which none is reached.

        They take about 15 MB and a fifth of a second: a client of HTTP, tracing and more.
        """
        return AsgiAdapter(self._inside, self._inside)

    @property
    def _inside(self) -> Starlette:
        inside: Starlette = self.mount_apps[0][0]
        return inside


def asgi_service(name: str, lifespan: AppLifespan, serve: Callable[[], None] | None = None) -> Any:
    """Return a BentoML service that consists of one application.

    Args:
        name: Of the service.
        lifespan: Gives the application for as long as the process answers; it is entered in the worker.
        serve: Runs the whole service; called in the process of `bentoml serve` instead of BentoML's server.
    """
    inside = Starlette(lifespan=_starlette_lifespan(lifespan))

    @bentoml.asgi_app(inside, path="/")
    class Mounted:
        """Holds nothing but the application."""

        if serve is not None:
            run = bentoml.on_deployment(staticmethod(serve))

    return bentoml.service(name=name, service_class=MountedService, **QUIET)(Mounted)


def _starlette_lifespan(lifespan: AppLifespan) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def entered(inside: Starlette) -> AsyncIterator[None]:
        async with lifespan() as app:
            inside.state.app = app
            yield

    return entered


def load_service(name: str) -> MountedService:
    """Return the service that `module:name` stands for."""
    module, _, attribute = name.partition(":")
    found: MountedService = getattr(importlib.import_module(module), attribute)
    return found
