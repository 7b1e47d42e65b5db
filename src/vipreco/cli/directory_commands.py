"""Commands for the directory of customers: import, export, delete."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import FormatOption, OutOption
from vipreco.cli.people_commands import PANEL
from vipreco.cli.store_session import ActorOption, open_session, store_if_any
from vipreco.cli.table_output import TableOutput, row_count
from vipreco.errors import UsageError

if TYPE_CHECKING:
    from vipreco.project import Project
    from vipreco.store import DirectoryEntry

directory = typer.Typer(
    help="Names, phones and preferred hours of customers: import, export, delete.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    directory.command("import")(import_directory)
    directory.command("export")(export_directory)
    directory.command("delete")(delete_directory)
    app.add_typer(directory, name="directory", rich_help_panel=PANEL)


def import_directory(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="CSV: customer_id, name; optional: salutation, phone, preferred_hours."
        ),
    ],
    encoding: Annotated[
        str, typer.Option("--encoding", metavar="NAME", help="Encoding of the file, such as gb18030.")
    ] = "utf-8-sig",
    actor: ActorOption = None,
) -> None:
    """Import names and phones of customers into the operational store, and nowhere else.

    They are shown on page, call list and sheet to whoever may see the customer. Tables, features, models,
    logs and receipts never hold them. An entry replaces that of the same customer; customers who were erased
    are left out.

    Example:  vipreco directory import directory.csv
    """
    from vipreco.store import read_directory

    entries = read_directory(file, encoding)
    with open_session(actor) as session:
        keys, suppressed = session.keys(), session.store.subjects.suppressed()
        kept = [one for one in entries if keys.pseudonym_of(one.customer_id) not in suppressed]
        with session.audited("directory.import") as entry:
            entry.object = f"{len(kept)} entries"
            session.store.directory.add(kept)
    gone = len(entries) - len(kept)
    left_out = f"; left out, since erased: {gone:,}" if gone else ""
    typer.echo(f"{row_count(len(kept))} imported into the directory{left_out}", err=True)


def export_directory(kind: FormatOption = None, out: OutOption = None, actor: ActorOption = None) -> None:
    """Export the whole directory, in the form in which it is imported.

    Example:  vipreco directory export --out directory.csv
    """
    import polars as pl

    from vipreco.store import DIRECTORY_COLUMNS

    output = TableOutput.planned(kind, out)
    with open_session(actor) as session:
        with session.audited("directory.export") as entry:
            entry.object = f"{session.store.directory.count()} entries"
        found = session.store.directory.all()
    schema = dict.fromkeys(DIRECTORY_COLUMNS, pl.String())
    output.write(pl.DataFrame([astuple(one) for one in found], schema, orient="row"))


def delete_directory(
    customer: Annotated[
        Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Argument(metavar="[CUSTOMER]", help="Id of the customer.", show_default=False),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete the whole directory.")] = False,
    actor: ActorOption = None,
) -> None:
    """Delete the entry of one customer, or the whole directory.

    Example:  vipreco directory delete 0012345678
    Example:  vipreco directory delete --all
    """
    if (customer is None) != everything:
        raise UsageError("name one customer, or give --all", code="no-customer")
    with open_session(actor) as session, session.audited("directory.delete") as entry:
        entry.object = "all" if customer is None else session.keys().pseudonym_of(customer)
        deleted = session.store.directory.delete(customer)
    typer.echo(f"{row_count(deleted)} deleted from the directory", err=True)


def directory_of(project: Project, customer_ids: Collection[str]) -> dict[str, DirectoryEntry]:
    """Return the entries of the customers of a list or a sheet, by customer; empty without a store."""
    with store_if_any(project) as store:
        return store.directory.about(list(customer_ids)) if store else {}
