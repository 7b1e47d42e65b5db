"""The BentoML service of a project: `bentoml serve serving.service:VipReco` in its folder."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from serving.http.app_state import AppState
from serving.http.asgi_adapter import asgi_service
from serving.http.operation import PageRoutes
from serving.processes.release_watcher import OpenRelease
from serving.processes.worker_resources import open_app_state
from vipreco.errors import VipRecoError
from vipreco.project import Project

if TYPE_CHECKING:
    from serving.auth.oidc import BankLogin

BEHIND_PROXY = "VIPRECO_BEHIND_PROXY"  # set: `bentoml serve` may use an address that others reach


@asynccontextmanager
async def lifespan() -> AsyncIterator[ASGIApp]:
    """Give the application of the project in the current folder, for as long as the process answers."""
    from serving.api.application import create_app  # noqa: PLC0415 - in the worker alone

    project = Project.find()
    with open_app_state(project, release_opener(project)) as state:
        yield create_app(state, project_pages(state))


def release_opener(project: Project) -> Callable[[AppState], OpenRelease]:
    """Return how a release folder of a project is opened."""
    from vipreco.assurance import DecisionBasis, save_basis  # noqa: PLC0415 - in the worker alone
    from vipreco.online import DaySettings, OnlineService  # noqa: PLC0415

    settings = DaySettings(
        project.settings.tiers.vip, project.settings.call_list, project.settings.project.currency
    )

    def opened(state: AppState, folder: Path) -> OnlineService:
        service = OnlineService(folder, state.store, settings, project.signatures)
        weights = service.release.manifest.get("reason_weights", {})
        service.basis = save_basis(project.root, DecisionBasis.of(service.recommender, weights, settings))
        return service

    return lambda state: partial(opened, state)


def project_pages(state: AppState) -> PageRoutes:
    """Return the pages of a project, which show what its release answers."""
    from serving.page.pages import make_pages  # noqa: PLC0415
    from serving.workspace.answers import answers_of  # noqa: PLC0415 - in the worker alone

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


def serve() -> None:
    """Run `vipreco serve` in the process of `bentoml serve`, which so goes the same way.

    BentoML's own supervisor would start neither the audit shipper nor the champion watcher. Its options
    `--host` and `--port` count; the other settings are those of `vipreco.toml`.

    Raises:
        SystemExit: The service has stopped.
    """
    import click  # noqa: PLC0415 - in the parent alone

    from serving.processes.launch import run  # noqa: PLC0415

    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    given = {
        name: context.params[name]
        for name in ("host", "port")
        if context.get_parameter_source(name) is not default
    }
    project = Project.find()
    settings = project.settings.serving.model_copy(update=given)
    try:
        run(project, settings, click.echo, behind_proxy=BEHIND_PROXY in os.environ)
    except VipRecoError as error:
        click.echo(str(error), err=True)
        raise SystemExit(error.exit_code) from None
    raise SystemExit(0)


VipReco = asgi_service("vipreco", lifespan, serve)
