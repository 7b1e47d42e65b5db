"""Commands that make a project, and fill one for a first look."""

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
    customers: Annotated[int, typer.Option(help="Customers of the generated bank.")] = 6_000,
) -> None:
    """See it all at once: generate a bank, import, train, backtest, and list one manager's offers.

    What is there from an earlier run is used again, so a second run is quick.

    Example:  vipreco demo
    """
    from vipreco.cli.demo import run

    run(folder, customers)


def new(folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist or be empty.")]) -> None:
    """Make a project of your own: settings, feature definitions and training flow, yours to change.

    Example:  vipreco new my-bank
    """
    from vipreco.new_project import create

    project = create(folder)
    typer.echo(f"Made the project {project.settings.project.name} in {folder}\n\nNext:")
    typer.echo(f"  cd {folder}")
    typer.echo("  vipreco import --mapping mapping.toml FILES...   # your bank's own files")
    typer.echo("  vipreco train                                    # fit, backtest, register")
