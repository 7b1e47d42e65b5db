"""Campaign commands: example file, plan, run, recheck, list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from vipreco.cli import campaign_report_commands
from vipreco.cli.options import AsOfOption, Format, FormatOption, HindsightOption, ModelOption, OutOption
from vipreco.cli.progress import Narrator, narrated
from vipreco.cli.store_session import actor_named
from vipreco.cli.table_output import TableOutput, table_text

if TYPE_CHECKING:
    import polars as pl

    from vipreco.campaign import Bank, CampaignFolder, CampaignPlan, Challenger
    from vipreco.project import Project
    from vipreco.store import Store

PANEL = "Campaigns"
MAX_MANAGERS = 8
MAX_REASONS = 3
campaign = typer.Typer(
    help="Campaigns: best use of limited capacity, with a control group and a measured lift.",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Campaign file (TOML).")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Key of the campaign.")]
EmptyOption = Annotated[
    bool, typer.Option("--fail-if-empty", help="End with exit code 3 when nobody is eligible.")
]
ExactOption = Annotated[
    bool,
    typer.Option("--exact", help="Allocate with an exact solver (HiGHS), as a check of small campaigns."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    campaign_report_commands.register(campaign)
    app.add_typer(campaign, name="campaign", rich_help_panel=PANEL)


@dataclass(frozen=True)
class _Opened:
    """Bank, store and folder of a campaign command."""

    bank: Bank
    store: Store
    campaigns: CampaignFolder
    threads: int


@campaign.command("example")
def example_(
    as_of: AsOfOption = None,
    out: Annotated[Optional[Path], typer.Option(metavar="FILE", help="Write into this new file.")] = None,  # noqa: UP045
) -> None:
    """Print an example campaign file with products and tiers of this bank and a comment on each line.

    Example:  vipreco campaign example --out campaign.toml
    """
    from vipreco.campaign import example
    from vipreco.cli.project_inputs import open_view
    from vipreco.durable import write_bytes
    from vipreco.errors import UsageError
    from vipreco.export import check_target
    from vipreco.project import Project

    if out is not None:
        check_target(out)
        if out.exists():
            raise UsageError(
                "this file exists already", where=str(out), remedy="name a new file", code="out-exists"
            )
    project = Project.find()
    text = example(open_view(project, as_of), project.settings.tiers.vip)
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_bytes(out, text.encode(), mode=0o644)
        typer.echo(f"campaign file written to {out}; change it, then: vipreco campaign plan {out}", err=True)


@campaign.command("plan")
def plan_(
    file: FileArgument,
    fail_if_empty: EmptyOption = False,
    exact: ExactOption = False,
    as_of: AsOfOption = None,
    hindsight: HindsightOption = False,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what a campaign would bring: audience, power, value, and the value of more capacity.

    Nothing is decided or stored.

    Example:  vipreco campaign plan campaign.toml
    Example:  vipreco campaign plan campaign.toml --out plan.xlsx
    """
    from vipreco.campaign import RunOptions, StoreChanges, plan, read_campaign

    output = TableOutput.planned(kind, out)
    asked = read_campaign(file)
    with narrated("Plan") as narrator, _opened(as_of, model, narrator, hindsight=hindsight) as opened:
        changes = opened.store.switches.read().products
        since = StoreChanges.read(opened.store, changes, opened.bank.after)
        order = RunOptions(
            str(file),
            actor_named(None),
            fail_if_empty=fail_if_empty,
            exact=exact,
            threads=opened.threads,
            say=narrator.say,
        )
        found = plan(opened.bank, asked, since, order)
    _show_plan(found, output)


@campaign.command("run")
def run_(
    file: FileArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while the same campaign is being run.")] = False,
    fail_if_empty: EmptyOption = False,
    exact: ExactOption = False,
    as_of: AsOfOption = None,
    hindsight: HindsightOption = False,
    model: ModelOption = None,
) -> None:
    """Run a campaign: allocate, write the lists by channel and manager, store its members.

    The same key with the same inputs changes nothing; with other inputs it is refused (exit code 5). After an
    interruption, run it again: the result is the same files.

    Example:  vipreco campaign run campaign.toml
    """
    from vipreco.campaign import RunOptions, read_campaign, run

    asked = read_campaign(file)
    with narrated("Campaign") as narrator, _opened(as_of, model, narrator, hindsight=hindsight) as opened:
        order = RunOptions(
            str(file),
            actor_named(None),
            wait,
            fail_if_empty,
            exact=exact,
            threads=opened.threads,
            say=narrator.say,
        )
        result = run(opened.bank, asked, opened.store, opened.campaigns, order)
    _show_summary(result.manifest)
    typer.echo(_files_text(result.folder, result.manifest))
    if result.again:
        typer.echo("this campaign was run before with the same inputs; nothing changed")


