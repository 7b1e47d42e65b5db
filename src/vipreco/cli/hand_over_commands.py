"""Commands for hand-overs: customers who move from one manager's book to another's."""

from __future__ import annotations

from dataclasses import astuple
from typing import Annotated, Optional

import typer

from vipreco.cli.options import FormatOption, OutOption
from vipreco.cli.store_session import ActorOption, business_moment, open_session
from vipreco.cli.table_output import TableOutput

PANEL = "Store"
FROM = Annotated[str, typer.Argument(help="Manager who hands over.")]
TO = Annotated[str, typer.Argument(help="Manager who gets the customers.")]
hand_over = typer.Typer(
    help="Hand-overs: customers move from one manager's book to another's.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    hand_over.command("make")(make_hand_over)
    hand_over.command("list")(list_hand_overs)
    app.add_typer(hand_over, name="hand-over", rich_help_panel=PANEL)


def make_hand_over(
    from_manager: FROM,
    to_manager: TO,
    customers: Annotated[
        Optional[list[str]],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Option("--customer", metavar="ID", help="This customer alone; may be given more than once."),
    ] = None,
    actor: ActorOption = None,
) -> None:
    """Move a whole book, or some of its customers, to another manager, at once.

    A hand-over holds until the bank's tables name another manager than the one who handed over. The same
    command the other way round takes it back.

    Example:  vipreco hand-over make M00001 M00000
    Example:  vipreco hand-over make M00001 M00000 --customer 0012345678
    """
    with open_session(actor) as session, session.audited("book.hand_over") as entry:
        entry.object = f"{from_manager}>{to_manager}"
        moved = session.store.hand_overs.make(
            from_manager,
            to_manager,
            session.actor,
            business_moment(session.project).date(),
            customer_ids=customers or None,
        )
    typer.echo(f"{to_manager} has customers of {from_manager}: {moved}", err=True)


def list_hand_overs(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the hand-overs in force, the newest first.

    Example:  vipreco hand-over list
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session() as session:
        found = session.store.hand_overs.all()
    columns = {
        "from_manager": pl.String(),
        "to_manager": pl.String(),
        "customers": pl.Int64(),
        "made_by": pl.String(),
        "made_date": pl.Date(),
    }
    output.write(pl.DataFrame([astuple(one) for one in found], columns, orient="row"))
