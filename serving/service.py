"""The BentoML service of a project: `bentoml serve serving.service:VipReco` in its folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from serving.core import Core
from serving.mounting import service_of
from serving.process import opened
from serving.watch import Opening
from vipreco.project import Project

WORKERS = "VIPRECO_WORKERS"


@asynccontextmanager
async def running() -> AsyncIterator[ASGIApp]:
    """Give the application of the project in the current folder, for as long as the process answers."""
    from serving.app import create_app, project_pages  # noqa: PLC0415 - in the worker alone

    project = Project.find()
    with opened(project, opening_of(project)) as core:
        yield create_app(core, project_pages(core))


def opening_of(project: Project) -> Callable[[Core], Opening]:
    """Return how a prepared folder of a project is opened."""
    from vipreco.online import DaySettings, OnlineService  # noqa: PLC0415 - in the worker alone

    desk = DaySettings(project.settings.tiers.vip, project.settings.call_list)
    return lambda core: lambda folder: OnlineService(folder, core.store, desk)


VipReco = service_of("vipreco", running, workers=int(os.environ.get(WORKERS, "2")))