@campaign.command("recheck")
def recheck_(
    key: KeyArgument,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """List offers that must not be made any more: do-not-contact, consent, rating, acceptance, a switch.

    The rules are applied again with what tables and store know now. Nothing is changed.

    Example:  vipreco campaign recheck funds-january
    Example:  vipreco campaign recheck funds-january --out removed.xlsx
    """
    from vipreco.campaign import StoreChanges, offers_of, recheck

    output = TableOutput.planned(kind, out)
    with (
        narrated("Recheck") as narrator,
        _opened(as_of, model, narrator, hindsight=True, split=False) as opened,
    ):
        offers = offers_of(opened.store.campaigns, key)
        off = opened.store.switches.read().products
        since = StoreChanges.read(opened.store, off, opened.bank.after)
        narrator.say("rules")
        removed = recheck(opened.bank.recommender, opened.bank.view, offers, since)
    output.write(removed)
    typer.echo(f"{removed.height:,} of {offers.height:,} offers must not be made any more", err=True)


@campaign.command("list")
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


@campaign.command("hours")
def hours_(
    key: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[KEY]", help="Key of a campaign that was run; default: the last one."),
    ] = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what one more hour of each manager would add to a campaign in which minutes are a limit.

    Example:  vipreco campaign hours
    Example:  vipreco campaign hours funds-january --out hours.xlsx
    """
    from vipreco.campaign import manager_hours, newest_with_hours
    from vipreco.errors import UsageError
    from vipreco.project import Project
    from vipreco.store import Store

    output = TableOutput.planned(kind, out)
    with Store.open(Project.find().store_url) as store:
        runs = [run for run in store.campaigns.all() if key in {None, run.campaign_id}]
    found = newest_with_hours([run.manifest for run in runs if run.manifest])
    if found is None:
        raise UsageError(
            "no campaign was run in which minutes of managers are a limit",
            where=key or "campaign",
            remedy="set minutes under [managers] of a campaign file, and run it",
            code="no-hours",
        )
    output.write(manager_hours(found))
    typer.echo(f"campaign {found['campaign_id']}", err=True)


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


@contextmanager
def _opened(
    as_of: Any, model: str | None, narrator: Narrator, *, hindsight: bool, split: bool = True
) -> Iterator[_Opened]:
    from vipreco.artifact import verify
    from vipreco.campaign import Bank, CampaignFolder
    from vipreco.cli.project_inputs import model_folder, open_model, open_tables, open_view, tell_hindsight
    from vipreco.folds import salt_of
    from vipreco.project import Project
    from vipreco.store import Store

    project = Project.find()
    settings = project.settings.campaign
    view = open_view(project, as_of)
    recommender = open_model(project, model, narrator)
    tell_hindsight(recommender, view.date, allowed=hindsight)
    with Store.open(project.store_url) as store:
        bank = Bank(
            recommender,
            verify(model_folder(project, model)).artifact_hash,
            view,
            salt_of(settings.control_salt, project.seed),
            project.seed,
            store.changes.in_tables(open_tables(project).snapshot_ids),
            _challenger(project, narrator, view.date, hindsight=hindsight)
            if split and model is None
            else None,
        )
        yield _Opened(bank, store, CampaignFolder(project.root / settings.folder), project.threads)


def _challenger(project: Project, narrator: Narrator, day: Any, *, hindsight: bool) -> Challenger | None:
    """Open the model that decides for a part of the customers by `[split]`; None without one."""
    from vipreco.campaign import Challenger
    from vipreco.cli.project_inputs import open_challenger

    found = open_challenger(project, narrator, day, hindsight=hindsight)
    return None if found is None else Challenger(found[1], found[2].artifact_hash, found[0])


def _show_plan(found: CampaignPlan, output: TableOutput) -> None:
    if output.kind is Format.json:
        _write_json(found, output)
    elif output.kind is Format.table and output.path is None:
        _show_waterfall(found.waterfall)
        _show_summary(found.summary)
        typer.echo(_power_text(found.power))
        typer.echo(table_text(found.what_if, title="a tenth more or fewer"), nl=False)
        typer.echo(f"planned in {found.seconds:.1f} s; nothing was decided")
    else:
        output.write(_plan_rows(found))


def _write_json(found: CampaignPlan, output: TableOutput) -> None:
    from vipreco.durable import canonical_json, write_bytes

    content = canonical_json(found.record())
    if output.path is None:
        typer.echo(content.decode(), nl=False)
        return
    write_bytes(output.path, content)
    typer.echo(f"plan written to {output.path}", err=True)


def _plan_rows(found: CampaignPlan) -> pl.DataFrame:
    """Return a plan as one long table: part, what, amount, text."""
    import polars as pl

    total, power = found.summary, found.power
    rows: list[tuple[str, str, float | None, str]] = [
        ("audience", row["rule"], float(row["left"]), f"{row['fell']:,} fell")
        for row in found.waterfall.to_dicts()
    ]
    rows += [("arms", name, float(count), "") for name, count in total["arms"].items()]
    rows += [("value", name, float(total[name]), "") for name in ("value_amount", "bound_amount", "gap_rate")]
    rows += [("power", name, None if value is None else float(value), "") for name, value in power.items()]
    rows += [
        ("price", f"{row['limit']} {row['group']}", row["price"], row["meaning"]) for row in total["limits"]
    ]
    for row in found.what_if.to_dicts():
        rows.append(("a tenth fewer", row["limit"], row["value_of_fewer"], f"{row['fewer']:,.0f}"))
        rows.append(("a tenth more", row["limit"], row["value_of_more"], f"{row['more']:,.0f}"))
    schema = {"part": pl.String, "what": pl.String, "amount": pl.Float64, "text": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def _show_waterfall(rows: pl.DataFrame) -> None:
    typer.echo(table_text(rows, title="audience"), nl=False)


def _show_summary(found: dict[str, Any]) -> None:
    import polars as pl

    arms = found["arms"]
    typer.echo(
        f"{found['customers']:,} eligible customers: {arms['offered']:,} get an offer, "
        f"{arms['explored']:,} a random one, {arms['control']:,} are the control group, "
        f"{arms['unallocated']:,} get none"
    )
    typer.echo(
        f"expected value {found['value_amount']:,.2f}; no list within the limits can exceed "
        f"{found['bound_amount']:,.2f} (gap {found['gap_rate']:.2%})"
    )
    if arms["explored"]:
        typer.echo(f"{found['random_value_amount']:,.2f} of it comes from random offers, made to learn")
    if told := found.get("exploration"):
        typer.echo(_exploration_text(told))
    if split := found.get("split"):
        sides = ", ".join(f"{count:,} by the {side}" for side, count in split["customers"].items())
        typer.echo(f"split {split['key']}: decided {sides}, each with its share of the limits")
    for name, missing in found["shortfall"].items():
        typer.echo(f"warning: {name} is {missing:,.0f} below its minimum")
    shown = found["limits"]
    managers = [row for row in shown if row["limit"] == "manager"]
    kept = sorted(managers, key=lambda row: -row["price"])[:MAX_MANAGERS]
    rows = [row for row in shown if row["limit"] != "manager" or row in kept]
    if rows:
        table = pl.DataFrame(rows).rename({"most": "max"}, strict=False)  # so in manifests of before
        table = table.select("limit", "group", "used", "max", "meaning")
        typer.echo(table_text(table, title="limits"), nl=False)
    if len(managers) > len(kept):
        typer.echo(f"and {len(managers) - len(kept)} more managers: see the manifest")


def _exploration_text(told: dict[str, Any]) -> str:
    """Say how many random offers were asked for and made, and which limits stood between."""
    asked, made = told["asked"], told["made"]
    line = f"random offers: {asked:,.0f} asked for ({told['asked_share']:.1%}), {made:,} made"
    if not told["limits"]:
        return line
    tightest = sorted(told["limits"].items(), key=lambda one: (-one[1], one[0]))[:MAX_REASONS]
    reasons = ", ".join(f"{name} takes {amount:,.0f}" for name, amount in tightest)
    return f"{line}; they may use {told['max_of_limit']:.0%} of a limit: {reasons}"


def _power_text(power: dict[str, Any]) -> str:
    needed = "" if power["needed"] is None else f"; {power['needed']:,} such customers are needed for 80 %"
    arms = f"{power['treated']:,} treated, {power['control']:,} in control{needed}"
    return (
        f"power: an effect of {power['effect_rate']:.2%} on a rate of {power['base_rate']:.2%} "
        f"is shown with a chance of {power['power_rate']:.0%} ({arms})"
    )


def _files_text(folder: Path, manifest: dict[str, Any]) -> str:
    lists = [name for name in manifest["files"] if name.startswith("lists/")]
    return f"{len(lists)} lists, assignments and manifest in {folder}"


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
