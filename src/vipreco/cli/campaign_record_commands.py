"""Campaign commands that read records: list, show, compare, export, hours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from vipreco.cli.campaign_output import show_summary
from vipreco.cli.options import CampaignKey, Format, FormatOption, OutOption
from vipreco.cli.store_session import audited_read
from vipreco.cli.table_output import TableOutput, table_text

PlanArgument = Annotated[
    Path, typer.Argument(metavar="PLAN", help="A plan, of `campaign plan --format json`.")
]


def register(campaign: typer.Typer) -> None:
    """Add the commands of this module to the commands for campaigns."""
    campaign.command("list")(list_)
    campaign.command("show")(show_)
    campaign.command("compare")(compare_)
    campaign.command("export")(export_)
    campaign.command("hours")(hours_)


def show_(key: CampaignKey) -> None:
    """Show a campaign that was run: arms, value, limits and the names of its lists.

    Example:  vipreco campaign show funds-january
    """
    from vipreco.campaign import lists_of

    manifest = _manifest(key)
    show_summary(manifest)
    for name in lists_of(manifest):
        typer.echo(name)


def compare_(
    one: PlanArgument, other: PlanArgument, kind: FormatOption = None, out: OutOption = None
) -> None:
    """Show two plans side by side: customers, arms, value, gap, power, and the settings that differ.

    Example:  vipreco campaign compare plan.json other-plan.json
    """
    from vipreco.campaign import compare_plans

    output = TableOutput.planned(kind, out)
    plans = [_read_plan(file) for file in (one, other)]
    found = compare_plans(*plans)
    output.write(found.figures)
    if output.kind is Format.table and output.path is None:
        typer.echo(table_text(found.settings, title="settings that differ"), nl=False)


def export_(
    key: CampaignKey,
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of a list, such as call.csv.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write into this file.")],
) -> None:
    """Copy a list of a campaign that was run, after it was compared with what the run wrote.

    The list names customers: the export stands in the audit.

    Example:  vipreco campaign export funds-january call/M00001.xlsx --out calls.xlsx
    """
    from vipreco.campaign import CampaignFolder
    from vipreco.durable import replacing
    from vipreco.export import check_target
    from vipreco.project import Project

    check_target(out)
    project = Project.find()
    with audited_read(project, "campaign.export", f"{key}/{name}"):
        folder = CampaignFolder(project.root / project.settings.campaign.folder)
        content = folder.open_list(key, _manifest(key), name)
    with content, replacing(out) as temporary, temporary.open("wb") as copy:
        shutil.copyfileobj(content, copy)
    typer.echo(f"{name} written to {out}", err=True)


def _manifest(key: str) -> dict[str, Any]:
    """Return the manifest of a finished campaign.

    Raises:
        UsageError: It was not run, or its run is not finished.
    """
    from vipreco.errors import UsageError

    for manifest in _manifests(key):
        return manifest
    raise UsageError(
        "no campaign with this key was run to its end",
        where=key,
        remedy="`vipreco campaign list` shows those that were",
        code="unknown-campaign",
    )


def list_(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the campaigns that were run, with their dates, arms and value.

    Example:  vipreco campaign list
    """
    import polars as pl

    from vipreco.project import Project
    from vipreco.store import Store

    output = TableOutput.planned(kind, out)
    with Store.open(Project.find().store_url) as store:
        rows = [_listed(run.campaign_id, run.manifest) for run in store.campaigns.all()]
    schema = {name: getattr(pl, kind) for name, kind in LISTED.items()}
    output.write(pl.DataFrame(rows, schema, orient="row"))


def hours_(
    key: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[KEY]", help="Key of a campaign that was run; default: the last one."),
    ] = None,
    plan: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--plan", metavar="FILE", help="Instead a plan, of `campaign plan --format json`."),
    ] = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what one more hour of each manager would add to a campaign in which minutes are a limit.

    Example:  vipreco campaign hours
    Example:  vipreco campaign hours funds-january --out hours.xlsx
    Example:  vipreco campaign hours --plan plan.json
    """
    from vipreco.campaign import manager_hours, newest_with_hours
    from vipreco.errors import UsageError

    output = TableOutput.planned(kind, out)
    found = newest_with_hours(_manifests(key) if plan is None else [_read_plan(plan)])
    if found is None:
        raise UsageError(
            "minutes of managers are a limit in no campaign that was run, or not in this plan",
            where=str(plan or key or "campaign"),
            remedy="set minutes under [managers] of a campaign file, and plan or run it",
            code="no-hours",
        )
    output.write(manager_hours(found))
    typer.echo(f"campaign {found['campaign_id']}", err=True)


def _manifests(key: str | None) -> list[dict[str, Any]]:
    """Return the manifests of the campaigns that were run, or of one of them."""
    from vipreco.project import Project
    from vipreco.store import Store

    with Store.open(Project.find().store_url) as store:
        runs = [run for run in store.campaigns.all() if key in {None, run.campaign_id}]
    return [run.manifest for run in runs if run.manifest]


def _read_plan(file: Path) -> dict[str, Any]:
    """Return a plan that was written as JSON.

    Raises:
        UsageError: The file holds none.
    """
    import json

    from vipreco.errors import UsageError

    try:
        plan = json.loads(file.read_bytes())
    except (OSError, ValueError):
        plan = None
    if not isinstance(plan, dict) or not {"campaign", "campaign_id", "limits"} <= plan.keys():
        remedy = "write one with `vipreco campaign plan CAMPAIGN.toml --format json`"
        raise UsageError("this is no plan of a campaign", where=str(file), remedy=remedy, code="no-plan")
    return plan


LISTED = {
    "campaign_id": "String",
    "state": "String",
    "start_date": "String",
    "end_date": "String",
    "offered": "Int64",
    "explored": "Int64",
    "control": "Int64",
    "value_amount": "Float64",
    "gap_rate": "Float64",
}


def _listed(key: str, manifest: dict[str, Any] | None) -> tuple[Any, ...]:
    if manifest is None:
        return (key, "unfinished: run it again", *[None] * 7)
    asked, arms = manifest["campaign"], manifest["arms"]
    return (
        key,
        "finished",
        asked["start_date"],
        asked["end_date"],
        arms["offered"],
        arms["explored"],
        arms["control"],
        manifest["value_amount"],
        manifest["gap_rate"],
    )
