"""Commands about models: train, list and promote versions, send waiting runs to the tracking server."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from vipreco.cli.options import FormatOption, ModelOption, OutOption, read_date
from vipreco.cli.progress import narrated
from vipreco.cli.project_inputs import REGISTRY
from vipreco.cli.table_output import TableOutput
from vipreco.errors import EXIT_INTEGRITY, EXIT_OK

if TYPE_CHECKING:
    import polars as pl

    from vipreco.assurance import LabelLeak, LeakReport
    from vipreco.project import Project
    from vipreco.recommender import Recommender

FLOW = "training.flow"
FITTING = "training.model_fit"
REPLAY = "training.replay"
SUMMARY = "training.summary"
VERSION_PAGE = "training.version_page"
APPROVAL = "training.approval"
PANEL = "Models"
OURS = "vipreco"
RecipeOption = Annotated[
    str, typer.Option("--recipe", metavar="RECIPE", help="A recipe file, or a name in training/recipes.")
]
VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="A number or an alias (champion).")]

models = typer.Typer(help="The registered versions: list them, show one, promote one.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("train", rich_help_panel=PANEL)(train)
    app.command("backtest", rich_help_panel=PANEL)(backtest)
    app.command("leakcheck", rich_help_panel=PANEL)(leakcheck)
    app.add_typer(models, name="models", rich_help_panel=PANEL)
    app.command("sync", rich_help_panel=PANEL)(sync)


def _project() -> Project:
    from vipreco.project import Project

    return Project.find()


def train(
    recipe: RecipeOption = "default",
    promote: Annotated[
        bool, typer.Option("--promote", help="Make it champion if it passes the gates of the recipe.")
    ] = False,
    accept_leak: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--accept-leak",
            metavar="COLUMN",
            help="Learn from this column although it seems to know the label; may be repeated.",
        ),
    ] = None,
) -> None:
    """Fit, calibrate and backtest a recommender, and register it as a version.

    The first version becomes champion if it passes its gates: it must beat the most popular products and the
    products that were held before, and its probabilities must add up. When the tracking server is down, the
    run is stored locally (exit code 8) until `vipreco sync`.

    A column that knows at the as-of date what a customer does after it is refused (exit code 3) and named.

    Example:  vipreco train --recipe default --promote
    """
    project = _project()
    flow = project.import_rim(FLOW)
    with narrated("Training") as narrator:
        fit = project.import_rim(FITTING).fit_and_backtest
        published = flow.train(
            project, fit, recipe, promote=promote, accept_leaks=accept_leak or (), say=narrator.say
        )
    _tell(published)


def backtest(recipe: RecipeOption = "default", kind: FormatOption = None, out: OutOption = None) -> None:
    """Replay a recipe on held-out customers or months, with simple baselines beside every number.

    Nothing is registered. low and high are the 95 % interval of our number over customers.

    Example:  vipreco backtest --recipe default --out backtest.csv
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    project = _project()
    with narrated("Backtest") as narrator:
        found = project.import_rim(REPLAY).replay(project, recipe, say=narrator.say)
    output.write(beside_baselines(pl.DataFrame(found.every_metric().to_dict("list"))))
    if found.changes.remark:
        typer.echo(f"note: {found.changes.remark}", err=True)


def beside_baselines(metrics: pl.DataFrame) -> pl.DataFrame:
    """Return a row a slice and metric: our number with its interval, then each baseline's."""
    import polars as pl

    keys = ["slice", "metric"]
    ours = metrics.filter(pl.col("model") == OURS)
    own = ours.select(*keys, "customers", pl.col("value").alias(OURS), "low", "high")
    rivals = metrics.filter(pl.col("model") != OURS).pivot("model", index=keys, values="value")
    return own.join(rivals, on=keys, how="left", maintain_order="left")


