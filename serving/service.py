"""The BentoML service of a project: `bentoml serve serving.service:VipReco` in its folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from serving.http.app_state import AppState
from serving.http.asgi_adapter import asgi_service
from serving.http.operation import PageRoutes
from serving.processes.release_watcher import OpenRelease
from serving.processes.worker_resources import open_app_state
from vipreco.project import Project

if TYPE_CHECKING:
    from serving.auth.oidc import BankLogin

WORKERS = "VIPRECO_WORKERS"


@asynccontextmanager
async def lifespan() -> AsyncIterator[ASGIApp]:
    """Give the application of the project in the current folder, for as long as the process answers."""
    from serving.api.application import create_app  # noqa: PLC0415 - in the worker alone

    project = Project.find()
    with open_app_state(project, release_opener(project)) as state:
        yield create_app(state, project_pages(state))


def release_opener(project: Project) -> Callable[[AppState], OpenRelease]:
    """Return how a release folder of a project is opened."""
    from vipreco.online import DaySettings, OnlineService  # noqa: PLC0415 - in the worker alone

    settings = DaySettings(
        project.settings.tiers.vip, project.settings.call_list, project.settings.project.currency
    )
    return lambda state: lambda folder: OnlineService(folder, state.store, settings)


def project_pages(state: AppState) -> PageRoutes:
    """Return the pages of a project, which show what its release answers."""
    from serving.page.book_answers import answers_of  # noqa: PLC0415 - in the worker alone
    from serving.page.pages import make_pages  # noqa: PLC0415

    return make_pages(state, answers_of, bank_login(state))


def bank_login(state: AppState) -> BankLogin | None:
    """Return the bank's own log-in, where the settings name one.

    Raises:
        UsageError: Its secret is missing, or others can read it.
    """
    settings = state.settings.oidc
    if settings is None:
        return None
    from serving.auth.oidc import BankLogin  # noqa: PLC0415 - loads authlib, which few projects need

    return BankLogin.of(settings, state.root, state.keys)


VipReco = asgi_service("vipreco", lifespan, workers=int(os.environ.get(WORKERS, "2")))
