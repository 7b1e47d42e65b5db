"""Command about the split: a challenger that decides for a part of the customers, and what came of it."""

from __future__ import annotations

from typing import Annotated

import typer

from vipreco.cli.options import AsOfOption, FormatOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.store_session import audited_read
from vipreco.cli.table_output import TableOutput

PANEL = "Models"
split = typer.Typer(help="Let a challenger decide for a part of the customers, and compare what comes of it.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.add_typer(split, name="split", rich_help_panel=PANEL, no_args_is_help=True)


@split.callback()
def _group() -> None:
    """Keep `report` a command of its own."""


@split.command("report")
def report(
    vip: Annotated[bool, typer.Option("--vip", help="Only the VIP tiers of vipreco.toml.")] = False,
    as_of: AsOfOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Compare what customers of both sides acquired since the split of vipreco.toml began.

    difference is challenger minus champion with its 95 % interval, over everybody who was a customer on the
    first day. Campaigns that were run meanwhile have their own comparison: `vipreco campaign report`.

    Example:  vipreco split report --vip
    """
    from vipreco.analytics import split_outcomes
    from vipreco.cli.project_inputs import open_history, split_of
    from vipreco.errors import UsageError
    from vipreco.lists import Audience, view_at
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    known, settings = split_of(project), project.settings.split
    if known is None or settings is None:
        raise UsageError(
            "no challenger decides for anybody",
            where="[split] in vipreco.toml",
            remedy="name key, challenger (a version), share and start_date there",
            code="no-split",
        )
    with narrated("Split") as narrator:
        history = open_history(project)
        first = view_at(history, settings.start_date)
        view = Audience(tiers=project.settings.tiers.vip).of(first) if vip else first
        narrator.say("outcomes")
        day = view_at(history, as_of).date
        with audited_read(project, "split.report", known.key):
            found = split_outcomes(history, view, known, settings.start_date, day)
    output.write(found.rows)
    typer.echo(
        f"split {known.key}: version {known.challenger} for {known.share:.0%} of the customers, acquisitions "
        f"after {found.after} up to {found.until}",
        err=True,
    )
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
