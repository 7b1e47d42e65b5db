"""Commands about customers: their offers, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.listing import Listing
from vipreco.cli.options import AsOfOption, Channel, ChannelOption, FormatOption, ModelOption, OutOption
from vipreco.cli.progress import narrated

if TYPE_CHECKING:
    from vipreco.project import Project
    from vipreco.recommender.lists import Audience

PANEL = "Offers"
TopOption = Annotated[int, typer.Option("--top", min=1, metavar="N", help="Offers of each customer.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("offers", rich_help_panel=PANEL)(offers)
    app.command("explain", rich_help_panel=PANEL)(explain)


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
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """List the best offers of customers, with the chance of each and a reason; any past date.

    The customer whose best offer is worth most comes first: read it as a call list. Say whose offers: one or
    more of --manager, --customers, --vip, or --all.

    Example:  vipreco offers --manager M00017 --top 3
    Example:  vipreco offers --all --as-of 2025-11-30 --out offers.xlsx
    """
    from vipreco.cli.opening import open_model, open_view
    from vipreco.project import Project
    from vipreco.recommender.lists import offer_list

    listing = Listing.planned(kind, out)
    project = Project.find()
    audience = _audience(project, customers, manager, vip, everybody)
    with narrated("Offers") as narrator:
        view = audience.of(open_view(project, as_of))
        rows = offer_list(open_model(project, model, narrator), view, top, narrator.say, channel.value)
    listing.write(rows)


def _audience(
    project: Project, customers: Path | None, manager: str | None, vip: bool, everybody: bool
) -> Audience:
    from vipreco.recommender.lists import Audience, read_customers

    narrowed = customers is not None or manager is not None or vip
    if narrowed == everybody:
        raise typer.BadParameter("say whose offers: --manager, --customers, --vip, or --all alone")
    return Audience(
        customers=read_customers(customers) if customers else None,
        manager=manager,
        tiers=project.settings.tiers.vip if vip else None,
    )


def explain(
    customer: Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer.")],
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Who asks: only customers of this book are shown."),
    ] = None,
    channel: ChannelOption = Channel.branch,
    top: TopOption = 3,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Explain one customer's offers: what speaks for each, why not the others, what would unlock them.

    Example:  vipreco explain 0012345678 --as-of 2025-11-30
    """
    from vipreco.cli.opening import open_model, open_view
    from vipreco.project import Project
    from vipreco.recommender.lists import check_book, customer_sheet

    listing = Listing.planned(kind, out)
    project = Project.find()
    with narrated("Explaining") as narrator:
        view = open_view(project, as_of)
        if manager is not None:
            check_book(view, customer, manager)
        sheet = customer_sheet(open_model(project, model, narrator), view, customer, top, channel.value)
    listing.write(sheet)
