"""Commands about models: train, look at versions, promote one, send what waits to the tracking server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from vipreco.cli.listing import Listing
from vipreco.cli.opening import REGISTRY
from vipreco.cli.options import FormatOption, OutOption
from vipreco.cli.progress import narrated

if TYPE_CHECKING:
    from vipreco.project import Project

FLOW = "training.flow"
PANEL = "Models"
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A number or an alias (champion).")]

models = typer.Typer(help="The registered versions: list them, show one, promote one.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("train", rich_help_panel=PANEL)(train)
    app.add_typer(models, name="models", rich_help_panel=PANEL)
    app.command("sync", rich_help_panel=PANEL)(sync)


def _project() -> Project:
    from vipreco.project import Project

    return Project.find()


def train(
    recipe: Annotated[
        str,
        typer.Option("--recipe", metavar="RECIPE", help="A recipe file, or a name in training/recipes."),
    ] = "default",
    promote: Annotated[
        bool, typer.Option("--promote", help="Make it champion if it passes the gates of the recipe.")
    ] = False,
) -> None:
    """Fit, calibrate and backtest a recommender, and register it as a version.

    The first version becomes champion by itself. When the tracking server is down, everything is kept here
    (exit code 8) until `vipreco sync`.

    Example:  vipreco train --recipe default --promote
    """
    project = _project()
    flow = project.import_rim(FLOW)
    with narrated("Training") as narrator:
        outcome = flow.train(project, recipe, promote=promote, say=narrator.say)
    typer.echo(outcome)


def sync() -> None:
    """Send trainings that were kept here while the tracking server was down.

    Example:  vipreco sync
    """
    project = _project()
    with narrated("Sending"):
        sent = project.import_rim(FLOW).sync(project)
    typer.echo(sent)


@models.command("list")
def list_models(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the registered versions, newest first, with their aliases and main numbers.

    Example:  vipreco models list
    """
    import polars as pl

    listing = Listing.planned(kind, out)
    project = _project()
    versions = project.import_rim(REGISTRY).list_versions(project, metrics=True)
    names = ("version", "aliases", "as_of_date", "recipe", "trained_by", "snapshot_id", "artifact_hash")
    listing.write(pl.DataFrame([{name: _plain(getattr(item, name)) for name in names} for item in versions]))


@models.command("show")
def show_model(
    reference: VersionArgument = "champion", kind: FormatOption = None, out: OutOption = None
) -> None:
    """Show every number of one version's backtest.

    Example:  vipreco models show champion
    """
    import polars as pl

    listing = Listing.planned(kind, out)
    project = _project()
    registry = project.import_rim(REGISTRY)
    version = registry.use(project, lambda opened: opened.version(reference))
    metrics = sorted(version.metrics.items())
    listing.write(pl.DataFrame(metrics, schema={"metric": pl.String, "value": pl.Float64}, orient="row"))


@models.command("promote")
def promote_model(reference: VersionArgument) -> None:
    """Make a version champion, if it passes the gates that it was trained with.

    Example:  vipreco models promote 3
    """
    project = _project()
    for finding in project.import_rim(REGISTRY).promote(project, reference):
        typer.echo(f"passed: {finding.sentence}")
    typer.echo(f"{reference} is champion")


@models.command("rollback")
def roll_back_model() -> None:
    """Make the previous champion champion again, at once and without a gate.

    Example:  vipreco models rollback
    """
    project = _project()
    version = project.import_rim(REGISTRY).roll_back(project)
    typer.echo(f"{version.version} is champion again")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
