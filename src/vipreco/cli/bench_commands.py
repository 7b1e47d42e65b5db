"""Commands that measure against a simulated bank's truth; nothing else reads that truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.progress import narrated

if TYPE_CHECKING:
    from vipreco.project import Project
    from vipreco.simulator import OraclePlan, OracleResult, Rim

RECIPE = "training.recipe"
RECIPES = Path("training") / "recipes"
FIRST_SEED = 1
# Margins of acquisitions are judged; who leaves or rises is asked for in the forward simulation.
MARGINS_ALONE = {"relationship_horizon_months": 0}

bench = typer.Typer(
    help="Measure the engine on simulated banks, where the truth is known.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.add_typer(bench, name="bench", rich_help_panel="Models")


@bench.command("oracle")
def oracle(
    seeds: Annotated[int, typer.Option(min=1, help="Number of banks; the seeds are 1, 2, ...")] = 1,
    customers: Annotated[int, typer.Option(min=100, help="Customers of each bank.")] = 20_000,
    months: Annotated[int, typer.Option(min=3, help="Months of each bank; the last one is judged.")] = 24,
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="RECIPE", help="A recipe file, or a name in training/recipes.")
    ] = "default",
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", metavar="DIR", help="Write report.md and results.json into this folder."),
    ] = None,
) -> None:
    """Compare our offers, and those of simple rules, with those of an oracle that knows the truth.

    Simulates a bank for each seed, imports it, trains, decides, and judges by the true chances. Each bank
    takes minutes. Features and recipes are those of the project, or of the reference project outside of one.

    Example:  vipreco bench oracle --seeds 2 --customers 5000 --months 12 --out oracle
    """
    from vipreco.scratch_folder import scratch_folder
    from vipreco.simulator import bench_oracle, write_report

    project = _project()
    plan = plan_of(project, recipe, seeds, customers, months)
    with narrated("Oracle") as narrator, scratch_folder("oracle") as work:
        result = bench_oracle(plan, rim_of(project, plan), work, narrator.say)
    _show(result)
    if out:
        write_report(result, out)
        typer.echo(f"report.md and results.json are in {out}")


def _project() -> Project:
    from vipreco.errors import UsageError
    from vipreco.new_project import reference_folder
    from vipreco.project import Project

    try:
        return Project.find()
    except UsageError:
        return Project.find(reference_folder())


def plan_of(project: Project, recipe: str, seeds: int, customers: int, months: int) -> OraclePlan:
    """Return the bench of a recipe over the first seeds."""
    from vipreco.simulator import OraclePlan

    rim = project.import_rim(RECIPE)
    read = rim.read_recipe(rim.find_recipe(project.root / RECIPES, recipe))
    return OraclePlan(
        seeds=tuple(range(FIRST_SEED, FIRST_SEED + seeds)),
        customers=customers,
        months=months,
        newest=read.data.newest,
        settings=read.recommender.model_copy(update=MARGINS_ALONE),
        threads=project.threads,
    )


def rim_of(project: Project, plan: OraclePlan) -> Rim:
    """Return features, rules and settings of a project."""
    from vipreco.features import FeatureSet
    from vipreco.policy import Policy
    from vipreco.simulator import Rim

    features = FeatureSet.read(project.features, project.settings.tiers)
    return Rim(features, Policy.read(plan.settings.policy, project.root), project.settings)


def _show(result: OracleResult) -> None:
    """Print the shares of the oracle, a table for each effort and unit, and the calibration."""
    from vipreco.cli.table_output import TableOutput
    from vipreco.simulator import TITLES, Effort, Unit, share_table

    for effort in Effort:
        for unit in Unit:
            typer.echo(f"\n{TITLES[effort]}, {unit.value}: share of the oracle")
            TableOutput.planned(None, None).write(share_table(result, effort, unit))
    typer.echo("\nPropensities against the true chances: ratio of the sums, slope on the logit scale")
    TableOutput.planned(None, None).write(result.calibration)
