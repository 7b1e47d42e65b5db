"""The command that compares offers and chances of protected groups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vipreco.cli.options import AsOfOption, FormatOption, ModelOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.table_output import TableOutput
from vipreco.errors import EXIT_ALARM, EXIT_OK, UsageError

PANEL = "Models"


def register(app: typer.Typer) -> None:
    """Add the command of this module to `app`."""
    app.command("fairness", rich_help_panel=PANEL)(fairness)


def fairness(
    groups: Annotated[
        Path,
        typer.Option(
            "--groups",
            metavar="FILE",
            help="CSV or Parquet with customer_id and protected attributes; read for this check alone.",
        ),
    ],
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Compare offers, outcomes, errors and calibration of protected groups, by product family.

    Protected attributes (features/prohibited.toml) are never imported; give them in a file of their own. Each
    group stands beside all others, at the newest date whose labels are known, with 95 % intervals. A group
    differs where the difference is larger than is tolerated and survives a false-discovery control over all
    measures. A difference is a question, not yet a fault: docs/fairness.md. Exit code 9: a group differs.

    Example:  vipreco fairness --groups protected.csv --out fairness.xlsx
    """
    from vipreco.assurance import FairnessSettings, check_fairness, read_groups
    from vipreco.cli.project_inputs import open_history, open_model
    from vipreco.features import read_prohibited
    from vipreco.history import label_windows
    from vipreco.project import Project

    output, project = TableOutput.planned(kind, out), Project.find()
    named = read_groups(groups, read_prohibited(project.features))
    with narrated("Fairness") as narrator:
        recommender, history = open_model(project, model, narrator), open_history(project)
        settings = recommender.settings
        labelled = list(label_windows(history.snapshot_dates, settings.horizon_months, settings.gap_months))
        days = [day for day in labelled if as_of is None or day <= as_of]
        if not days:
            raise UsageError("the labels of no such date are known", where="--as-of", code="no-labels")
        report = check_fairness(recommender, history, days[-1], named, FairnessSettings())
    output.write(report.table())
    if report.hindsight:
        typer.echo(f"warning: {report.hindsight}: calibration and errors look better than they are", err=True)
    for row in report.differing:
        typer.echo(
            f"differs: {row.attribute} {row.group}, {row.family}, {row.found.measure}: "
            f"{row.found.value.value:.3f}, others {row.found.others:.3f}",
            err=True,
        )
    raise typer.Exit(EXIT_OK if report.passed else EXIT_ALARM)
