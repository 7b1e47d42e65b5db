"""Commands about customers: offers and the three lists of a branch."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import (
    AsOfOption,
    Channel,
    ChannelOption,
    FormatOption,
    HindsightOption,
    ModelOption,
    OutOption,
)
from vipreco.cli.progress import narrated
from vipreco.cli.store_session import arranged, audited_read
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    from vipreco.lists import Audience
    from vipreco.project import Project

PANEL = "Offers"
OFFER_COLUMNS = ("customer_id", "rank", "product_name", "propensity", "reason")


class Which(StrEnum):
    """List of a branch."""

    keep = "keep"
    grow = "grow"
    develop = "develop"


BRANCH_COLUMNS: Mapping[Which, tuple[str, ...]] = {
    Which.keep: ("customer_id", "tier", "aum_amount", "attrition_probability", "reasons"),
    Which.grow: ("customer_id", "aum_amount", "product_name", "propensity", "reason"),
    Which.develop: ("customer_id", "aum_amount", "tier_upgrade_probability", "missing_amount", "reasons"),
}
"""Columns that matter in a terminal."""
TopOption = Annotated[
    int, typer.Option("--top", min=1, metavar="N", help="Maximum of offers for each customer.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("offers", rich_help_panel=PANEL)(offers)
    app.command("relationships", rich_help_panel=PANEL)(relationships)


def offers(
    customers: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--customers", metavar="FILE", help="Only the ids in this file (column customer_id)."),
    ] = None,
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Only the book of this relationship manager."),
    ] = None,
    vip: Annotated[bool, typer.Option("--vip", help="Only the VIP tiers of vipreco.toml.")] = False,
    everybody: Annotated[bool, typer.Option("--all", help="Every customer of the snapshot.")] = False,
    channel: ChannelOption = Channel.branch,
    top: TopOption = 3,
    as_of: AsOfOption = None,
    hindsight: HindsightOption = False,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """List the best offers of customers, with chance and reason, as of any past date.

    The customer with the most valuable offer comes first. Choose customers by one or more of --manager,
    --customers, --vip, or --all.

    Example:  vipreco offers --manager M00017 --top 3
    Example:  vipreco offers --all --as-of 2025-11-30 --hindsight --out offers.xlsx
    """
    from vipreco.cli.explainers import reason_weights
    from vipreco.cli.list_log import OFFERS, ListSource, log_list, split_question
    from vipreco.cli.list_replay import audience_question
    from vipreco.cli.made_lists import made_of_frames
    from vipreco.cli.project_inputs import model_in_force, open_challenger, open_history, tell_hindsight
    from vipreco.engines import open_engine
    from vipreco.explanations import Explainer
    from vipreco.export import with_currency
    from vipreco.lists import OfferRequest, offers_in_parts, view_at
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    audience = _audience(project, customers, manager, vip, everybody)
    with ExitStack() as kept:
        with narrated("Offers") as narrator:
            history = open_history(project)
            view = view_at(history, as_of)
            audience = arranged(project, audience, view, as_of)
            # As long as the model is open, a task in this process takes it and loads none.
            recommender, in_force = model_in_force(project, model, narrator, history)
            tell_hindsight(recommender, view.date, allowed=hindsight)
            weights = reason_weights(project)
            rival = None if model else open_challenger(project, narrator, view.date, hindsight=hindsight)
            named = _named(customers, manager, vip) + (f" split:{rival[0].key}" if rival else "")
            engine, tables = kept.enter_context(open_engine(project, history, narrator.count, narrator.say))
            with audited_read(project, "offers.list", named):
                request = OfferRequest.of(
                    tables,
                    in_force,
                    view,
                    audience,
                    channel=channel.value,
                    top=top,
                    reason_weights=weights,
                    shown=output.shown_rows,
                )
                if rival is not None:
                    request = request.decided_by(rival[2], rival[0])
                found = kept.enter_context(offers_in_parts(engine, request, narrator.count))
            question = {**audience_question(audience), "channel": channel.value, "top": top}
            if rival is not None:
                question |= split_question(project, rival, weights)
            narrator.say("one order of all parts")
            made = made_of_frames(Explainer(recommender, weights), view, found.frames())
            log_list(ListSource(project, recommender, in_force, view, weights), OFFERS, question, made)
        rows = (with_currency(rows, project.settings.project.currency) for rows in found.frames())
        output.write_frames(rows, found.total, OFFER_COLUMNS)
    if not found.total:
        _tell_why_nobody(found.blind)


def _tell_why_nobody(blind: Mapping[str, list[str]]) -> None:
    """Name the rules that stop everything because the bank does not bring what they ask for."""
    typer.echo("no customer gets an offer; `vipreco policy price` shows the rules that stop them", err=True)
    for rule, missing in blind.items():
        typer.echo(f"warning: {rule} stops everything it applies to: {', '.join(missing)} unknown", err=True)


def relationships(
    which: Annotated[
        Which, typer.Option("--list", help="keep: attrition; develop: tier upgrade; grow: offers.")
    ],
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Only the book of this relationship manager."),
    ] = None,
    vip: Annotated[bool, typer.Option("--vip", help="Only the VIP tiers of vipreco.toml.")] = False,
    everybody: Annotated[bool, typer.Option("--all", help="Every customer of the snapshot.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Maximum of customers on the list.")
    ] = 20,
    as_of: AsOfOption = None,
    hindsight: HindsightOption = False,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """List customers to keep, to grow or to develop, with probability and reasons, as of any past date.

    keep: VIP customers who may leave, fall below their tier or lose half of their assets within the horizon.
    develop: customers who may reach the next tier, those below VIP included, and the assets they lack.
    grow: the best offer of each customer.

    Example:  vipreco relationships --list keep --manager M00017
    Example:  vipreco relationships --list develop --all --limit 500 --out develop.xlsx
    """
    from vipreco.cli.explainers import reason_weights
    from vipreco.cli.list_log import BRANCH_LIST, ListSource, log_list
    from vipreco.cli.list_replay import audience_question
    from vipreco.cli.made_lists import made_of_frame
    from vipreco.cli.project_inputs import model_in_force, open_history, tell_hindsight
    from vipreco.engines import open_engine
    from vipreco.explanations import Explainer
    from vipreco.export import with_currency
    from vipreco.lists import ListRequest, OfferRequest, branch_list_in_parts, view_at
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    audience = _audience(project, None, manager, vip, everybody)
    with narrated("Relationships") as narrator:
        history = open_history(project)
        view = view_at(history, as_of)
        audience = arranged(project, audience, view, as_of)
        recommender, in_force = model_in_force(project, model, narrator, history)
        tell_hindsight(recommender, view.date, allowed=hindsight)
        weights = reason_weights(project)
        wishes = {"channel": Channel.branch.value, "top": 1, "reason_weights": weights}
        with (
            open_engine(project, history, narrator.count, narrator.say) as (engine, tables),
            audited_read(project, f"relationships.{which.value}", _named(None, manager, vip)),
        ):
            meant = OfferRequest.of(tables, in_force, view, audience, **wishes)
            rows = branch_list_in_parts(engine, ListRequest(meant, which.value, limit), narrator.count)
        question = {**audience_question(audience), "which": which.value, "limit": limit}
        made = made_of_frame(Explainer(recommender, weights), view, rows)
        log_list(ListSource(project, recommender, in_force, view, weights), BRANCH_LIST, question, made)
    output.write(with_currency(rows, project.settings.project.currency), BRANCH_COLUMNS[which])


def _named(customers: Path | None, manager: str | None, vip: bool) -> str:
    """Return the name of a list of customers in the audit."""
    parts = ["file" if customers else "", f"manager:{manager}" if manager else "", "vip" if vip else ""]
    return " ".join(part for part in parts if part) or "all"


def _audience(
    project: Project, customers: Path | None, manager: str | None, vip: bool, everybody: bool
) -> Audience:
    from vipreco.lists import Audience, read_customers

    narrowed = customers is not None or manager is not None or vip
    if narrowed == everybody:
        raise typer.BadParameter("name the customers: --manager, --customers, --vip, or --all alone")
    return Audience(
        customers=read_customers(customers) if customers else None,
        manager=manager,
        tiers=project.settings.tiers.vip if vip else None,
    )
