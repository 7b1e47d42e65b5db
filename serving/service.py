"""The BentoML service of a project: `bentoml serve serving.service:VipReco` in its folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from serving.mounting import service_of
from serving.process import opened
from vipreco.project import Project

WORKERS = "VIPRECO_WORKERS"


@asynccontextmanager
async def running() -> AsyncIterator[ASGIApp]:
    """Give the application of the project in the current folder, for as long as the process answers."""
    from serving.app import create_app, project_pages  # noqa: PLC0415 - in the worker alone

    with opened(Project.find()) as core:
        yield create_app(core, project_pages(core))


VipReco = service_of("vipreco", running, workers=int(os.environ.get(WORKERS, "2")))
