"""The command that runs the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.project_commands import DEMO

if TYPE_CHECKING:
    from vipreco.project import Project

DEMO_CUSTOMERS = 2_000
RUNNING = "serving.running"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("serve")(serve)


def serve(
    folder: Annotated[
        Optional[Path],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Argument(help="Project folder. Without it: the project here, else a demo bank that is made."),
    ] = None,
    port: Annotated[Optional[int], typer.Option(help="Without it: `port` of vipreco.toml.")] = None,  # noqa: UP045
    host: Annotated[Optional[str], typer.Option(help="Without it: `host` of vipreco.toml.")] = None,  # noqa: UP045
    workers: Annotated[Optional[int], typer.Option(min=1, max=64, help="Processes that answer.")] = None,  # noqa: UP045
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--i-have-a-proxy", help="Allow an address that others reach: a proxy stands before it."
        ),
    ] = False,
) -> None:
    """Run the service: the endpoint for channels and the page for relationship managers.

    Without a project it makes a demo bank, with a login for each role, and prints both. It stops on Ctrl-C,
    after what is being answered is answered.

    Example:  vipreco serve
    """
    project = _project(folder)
    given = {"port": port, "host": host, "workers": workers}
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = project.settings.serving.model_copy(update=chosen)
    project.import_rim(RUNNING).run(project, settings, typer.echo, behind_proxy=behind_proxy)


def _project(folder: Path | None) -> Project:
    """Return the project that is served; a demo bank where there is none."""
    from vipreco.project import PROJECT_FILE, Project

    start = (folder or Path.cwd()).resolve()
    if any((place / PROJECT_FILE).is_file() for place in (start, *start.parents)):
        return Project.find(start)
    from vipreco.cli.demo import make_bank

    return make_bank(folder or DEMO, DEMO_CUSTOMERS)
