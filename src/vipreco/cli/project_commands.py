"""Commands that make a project, and the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEMO = Path("vipreco-demo")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("demo")(demo)
    app.command("new")(new)


def demo(
    folder: Annotated[Path, typer.Argument(help="Project folder of the demo; made when missing.")] = DEMO,
    customers: Annotated[int, typer.Option(help="Customers of the simulated bank.")] = 6_000,
) -> None:
    """Run a demo: simulate a bank, import, train, backtest, and list one manager's calls.

    Results of an earlier run are reused, so a second run is quick.

    Example:  vipreco demo
    """
    from vipreco.cli.demo import run

    run(folder, customers)


def new(folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist or be empty.")]) -> None:
    """Make a project with its own settings, feature definitions and training flow.

    Example:  vipreco new my-bank
    """
    from vipreco.new_project import create

    project = create(folder)
    typer.echo(f"Made the project {project.settings.project.name} in {folder}\n\nNext:")
    typer.echo(f"  cd {folder}")
    typer.echo("  vipreco import --mapping mapping.toml FILES...   # your bank's own files")
    typer.echo("  vipreco train                                    # fit, backtest, register")
