"""Commands for the operational store: switches, consents, audit, backup, upgrade."""

from __future__ import annotations

import datetime
import difflib
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli import hand_over_commands, people_commands
from vipreco.cli.options import FormatOption, OutOption, read_date
from vipreco.cli.people_commands import PANEL
from vipreco.cli.project_inputs import REGISTRY
from vipreco.cli.store_session import (
    ActorOption,
    actor_named,
    business_moment,
    clock,
    open_session,
    retention_cutoffs,
)
from vipreco.cli.table_output import TableOutput
from vipreco.errors import InputRejectedError, UsageError

if TYPE_CHECKING:
    from vipreco.project import Project

HASH = re.compile(r"[0-9a-f]{16,64}")
VERSION_LENGTH = 16  # of a model, as every answer states it

switch = typer.Typer(help="Kill switch: stop offering a product or using a model now.", no_args_is_help=True)
consent = typer.Typer(help="Consents that customers give or withdraw.", no_args_is_help=True)
audit = typer.Typer(help="Audit trail: show, verify, sign.", no_args_is_help=True)
store = typer.Typer(
    help="The operational store itself: back up, upgrade, prune, check.", no_args_is_help=True
)


class Switched(StrEnum):
    """Kind of a kill switch."""

    product = "product"
    model = "model"


class Spoken(StrEnum):
    """Kind of a consent."""

    call = "call"
    sms = "sms"
    app = "app"
    profiling = "profiling"


KindArgument = Annotated[Switched, typer.Argument(metavar="KIND", help="product or model.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Product id; or a model's version, alias or hash.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    people_commands.register(app)
    hand_over_commands.register(app)
    switch.command("off")(switch_off)
    switch.command("on")(switch_on)
    switch.command("list")(list_switches)
    consent.command("record")(record_consent)
    audit.command("show")(show_audit)
    audit.command("decisions")(list_decisions)
    audit.command("verify")(verify_audit)
    audit.command("anchor")(anchor_audit)
    store.command("backup")(back_up)
    store.command("upgrade")(upgrade)
    store.command("prune")(prune)
    store.command("pending")(list_pending)
    store.command("check")(check)
    for group, name in ((switch, "switch"), (consent, "consent"), (audit, "audit"), (store, "store")):
        app.add_typer(group, name=name, rich_help_panel=PANEL)


def switch_off(
    kind: KindArgument,
    name: NameArgument,
    reason: Annotated[str, typer.Option("--reason", help="Reason, shown by `switch list`.")],
    actor: ActorOption = None,
) -> None:
    """Stop offering a product, or answering from a model; a running service follows within seconds.

    Example:  vipreco switch off product FUND-07 --reason "recalled by its issuer"
    """
    from vipreco.store import Role, Scope

    with open_session(actor) as session:
        known = _known(session.project, kind, name)
        with session.audited("switch.off") as entry:
            entry.object = f"{kind.value}:{known}"
            session.store.switches.off(Scope(session.actor, Role.ADMIN), kind.value, known, reason, clock())
    typer.echo(f"{kind.value} {known} is off", err=True)


def switch_on(kind: KindArgument, name: NameArgument, actor: ActorOption = None) -> None:
    """Offer a product again, or answer from a model again.

    Example:  vipreco switch on product FUND-07
    """
    with open_session(actor) as session:
        known = name if kind is Switched.product else _model(session.project, name)
        with session.audited("switch.on") as entry:
            entry.object = f"{kind.value}:{known}"
            session.store.switches.on(kind.value, known)
    typer.echo(f"{kind.value} {known} is on", err=True)


def list_switches(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the products and models that are switched off, with reason, actor and moment (UTC).

    Example:  vipreco switch list
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session() as session:
        rows = [(one.kind, one.name, one.reason, one.actor, one.at) for one in session.store.switches.all()]
    texts = dict.fromkeys(("kind", "name", "reason", "actor"), pl.String())
    output.write(pl.DataFrame(rows, {**texts, "since": pl.Datetime("us")}, orient="row"))


def record_consent(
    customer: Annotated[str, typer.Argument(help="Customer id.")],
    kind: Annotated[Spoken, typer.Argument(metavar="KIND", help="call, sms, app or profiling.")],
    granted: Annotated[
        bool, typer.Option("--granted/--withdrawn", help="Whether the customer gives or withdraws it.")
    ],
    actor: ActorOption = None,
) -> None:
    """Record that a customer gives or withdraws a consent; the latest one counts.

    A running service follows at once; lists of commands follow after `vipreco import --from-store`.

    Example:  vipreco consent record 0028896470 call --withdrawn
    """
    from vipreco.store import Consent, Role, Scope

    refuses = kind is Spoken.profiling
    said = Consent(customer, "profiling_opt_out" if refuses else f"consent_{kind.value}", granted != refuses)
    with open_session(actor) as session, session.audited("consent.record") as entry:
        entry.object = session.keys().pseudonym_of(customer)
        moment = business_moment(session.project)
        if session.store.consents.record(Scope(session.actor, Role.MARKETING), said, moment) is None:
            raise InputRejectedError(
                "this customer is not in the books of the store",
                remedy="run `vipreco prepare`, which loads the books of the newest snapshot",
                code="unknown-customer",
            )
    typer.echo(f"{kind.value}: {'granted' if granted else 'withdrawn'}, as of {moment:%Y-%m-%d}", err=True)


def show_audit(
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="Maximum number of records, newest first.")
    ] = 50,
    customer: Annotated[
        Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Option("--customer", metavar="ID", help="Only records about this customer."),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="ACTOR", help="Only records of this actor.")] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="NAME", help="Only this action, or its beginning: outcome.")
    ] = "",
    result: Annotated[str, typer.Option("--result", metavar="NAME", help="Only this result: denied.")] = "",
    since: Annotated[
        Optional[datetime.date],  # noqa: UP045
        typer.Option("--since", metavar="DATE", parser=read_date, help="First day (UTC)."),
    ] = None,
    until: Annotated[
        Optional[datetime.date],  # noqa: UP045
        typer.Option("--until", metavar="DATE", parser=read_date, help="Last day (UTC)."),
    ] = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """List the newest records of the audit; customers appear under a pseudonym.

    Example:  vipreco audit show --limit 20
    Example:  vipreco audit show --action outcome --result denied --since 2026-03-01
    """
    import polars as pl

    from vipreco.store import AuditQuery

    output = TableOutput.planned(kind, out)
    names = ("at", "actor", "action", "object", "result", "purpose", "model_version")
    with open_session() as session:
        pseudonym = "" if customer is None else session.keys().pseudonym_of(customer)
        query = AuditQuery(by, action, pseudonym, result, since, until)
        rows = session.store.audit.find(query, limit)
    schema = {"sequence": pl.Int64(), **dict.fromkeys(names, pl.String())}
    output.write(pl.DataFrame([[row[name] for name in schema] for row in rows], schema, orient="row"))


