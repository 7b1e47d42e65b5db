"""Command that reports the effect of a campaign."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.document_output import LanguageName, document_text
from vipreco.cli.options import AsOfOption
from vipreco.cli.progress import Narrator, narrated
from vipreco.errors import UsageError

if TYPE_CHECKING:
    import datetime

    from vipreco.campaign import Report
    from vipreco.documents import Language


class ReportFormat(StrEnum):
    """Format of a report."""

    table = "table"
    html = "html"
    xlsx = "xlsx"
    json = "json"


def register(campaign: typer.Typer) -> None:
    """Add the command of this module to the commands for campaigns."""
    campaign.command("report")(report)


def report(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Key of a campaign that was run.")],
    policy: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--policy",
            metavar="FILE",
            help="Estimate another policy too: CSV or Parquet with customer_id, product_id, channel.",
        ),
    ] = None,
    language: Annotated[
        LanguageName, typer.Option("--language", help="Language of the texts.")
    ] = LanguageName.en,
    as_of: AsOfOption = None,
    kind: Annotated[
        Optional[ReportFormat],  # noqa: UP045
        typer.Option("--format", help="Format; default: by the ending of --out, else tables."),
    ] = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--out", metavar="FILE", help="Write into this .html, .xlsx or .json file."),
    ] = None,
) -> None:
    """Report the effect of a campaign: acquisitions against the control group, intervals, value and cost.

    A number that the data do not support is marked as such. The report names no customer.

    Example:  vipreco campaign report wealth-january
    Example:  vipreco campaign report wealth-january --as-of 2026-01-31 --out report.html
    Example:  vipreco campaign report wealth-january --language zh --out report.xlsx
    """
    chosen = _chosen(kind, out)
    with narrated("Campaign report") as narrator:
        made = _made(key, policy, language.value, as_of, narrator)
        content = _content(made, chosen)
    if out is not None:
        from vipreco.durable import write_bytes

        write_bytes(out, content)
        typer.echo(f"report written to {out}", err=True)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.flush()


def _chosen(kind: ReportFormat | None, out: Path | None) -> ReportFormat:
    """Check format and target before any work is done.

    Raises:
        UsageError: No format is known for the file, it cannot be written, or a terminal cannot show it.
    """
    from vipreco.export import check_target, format_of

    if out is None:
        if kind is ReportFormat.xlsx and sys.stdout.isatty():
            raise UsageError(
                "a spreadsheet cannot be shown on a terminal", remedy="give --out FILE", code="no-out"
            )
        return kind or ReportFormat.table
    check_target(out)
    known = [one.value for one in ReportFormat if one is not ReportFormat.table]
    return kind or ReportFormat(format_of(out, known))


def _made(
    key: str, policy: Path | None, language: Language, as_of: datetime.date | None, narrator: Narrator
) -> Report:
    """Make the report of a campaign of the project."""
    from vipreco.campaign import CampaignFolder, OutcomeSources, make_report, open_run, read_policy
    from vipreco.cli.project_inputs import open_history
    from vipreco.engines import PartedBank, open_engine
    from vipreco.lists import view_at
    from vipreco.project import Project
    from vipreco.store import Store

    project = Project.find()
    other = None if policy is None else read_policy(policy)
    with Store.open(project.store_url) as store:
        run = open_run(store, CampaignFolder(project.root / project.settings.campaign.folder), key)
        history = open_history(project)
        narrator.say("outcomes")
        with open_engine(project, history, narrator.count, narrator.say) as (engine, tables):
            return make_report(
                run,
                history,
                view_at(history, as_of).date,
                seed=project.seed,
                language=language,
                sources=OutcomeSources(store, PartedBank(engine, tables, narrator.count)),
                policy=other,
            )


def _content(made: Report, kind: ReportFormat) -> bytes:
    if kind is not ReportFormat.table:
        return made.content(kind.value)
    from vipreco.campaign import document

    return document_text(document(made.words)).encode()
