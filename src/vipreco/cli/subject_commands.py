"""Commands for a customer's rights: export all data about one customer, or erase them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from vipreco.cli.options import FormatOption, OutOption
from vipreco.cli.people_commands import PANEL
from vipreco.cli.store_session import ActorOption, actor_named, business_moment, keys_of, open_session
from vipreco.cli.table_output import TableOutput
from vipreco.errors import InputRejectedError

if TYPE_CHECKING:
    from vipreco.campaign import CampaignFolder
    from vipreco.cli.store_session import StoreSession
    from vipreco.project import Project

MAX_RECEIPT_BYTES = 8_000_000
JOBS = "data/serving/jobs"  # outputs of the commands that pages start
KEPT = (
    ("audit", "who read and did what, under a pseudonym: three years"),
    ("suppression", "the pseudonym, so that the customer is not offered anything again"),
    ("model", "holds no rows of customers; the next training is without the customer"),
    ("release", "in force until the next `vipreco prepare`, which removes it; the service answers 404 now"),
    ("backups", "copies of the store and of the tables that were made before: delete them by their schedule"),
)
CustomerArgument = Annotated[str, typer.Argument(metavar="CUSTOMER", help="Id of the customer.")]

subject = typer.Typer(help="Rights of a customer: export or erase all data.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    subject.command("export")(export)
    subject.command("erase")(erase)
    app.add_typer(subject, name="subject", rich_help_panel=PANEL)


def export(
    customer: CustomerArgument,
    out: Annotated[
        Optional[Path],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Option("--out", metavar="FILE", help="Write into this JSON file, readable by its owner alone."),
    ] = None,
    actor: ActorOption = None,
) -> None:
    """Export everything stored about one customer: tables, store, campaigns, receipts, audit.

    Example:  vipreco subject export 0012345678 --out subject.json
    """
    from vipreco.durable import write_bytes
    from vipreco.export import check_target

    if out is not None:
        check_target(out)
    with open_session(actor) as session:
        with session.audited("subject.export") as entry:
            entry.object = session.keys().pseudonym_of(customer)
        found = _found(session, customer)
    content = json.dumps(found, ensure_ascii=False, indent=1, default=str).encode() + b"\n"
    if out is None:
        typer.echo(content.decode(), nl=False)
    else:
        write_bytes(out, content)
        typer.echo(f"data of the customer written to {out}", err=True)


def erase(
    customer: CustomerArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only count.")] = False,
    kind: FormatOption = None,
    out: OutOption = None,
    actor: ActorOption = None,
) -> None:
    """Erase one customer from tables, store, campaigns and receipts; name what is kept and why.

    Run no import meanwhile. Run `vipreco prepare` afterwards: it makes a release without the customer and
    removes the previous ones. After an interruption, run the command again: it completes. The audit records
    the erasure under the customer's pseudonym.

    Example:  vipreco subject erase 0012345678
    Example:  vipreco subject erase 0012345678 --yes --out erased.csv
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session(actor) as session:
        counts = _erased(session, customer) if yes else _counts(_found(session, customer))
    rows = [*((place, str(count)) for place, count in sorted(counts.items())), *(KEPT if yes else ())]
    output.write(pl.DataFrame(rows, {"place": pl.String(), "rows_or_reason": pl.String()}, orient="row"))
    said = "erased; run `vipreco prepare` now" if yes else "found; give --yes to erase them"
    typer.echo(f"{sum(counts.values()):,} rows and files {said}", err=True)


def _found(session: StoreSession, customer: str) -> dict[str, Any]:
    """Return everything stored about a customer, by place.

    Raises:
        InputRejectedError: Nothing is stored about this customer.
    """
    from vipreco.campaign import campaign_rows
    from vipreco.tables import customer_rows

    pseudonym = session.keys().pseudonym_of(customer)
    found: dict[str, Any] = {
        "tables": customer_rows(session.project.tables, customer),
        "store": session.store.subjects.export(customer, pseudonym),
        "campaigns": campaign_rows(_campaigns(session.project), customer),
        "receipts": {str(path): [json.loads(path.read_bytes())] for path in _receipts(session, customer)},
    }
    known = {**found, "store": found["store"].keys() - {"audit"}}
    if not any(known.values()) and pseudonym not in session.store.subjects.suppressed():
        raise InputRejectedError(
            "nothing is stored about this customer", remedy="check the id", code="unknown-customer"
        )
    return found


def _counts(found: dict[str, Any]) -> dict[str, int]:
    return {
        f"{place}: {name}": len(rows)
        for place, parts in found.items()
        for name, rows in parts.items()
        if name != "audit"
    }