def list_decisions(
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Maximum number of decisions, newest first.")
    ] = 50,
    customer: Annotated[
        Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Option("--customer", metavar="ID", help="Only answers and lists about this customer."),
    ] = None,
    actor: ActorOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """List the newest decisions: answers of the service and lists; customers appear under a pseudonym.

    Example:  vipreco audit decisions --limit 20
    Example:  vipreco audit decisions --customer 0012345678
    """
    import polars as pl

    from vipreco.store import Role, Scope

    output = TableOutput.planned(kind, out)
    with open_session(actor) as session, session.audited("decisions.read") as entry:
        of = session.keys().pseudonym_of
        entry.object = "" if customer is None else of(customer)
        scope = Scope(session.actor, Role.AUDITOR)
        found = [one.brief() for one in session.store.decisions.newest(scope, limit, customer or "")]
    rows = [one.pseudonymous(of) for one in found]
    texts = {name: pl.String() for name in ("actor", "kind", "channel")}
    schema = {"decision_id": pl.String(), "customer": pl.String(), "made_at": pl.Datetime(), **texts}
    output.write(pl.DataFrame(rows, {**schema, "rows": pl.Int64()}, orient="row"))


def verify_audit(
    anchor: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--anchor", metavar="DIR", help="Folder of the signed heads."),
    ] = None,
) -> None:
    """Check every record of the audit against the hash chain; exit code 6 names the first wrong one.

    Without signed heads, a cut tail or a rewritten chain goes unnoticed.

    Example:  vipreco audit verify --anchor /mnt/audit-heads
    """
    with open_session() as session:
        head = session.store.audit.verify(anchor, () if anchor is None else session.keys().public_keys)
    against = "the chain and the signed heads" if anchor else "the chain"
    typer.echo(f"{head.sequence:,} records match {against}; head {head.hash}")


def anchor_audit(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that the owner of the database cannot change.")
    ],
) -> None:
    """Check the audit, sign its head, and save that in a folder out of reach of the database's owner.

    Example:  vipreco audit anchor /mnt/audit-heads
    """
    with open_session() as session:
        written = session.store.audit.anchor(folder, session.keys())
    typer.echo(f"signed head written to {written}", err=True)


