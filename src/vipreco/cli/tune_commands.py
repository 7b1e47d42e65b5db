"""Command of tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from vipreco.cli.model_commands import PANEL, RecipeOption
from vipreco.cli.progress import narrated

TUNING = "training.recipe_search"


def register(app: typer.Typer) -> None:
    """Add the command of this module to `app`."""
    app.command("tune", rich_help_panel=PANEL)(tune)


def tune(
    recipe: RecipeOption = "default",
    space: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--space", metavar="FILE", help="Settings that may vary; default: training/search_space.toml."
        ),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", min=0.01, help="Time for this call.")] = 60.0,
    trials: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--trials", min=1, help="Trials in all; default: as many as the time allows."),
    ] = None,
) -> None:
    """Search for better settings of a recipe, and write them as a new recipe.

    Trials are judged on earlier dates alone. At the end the newest date is opened once, for the best trial
    and for the recipe as it was, and the report says when. A search that was interrupted goes on with the
    next call; it is another one after an import, or with another recipe or search space. Nothing is promoted:
    train the new recipe, and let the gates judge it.

    Example:  vipreco tune --recipe default --minutes 60
    """
    from vipreco.project import Project

    project = Project.find()
    tuning = project.import_rim(TUNING)
    with narrated("Tuning") as narrator:
        report = tuning.tune(project, recipe, tuning.Budget(minutes, trials), space=space, say=narrator.say)
    for line in report.lines:
        typer.echo(line)
