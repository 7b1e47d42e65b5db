"""Campaign commands that work on customers: example file, plan, run, recheck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from vipreco.cli import campaign_record_commands, campaign_report_commands
from vipreco.cli.campaign_output import files_text, show_plan, show_summary
from vipreco.cli.list_log import ListSource
from vipreco.cli.options import (
    AsOfOption,
    CampaignKey,
    FormatOption,
    HindsightOption,
    ModelOption,
    OutOption,
)
from vipreco.cli.progress import Narrator, narrated
from vipreco.cli.store_session import actor_named
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    from vipreco.campaign import Bank, CampaignFolder
    from vipreco.recommender import ModelInForce, ModelSplit, Recommender
    from vipreco.store import Store

PANEL = "Campaigns"
campaign = typer.Typer(
    help="Campaigns: best use of limited capacity, with a control group and a measured lift.",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Campaign file (TOML).")]
EmptyOption = Annotated[
    bool, typer.Option("--fail-if-empty", help="End with exit code 3 when nobody is eligible.")
]
ExactOption = Annotated[
    bool,
    typer.Option("--exact", help="Allocate with an exact solver (HiGHS), as a check of small campaigns."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    campaign_record_commands.register(campaign)
    campaign_report_commands.register(campaign)
    app.add_typer(campaign, name="campaign", rich_help_panel=PANEL)


@dataclass(frozen=True)
class _Opened:
    """Bank, store and folder of a campaign command."""

    bank: Bank
    store: Store
    campaigns: CampaignFolder
    threads: int
    source: ListSource
    rival: tuple[ModelSplit, Recommender, ModelInForce] | None


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
    show_plan(found, output)


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
    from vipreco.cli.campaign_decision import log_campaign

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
        log_campaign(opened.source, opened.bank.after, opened.rival, result)
    show_summary(result.manifest)
    typer.echo(files_text(result.folder, result.manifest))
    if result.again:
        typer.echo("this campaign was run before with the same inputs; nothing changed")


@campaign.command("recheck")
def recheck_(
    key: CampaignKey,
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


@contextmanager
def _opened(
    as_of: Any, model: str | None, narrator: Narrator, *, hindsight: bool, split: bool = True
) -> Iterator[_Opened]:
    from vipreco.campaign import Bank, BankParts, CampaignFolder, Challenger
    from vipreco.cli.project_inputs import (
        model_in_force,
        open_challenger,
        open_history,
        open_tables,
        tell_hindsight,
    )
    from vipreco.engines import spread_engine
    from vipreco.folds import salt_of
    from vipreco.lists import view_at
    from vipreco.project import Project
    from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE
    from vipreco.store import Store

    project = Project.find()
    settings = project.settings.campaign
    history = open_history(project)
    view = view_at(history, as_of)
    recommender, in_force = model_in_force(project, model, narrator, history)
    tell_hindsight(recommender, view.date, allowed=hindsight)
    by_split = split and model is None
    rival = open_challenger(project, narrator, view.date, hindsight=hindsight) if by_split else None
    models = {CHAMPION_SIDE: in_force, **({CHALLENGER_SIDE: rival[2]} if rival else {})}
    spread = spread_engine(project, history, narrator.count)
    with Store.open(project.store_url) as store:
        bank = Bank(
            recommender,
            in_force.artifact_hash,
            view,
            salt_of(settings.control_salt, project.seed),
            project.seed,
            store.changes.in_tables(open_tables(project).snapshot_ids),
            rival and Challenger(rival[1], rival[2].artifact_hash, rival[0]),
            spread and BankParts(*spread, view.date, models, rival and rival[0], narrator.count),
        )
        folder = CampaignFolder(project.root / settings.folder)
        source = ListSource(project, recommender, in_force, view, {})
        yield _Opened(bank, store, folder, project.threads, source, rival)