def back_up(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="New file for the copy.")],
    actor: ActorOption = None,
) -> None:
    """Copy the store as of one moment, while the service goes on writing, and check the copy.

    To restore it, stop the service, move the store and its -wal and -shm files away, and put the copy in
    their place. A PostgreSQL database is backed up by its own tools.

    Example:  vipreco store backup backups/store-2026-03-02.db
    """
    from vipreco.store import backup

    with open_session(actor) as session:
        with session.audited("store.backup"):
            pass  # audited before the copy is made, so that the copy contains it
        backup(session.store.database, target)
    typer.echo(f"the store was copied to {target}", err=True)


def upgrade(actor: ActorOption = None) -> None:
    """Upgrade the tables of the store to the version of this program; a store in a file is copied first.

    Example:  vipreco store upgrade
    """
    from vipreco.project import Project
    from vipreco.store import Database, Event, Store, upgrade as upgrade_tables, version_of

    project = Project.find()
    database = Database(project.store_url)
    if database.path is not None and not database.path.exists():
        Store.open(project.store_url).close()
    before = version_of(database)
    saved = upgrade_tables(database)
    after = version_of(database)
    if before != after:
        Store(database).audit.append([Event(actor_named(actor), "store.upgrade", f"{before} to {after}")])
    database.engine.dispose()
    if saved is not None:
        typer.echo(f"a copy of the store before the upgrade is in {saved}", err=True)
    typer.echo(f"the store has version {after}", err=True)


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; nothing is removed.")] = False,
    actor: ActorOption = None,
) -> None:
    """Remove decisions and idempotency keys that are older than `[serving]` of vipreco.toml allows.

    `vipreco prepare` does it each night. Decisions that a recorded outcome refers to stay, and so does the
    audit. A running service goes on. The file of the store does not shrink; its space is reused.

    Example:  vipreco store prune --dry-run
    Example:  vipreco store prune
    """
    with open_session(actor) as session:
        before = retention_cutoffs(session.project)
        gone = session.store.retention.due(before) if dry_run else session.store.prune(session.actor, before)
    state = "would be removed" if dry_run else "were removed"
    typer.echo(f"{gone.decisions:,} decisions before {before.decisions:%Y-%m-%d %H:%M} {state}")
    typer.echo(f"{gone.keys:,} idempotency keys before {before.keys:%Y-%m-%d %H:%M} (UTC) {state}")


def list_pending(kind: FormatOption = None, out: OutOption = None) -> None:
    """List records that `import --from-store` could not bring into the tables; they stay in force.

    Correct the quarantine file that the import named, and import it with --from-store.

    Example:  vipreco store pending
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session() as session, session.audited("store.pending"):
        rows = [(one.sequence, one.customer_id, one.reason) for one in session.store.pending.all()]
    schema = {"change": pl.Int64(), "customer_id": pl.String(), "reason": pl.String()}
    output.write(pl.DataFrame(rows, schema, orient="row"))


def check(kind: FormatOption = None, out: OutOption = None) -> None:
    """Read the whole store, check the chain of its audit, and count its rows.

    Example:  vipreco store check
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session() as session:
        head = session.store.audit.verify()
        counts = session.store.counts()
        name = session.store.database.name
    output.write(pl.DataFrame(list(counts.items()), {"table": pl.String(), "rows": pl.Int64()}, orient="row"))
    typer.echo(f"{name} is intact; {head.sequence:,} records of the audit match the chain", err=True)


def _known(project: Project, kind: Switched, name: str) -> str:
    """Return the id of an existing product or model: a switch with a wrong name must not seem to work."""
    return _model(project, name) if kind is Switched.model else _product(project, name)


def _product(project: Project, product_id: str) -> str:
    from vipreco.store import product_ids

    known = product_ids(project.tables)
    if known and product_id not in known:
        near = difflib.get_close_matches(product_id, known, n=1)
        raise UsageError(
            "this product does not exist" + (f", did you mean {near[0]}?" if near else ""),
            where="NAME",
            remedy="use a product id of the products table",
            code="unknown-product",
        )
    return product_id


def _model(project: Project, reference: str) -> str:
    """Return a model's version as answers state it; a hash works while the registry is down."""
    if HASH.fullmatch(reference):
        return reference[:VERSION_LENGTH]
    found: str = project.import_rim(REGISTRY).resolve(project, reference).artifact_hash
    return found[:VERSION_LENGTH]
