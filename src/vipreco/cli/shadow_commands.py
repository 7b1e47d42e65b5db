"""Commands of the shadow: a challenger scored beside the champion, for nobody to see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import AsOfOption, FormatOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    from vipreco.project import Project

SHADOW = "training.shadow"
PANEL = "Models"
shadow = typer.Typer(help="Score a challenger beside the champion each night; no customer sees it.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.add_typer(shadow, name="shadow", rich_help_panel=PANEL, no_args_is_help=True)


def _project() -> Project:
    from vipreco.project import Project

    return Project.find()


@shadow.command("score")
def score(
    model: Annotated[
        str, typer.Option("--model", metavar="VERSION", help="Version or alias of the challenger.")
    ] = "challenger",
    as_of: AsOfOption = None,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="Length of the lists.")] = 3,
) -> None:
    """Score champion and challenger on all customers, and keep both lists under pseudonyms in data/shadow.

    Run it after `vipreco prepare`. A night that was scored before is left as it is.

    Example:  vipreco shadow score
    """
    project = _project()
    rim = project.import_rim(SHADOW)
    with narrated("Shadow") as narrator:
        night = rim.score(project, model, as_of, top, narrator.say)
    done = "scored" if night.new else "was scored before"
    typer.echo(f"night of {night.as_of} {done}: {night.folder}")


@shadow.command("report")
def report(
    model: Annotated[
        Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Option("--model", metavar="VERSION", help="The challenger; default: of the newest night."),
    ] = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Compare lists, chances and later outcomes of champion and challenger, paired by customer.

    difference is challenger minus champion with its 95 % interval. Outcomes come with the snapshot at the
    end of their window.

    Example:  vipreco shadow report
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    project = _project()
    found = project.import_rim(SHADOW).report(project, model)
    output.write(pl.DataFrame(found.rows))
    typer.echo(f"{found.nights} night(s), {found.matured} with outcomes", err=True)
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
