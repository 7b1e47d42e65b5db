"""The command that watches tables, chances, offers and outcomes from snapshot to snapshot."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import AsOfOption, FormatOption, ModelOption, OutOption
from vipreco.cli.progress import Narrator, narrated
from vipreco.cli.table_output import TableOutput
from vipreco.errors import EXIT_ALARM, EXIT_OK, DependencyDownError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from vipreco.monitoring import MonitoredBank, MonitoringResult, Rate
    from vipreco.project import Project

PANEL = "Models"
RIM = "training.monitoring"
FOLDER = Path("data") / "monitoring"
NUMBERS = ("effect", "tolerance", "psi")


def register(app: typer.Typer) -> None:
    """Add the command of this module to `app`."""
    app.command("monitor", rich_help_panel=PANEL)(monitor)


def monitor(
    report: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--report", metavar="FILE", help="Write the report, one HTML page, into this file."),
    ] = None,
    textfile: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--textfile", metavar="FILE", help="Write gauges for node_exporter into this .prom file."
        ),
    ] = None,
    log: Annotated[
        bool, typer.Option("--log", help="Log the figures and the report as an MLflow run.")
    ] = False,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Judge the newest snapshot: matured labels, outcomes of contacts, chances, columns, offers, age.

    An alarm is larger than its tolerance in training/monitoring.toml, survives a false-discovery control over
    all columns, and stands in two snapshots in a row; labels and broken feeds speak at once. Each finding has
    a code with a section in docs/monitoring.md. Counts of snapshots are kept in data/monitoring; they hold no
    customer. Exit code 9: there is an alarm.

    Example:  vipreco monitor --report monitoring.html
    Example:  vipreco monitor --as-of 2025-12-31 --textfile /var/lib/node_exporter/vipreco.prom
    """
    from vipreco.cli.store_session import business_moment
    from vipreco.durable import write_bytes
    from vipreco.monitoring import headline, monitor as judge_bank, report_page, textfile_gauges
    from vipreco.project import Project

    output, project = TableOutput.planned(kind, out), Project.find()
    rim = project.import_rim(RIM)
    limits = rim.read_limits(project)
    with narrated("Monitoring") as narrator, _bank(project, model, narrator) as bank:
        today = as_of or business_moment(project).date()
        day = as_of or bank.history.snapshot_dates[-1]
        found = judge_bank(bank, day, limits, today)
        page = report_page(found, limits) if report or log else ""
    output.write(_table(found))
    if report:
        write_bytes(report, page.encode())
    if textfile:
        write_bytes(textfile, textfile_gauges(found).encode(), mode=0o644)
    if log:
        _log(rim, project, found, page)
    typer.echo(headline(found), err=True)
    raise typer.Exit(EXIT_ALARM if found.alarms else EXIT_OK)


@contextmanager
def _bank(project: Project, model: str | None, narrator: Narrator) -> Iterator[MonitoredBank]:
    """Give what is watched; without any model, the tables alone."""
    from vipreco.cli.project_inputs import model_in_force, open_history, open_tables
    from vipreco.engines import PartedBank, open_engine
    from vipreco.monitoring import FactFiles, MonitoredBank

    history, champion, in_force = open_history(project), None, None
    try:
        champion, in_force = model_in_force(project, model, narrator, history)
    except UsageError:
        if model is not None:
            raise
        typer.echo("no champion yet: the tables alone are judged", err=True)
    tables, artifact = open_tables(project), in_force.artifact_hash if in_force else ""
    files = FactFiles(project.root / FOLDER, artifact, tables.snapshot_id, tables.snapshot_ids)
    with open_engine(project, history, narrator.count, narrator.say) as (engine, customers):
        parts = PartedBank(engine, customers, narrator.count)
        if champion is None or in_force is None:
            yield MonitoredBank(history, files, parts=parts, step=narrator.say)
            return
        model_of = project.import_rim(RIM).unseen_models(project, champion, in_force)
        answers = _answers(project)
        yield MonitoredBank(history, files, champion, in_force, parts, model_of, answers, narrator.say)


def _answers(project: Project) -> Callable[[datetime.date, datetime.date], Rate]:
    from vipreco.cli.store_session import store_if_any
    from vipreco.monitoring import Rate

    def answers(after: datetime.date, until: datetime.date) -> Rate:
        with store_if_any(project) as store:
            counts = store.audit.results(after, until) if store else {}
        total = sum(counts.values())
        return Rate(float(total - counts.get("ok", 0)), float(total))

    return answers


def _log(rim: ModuleType, project: Project, found: MonitoringResult, page: str) -> None:
    try:
        rim.log_result(project, found, page)
    except DependencyDownError as error:
        typer.echo(f"warning: the figures were not logged: {error}", err=True)


def _table(found: MonitoringResult) -> pl.DataFrame:
    import polars as pl

    names = (
        "severity",
        "code",
        "subject",
        "what",
        "effect",
        "tolerance",
        "psi",
        "assumption",
        "owner",
        "page",
    )
    columns = {name: [getattr(each, name) for each in found.findings] for name in names}
    return pl.DataFrame(columns, {name: pl.Float64 if name in NUMBERS else pl.String for name in names})