def sync() -> None:
    """Send trainings that were stored locally while the tracking server was down.

    Example:  vipreco sync
    """
    project = _project()
    with narrated("Sending"):
        sent = project.import_rim(FLOW).sync(project).published
    for published in sent:
        _tell(published)
    typer.echo(f"{len(sent)} training(s) sent")


def leakcheck(
    as_of: Annotated[
        datetime.date,
        typer.Option(
            "--as-of",
            metavar="DATE",
            parser=read_date,
            help="As-of date of the proof, before the newest snapshot.",
        ),
    ],
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Prove on your own tables that nothing known after a date reaches a result as of that date.

    In a copy, everything known after the date is deleted, then changed; features, scores and lists must stay
    identical, and a leak planted on purpose must be found. Then each column of yours is asked whether it
    knew, at the date or before, what customers did afterwards. Exit code 6: the proof failed, or one knew it.

    Example:  vipreco leakcheck --as-of 2025-10-31
    """
    from vipreco.assurance import LeakBank, leakcheck as check_leaks
    from vipreco.cli.project_inputs import model_in_force, open_history
    from vipreco.engines import PartedBank, open_engine
    from vipreco.lists import view_at

    output = TableOutput.planned(kind, out)
    project = _project()
    with narrated("Checking") as narrator:
        history = open_history(project)
        day = view_at(history, as_of).date
        recommender, in_force = model_in_force(project, model, narrator, history)
        with open_engine(project, history, narrator.count, narrator.say) as (engine, tables):
            parts = PartedBank(engine, tables, narrator.count)
            bank = LeakBank(project.tables, recommender, project.threads, parts, in_force)
            report = check_leaks(bank, day, seed=project.seed, step=narrator.say)
        narrator.say("columns that know the label")
        leaks = _label_leaks(project, day, recommender)
    output.write(_checks(report))
    typer.echo(f"a planted leak was {'caught' if report.planted_caught else 'NOT caught'}", err=True)
    for leak in leaks:
        typer.echo(f"knows the label: {leak}", err=True)
    raise typer.Exit(EXIT_OK if report.passed and not leaks else EXIT_INTEGRITY)


def _label_leaks(project: Project, day: datetime.date, recommender: Recommender) -> list[LabelLeak]:
    from vipreco.assurance import LeakSettings, find_label_leaks
    from vipreco.cli.project_inputs import open_history

    history = open_history(project)
    days = [each for each in history.snapshot_dates if each <= day]
    tiers = project.settings.tiers
    return find_label_leaks(history, days, recommender.settings, tiers, LeakSettings(), project.seed)


def _checks(report: LeakReport) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {
            "future": [check.mode for check in report.checks],
            "changed_rows": [report.changed_rows[check.mode] for check in report.checks],
            "compared": [check.what for check in report.checks],
            "customers": [report.customers] * len(report.checks),
            "identical": [check.identical for check in report.checks],
            "differing": [list(check.columns) for check in report.checks],
        },
        schema_overrides={"differing": pl.List(pl.String)},
    )


@models.command("list")
def list_models(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the registered versions, newest first, with their aliases and main numbers.

    Example:  vipreco models list
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    project = _project()
    versions = project.import_rim(REGISTRY).list_versions(project, metrics=True)
    names = ("version", "aliases", "as_of_date", "recipe", "trained_by", "snapshot_id", "artifact_hash")
    output.write(pl.DataFrame([{name: _plain(getattr(item, name)) for name in names} for item in versions]))


@models.command("show")
def show_model(
    reference: VersionArgument = "champion",
    every: Annotated[bool, typer.Option("--all", help="Every number of the backtest instead.")] = False,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show the verdict about one version and its main numbers beside simple rules.

    Example:  vipreco models show champion
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    project = _project()
    registry = project.import_rim(REGISTRY)
    version, findings = registry.use(project, lambda opened: opened.judged(reference))
    if every:
        metrics = sorted(version.metrics.items())
        output.write(pl.DataFrame(metrics, schema={"metric": pl.String, "value": pl.Float64}, orient="row"))
        return
    summary = project.import_rim(SUMMARY).summarise(version.metrics, findings)
    decided = project.import_rim(APPROVAL).approvals(project, version)
    head = f"version {version.version} {' '.join(version.aliases)}"
    for line in (head, *summary.lines, *map(str, decided)):
        typer.echo(line, err=kind is not None or out is not None)
    output.write(pl.DataFrame(summary.rows))


@models.command("describe")
def describe_model(reference: VersionArgument = "champion") -> None:
    """Print all about one version as JSON: verdict, approvals, numbers, calibration, address in MLflow.

    Example:  vipreco models describe champion
    """
    from vipreco.durable import canonical_json

    project = _project()
    version, findings = project.import_rim(REGISTRY).use(project, lambda opened: opened.judged(reference))
    decided = project.import_rim(APPROVAL).approvals(project, version)
    told = project.import_rim(VERSION_PAGE).describe_version(project, version, findings, decided)
    typer.echo(canonical_json(told).decode(), nl=False)


@models.command("compare")
def compare_models(
    one: VersionArgument,
    other: VersionArgument,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show the main numbers of two versions side by side, and the verdict about each.

    Example:  vipreco models compare 1 2
    Example:  vipreco models compare champion 3 --out numbers.xlsx
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    project = _project()
    judged, summarise = project.import_rim(REGISTRY).use, project.import_rim(SUMMARY).summarise
    columns = []
    for place, reference in enumerate((one, other)):
        version, findings = judged(project, lambda opened, wanted=reference: opened.judged(wanted))
        summary = summarise(version.metrics, findings)
        typer.echo(f"version {version.version} {' '.join(version.aliases)}: {summary.lines[0]}", err=True)
        rows = {row["metric"]: row["ours"] for row in summary.rows}
        names = {"metric": pl.String(), ("one", "other")[place]: pl.Float64()}
        columns.append(pl.DataFrame([*rows.items()], names, orient="row"))
    output.write(
        columns[0].join(columns[1], on="metric", how="full", coalesce=True, maintain_order="left_right")
    )


@models.command("promote")
def promote_model(reference: VersionArgument) -> None:
    """Approve a version: it becomes champion, if it passes its gates and somebody else trained it.

    The decision is a record of the audit, with the hash of the verdict that you read; a refusal too. A
    project of one person sets `single_person = true` under [governance] of vipreco.toml.

    Example:  vipreco models promote 3
    """
    project = _project()
    for finding in project.import_rim(APPROVAL).promote(project, reference):
        typer.echo(f"passed: {finding.sentence}")
    typer.echo(f"{reference} is champion")


@models.command("rollback")
def roll_back_model() -> None:
    """Make the previous champion the champion again, at once and without a gate; the audit records it.

    Example:  vipreco models rollback
    """
    project = _project()
    version = project.import_rim(APPROVAL).roll_back(project)
    typer.echo(f"{version.version} is champion again")


@models.command("retire")
def retire_model(reference: VersionArgument) -> None:
    """Take a version out of use for good: it keeps its files, and nobody may promote it.

    The audit records it. The champion cannot be retired: promote another, or roll back, first.

    Example:  vipreco models retire 3
    """
    project = _project()
    version = project.import_rim(APPROVAL).retire(project, reference)
    typer.echo(f"{version.version} is retired")


def _tell(published: Any) -> None:
    """Say what was trained, whether it is champion, and what the gates said."""
    standing = "champion" if published.champion else "challenger"
    typer.echo(f"version {published.version} is {standing} (MLflow run {published.run_id})")
    for finding in published.findings:
        if finding.passed:
            typer.echo(f"  passed {finding.sentence}")
    for line in published.explanation:
        typer.echo(f"  {line}")
    for remark in (*published.record.remarks, published.next_step):
        if remark:
            typer.echo(f"  {remark}")


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