def _erased(session: StoreSession, customer: str) -> dict[str, int]:
    """Erase a customer, and return the numbers of rows and files by place."""
    from vipreco.campaign import erase_from_campaigns
    from vipreco.store import Event

    pseudonym = session.keys().pseudonym_of(customer)
    _found(session, customer)  # who is unknown is refused before anything is done
    store = session.store
    with store.database.writing():  # the service answers 404 from here on
        rows = store.subjects.erase(customer, pseudonym, business_moment(session.project).date())
        store.audit.append([Event(session.actor, "subject.erase", pseudonym, "begun", "erasure")])
    counts = {f"store: {name}": count for name, count in rows.items()}
    counts |= {f"tables: {name}": count for name, count in _erased_from_tables(session, customer).items()}
    changed = erase_from_campaigns(_campaigns(session.project), store, customer)
    counts |= {f"campaigns: {name}": count for name, count in changed.items()}
    receipts = list(_receipts(session, customer))
    for path in receipts:
        path.unlink()
    counts |= {"receipts": len(receipts)} if receipts else {}
    outputs = _job_outputs(session.project, customer)
    for path in outputs:
        path.unlink(missing_ok=True)
    counts |= {"outputs of pages": len(outputs)} if outputs else {}
    # Offers that a worker gave in the moment of the erasure reach the store after it.
    late = store.subjects.erase(customer, pseudonym, business_moment(session.project).date())
    for name, count in late.items():
        counts[f"store: {name}"] = counts.get(f"store: {name}", 0) + count
    purpose = f"erasure of {sum(counts.values())} rows and files"
    store.audit.append([Event(session.actor, "subject.erase", pseudonym, "ok", purpose)])
    return counts


def _erased_from_tables(session: StoreSession, customer: str) -> dict[str, int]:
    """Erase a customer from the tables; the new fingerprint of the tables keeps its place in the store."""
    from vipreco.tables import erase_customers

    if not session.project.tables.is_dir():
        return {}
    found = erase_customers(session.project.tables, [customer], session.project.signatures)
    _forget_parts(session.project)
    after = session.store.changes.in_tables(list(found.snapshot_ids))
    session.store.changes.exported(found.snapshot_id, after)
    return found.rows


def _forget_parts(project: Project) -> None:
    """Remove the copies of the tables in parts, and what tasks put out: the next command makes them anew."""
    from vipreco.engines import storage_address
    from vipreco.parts import forget_parts

    forget_parts(storage_address(project))


def _campaigns(project: Project) -> CampaignFolder:
    from vipreco.campaign import CampaignFolder

    return CampaignFolder(project.root / project.settings.campaign.folder)


def _receipts(session: StoreSession, customer: str) -> Iterator[Path]:
    """Give the receipts of decisions about a customer below the project's folder."""
    from vipreco.assurance import read_receipt

    named = json.dumps(customer).encode()
    for path in sorted(session.project.root.rglob("*.json")):
        if path.is_symlink() or path.stat().st_size > MAX_RECEIPT_BYTES or named not in path.read_bytes():
            continue
        try:
            _, head = read_receipt(path)
        except InputRejectedError:
            continue
        if head.question.customer_id == customer:
            yield path


def _job_outputs(project: Project, customer: str) -> list[Path]:
    """Return what commands wrote that a page started, where it names a customer."""
    forms = {customer.encode(), json.dumps(customer).encode()[1:-1]}
    paths = (path for path in sorted((project.root / JOBS).glob("*")) if path.is_file())
    return [path for path in paths if any(form in path.read_bytes() for form in forms)]


def keep_erased_out(project: Project) -> int:
    """Erase customers again whom an import brought back after their erasure, and return their number."""
    from vipreco.store import Database, Event, Store
    from vipreco.tables import customer_ids, erase_customers

    path = Database(project.store_url).path
    if path is not None and not path.exists():
        return 0
    with Store.open(project.store_url, checked=True) as store:
        suppressed = store.subjects.suppressed()
        if not suppressed:
            return 0
        keys = keys_of(project)
        back = [one for one in customer_ids(project.tables) if keys.pseudonym_of(one) in suppressed]
        if back:
            found = erase_customers(project.tables, back, project.signatures)
            _forget_parts(project)
            after = store.changes.in_tables(list(found.snapshot_ids))
            store.changes.exported(found.snapshot_id, after)
            events = [
                Event(actor_named(None), "subject.erase", keys.pseudonym_of(one), "ok", "imported again")
                for one in back
            ]
            store.audit.append(events)
    return len(back)
