"""Commands of the model loop that a scheduler runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vipreco.cli.options import AsOfOption
from vipreco.cli.progress import narrated

if TYPE_CHECKING:
    from vipreco.project import Project

RETRAINING = "training.retrain_job"
REPORT = "training.report"
FITTING = "training.model_fit"
PANEL = "Models"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("retrain", rich_help_panel=PANEL)(retrain)
    app.command("report", rich_help_panel=PANEL)(report)


def retrain(
    as_of: AsOfOption = None,
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="RECIPE", help="A recipe file, or a name in training/recipes.")
    ] = "default",
    promote: Annotated[
        bool,
        typer.Option("--promote", help="Make it champion if it passes, where one person may decide."),
    ] = False,
    accept_findings: Annotated[
        bool, typer.Option("--accept-findings", help="Go on although `vipreco validate` finds errors.")
    ] = False,
) -> None:
    """Train a challenger on what is known now, judge it beside the champion, and register it with a verdict.

    Imports what the store recorded, validates the tables, looks for leaks, fits, backtests champion and
    challenger on the same months and customers, and applies training/gates.toml. The champion stays until
    somebody approves the challenger (`vipreco models promote`).

    Exit codes: 0 passed, or nothing new; 4 done, and something needs a person: the verdict is undecided or
    refused, or rows were quarantined; 2 a setting, 3 the tables, 5 another one runs, 6 a leak or damage, 7
    disk or memory, 8 the tracking server is down and the challenger waits. data/retrain/last.json says more.

    Example:  vipreco retrain --recipe quick
    """
    from vipreco.project import Project

    project = Project.find()
    rim = project.import_rim(RETRAINING)
    fit = project.import_rim(FITTING).fit_and_backtest
    plan = rim.Plan(
        fit, lambda: _bring_in(project), recipe, as_of, promote=promote, accept_findings=accept_findings
    )
    with narrated("Retraining") as narrator:
        done = rim.retrain(project, plan, narrator.say)
    _tell(done)
    raise typer.Exit(done.exit_code)


def report(
    reference: Annotated[
        str, typer.Argument(metavar="VERSION", help="A number or an alias (champion).")
    ] = "challenger",
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="HTML file; an existing one is replaced.")
    ] = Path("report.html"),
) -> None:
    """Write the validation report of a version: one HTML file with its plots and the decisions about it.

    In the order of supervisors: scope, data, method, champion and baselines, back-testing, calibration,
    stability, fairness, overlays, limits, findings, triggers that suspend use, decisions.

    Example:  vipreco report challenger --out report.html
    """
    from vipreco.durable import write_bytes
    from vipreco.project import Project

    project = Project.find()
    page: str = project.import_rim(REPORT).report_of(project, reference)
    write_bytes(out, page.encode())
    typer.echo(str(out))


def _bring_in(project: Project) -> list[str]:
    """Import the records of the store, where there is one; return what needs a look."""
    from vipreco.cli.store_session import store_if_any
    from vipreco.cli.subject_commands import keep_erased_out
    from vipreco.errors import EXIT_ROWS_QUARANTINED
    from vipreco.store import import_from_store

    with store_if_any(project) as store:
        if store is None:
            return []
        report = import_from_store(project.tables, store, project.settings, signatures=project.signatures)
    keep_erased_out(project)
    if report.exit_code != EXIT_ROWS_QUARANTINED:
        return []
    return [f"rows of the store were quarantined: {', '.join(map(str, report.quarantine))}"]


def _tell(done: Any) -> None:
    for line in str(done.published).splitlines():
        typer.echo(line)
    typer.echo(f"verdict {done.verdict.sentence}")
    for bound in done.verdict.bounds:
        if not bound.passed:
            typer.echo(f"  {bound.sentence}{f' ({bound.detail})' if bound.detail else ''}")
    for warning in done.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{done.outcome}; see {done.folder}")
