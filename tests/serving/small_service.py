"""A service over a bank that is written out: `--service tests.serving.small_service:Small` of a worker.

A release of this bank is a file `version` whose text is the model's version; `broken` cannot be opened, and
what begins with `5105` is opened when the test says so. The chance of an offer says which model gave it, so
that a mixed answer shows.
"""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from serving.api.application import create_app
from serving.http.app_state import AppState, Slate, SlateLine
from serving.http.asgi_adapter import asgi_service
from serving.http.operation import PageRoutes
from serving.page.html import STATIC
from serving.processes.worker_resources import open_app_state
from tests.serving.small_bank import Prepared
from vipreco.errors import IntegrityError
from vipreco.project import Project

VERSION, BROKEN, SLOW = "version", "broken", "5105"
OPENING, GO_ON = "opening-{}", "go-on"
"""Files of the project: a worker opens a slow release; it may go on."""


def chance_of(model_version: str) -> float:
    """Return the chance that a model of this bank gives to everything."""
    return int(model_version, 16) % 1_000 / 1_000


@dataclass
class Versioned(Prepared):
    """A release whose chances say which model they come from."""

    def offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate:
        slate = super().offers(customer_id, channel, limit, moment)
        lines = (SlateLine(*line[:2], chance_of(self.model_version), *line[3:]) for line in slate.lines)
        return Slate(tuple(lines), slate.personalised, slate.source)


def opening(state: AppState) -> Callable[[Path], Versioned]:
    """Return how a release of this bank is opened."""

    def opened_folder(folder: Path) -> Versioned:
        version = (folder / VERSION).read_text()
        if version == BROKEN:
            raise IntegrityError("is broken", where=str(folder), code="prepared-changed")
        if version.startswith(SLOW):
            (state.root / OPENING.format(os.getpid())).touch()
            while not (state.root / GO_ON).exists():
                time.sleep(0.02)
        return Versioned(model_version=version)

    return opened_folder


@asynccontextmanager
async def running() -> AsyncIterator[ASGIApp]:
    with open_app_state(Project.find(), opening) as state:
        yield create_app(state, PageRoutes(static=StaticFiles(directory=STATIC)))


Small = asgi_service("small", running)
