"""The command that shows the factors behind the order of offers, and their effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import AsOfOption, Format, FormatOption, ModelOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    from vipreco.project import Project
    from vipreco.settings import ArbitrationSettings

PANEL = "Offers"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("levers", rich_help_panel=PANEL)(levers)


def levers(
    vip: Annotated[bool, typer.Option("--vip", help="Only the VIP tiers of vipreco.toml.")] = False,
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Only the book of this relationship manager."),
    ] = None,
    recipe: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--recipe", metavar="NAME", help="Try the arbitration of this recipe, without a new fit."
        ),
    ] = None,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show the effect of each factor on the order of offers: leave out one at a time, and see the cost.

    For each factor: the share of customers whose first offer or call would change without it, and the
    expected value that would be lost. A value below 0 is the price of the factor: context and levers cost
    expected value.

    Example:  vipreco levers --vip
    Example:  vipreco levers --recipe mine --out levers.xlsx
    """
    from vipreco.cli.project_inputs import open_model, open_view
    from vipreco.export import with_currency
    from vipreco.lists import Audience, lever_table, sensitivity
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    tiers = project.settings.tiers.vip if vip else None
    with narrated("Levers") as narrator:
        recommender = open_model(project, model, narrator)
        if recipe is not None:
            recommender = recommender.arbitrated(_arbitration(project, recipe))
        view = Audience(manager=manager, tiers=tiers).of(open_view(project, as_of))
        found = sensitivity(recommender.decide(view))
        weights = lever_table(recommender.settings.arbitration, view)
    if output.kind is Format.table and output.path is None and weights.height:
        output.write(weights)
    output.write(with_currency(found, project.settings.project.currency))


def _arbitration(project: Project, reference: str) -> ArbitrationSettings:
    recipes = project.import_rim("training.recipe")
    path = recipes.find_recipe(project.root / "training" / "recipes", reference)
    settings: ArbitrationSettings = recipes.read_recipe(path).recommender.arbitration
    return settings
