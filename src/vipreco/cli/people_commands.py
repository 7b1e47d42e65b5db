"""Commands for tokens of programs, accounts of people, and leave covers."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Optional

import typer

from vipreco.cli.options import FormatOption, OutOption, read_date
from vipreco.cli.store_session import ActorOption, clock, open_session, purpose_named, read_password
from vipreco.cli.table_output import TableOutput

PANEL = "Store"


class Role(StrEnum):
    """Role of a person or program; a copy of the store's, which would be slow to load for a help text."""

    manager = "manager"
    branch_head = "branch_head"
    marketing = "marketing"
    channel = "channel"
    scientist = "scientist"
    approver = "approver"
    auditor = "auditor"
    admin = "admin"


RoleOption = Annotated[Role, typer.Option("--role", help="Role, which decides the permissions.")]
BookOption = Annotated[
    Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
    typer.Option("--book", metavar="MANAGER", help="Id of the book; only for managers."),
]

BranchOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--branch", metavar="BRANCH", help="Id of the branch: a branch head's, or where a manager works."
    ),
]

token = typer.Typer(help="Tokens of programs: create, list, revoke.", no_args_is_help=True)
user = typer.Typer(help="Accounts of people: create, list, disable, change a password.", no_args_is_help=True)
cover = typer.Typer(
    help="Leave covers: a deputy sees the book of a manager who is away.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    token.command("create")(create_token)
    token.command("list")(list_tokens)
    token.command("revoke")(revoke_token)
    user.command("create")(create_user)
    user.command("list")(list_users)
    user.command("disable")(disable_user)
    user.command("password")(change_password)
    cover.command("grant")(grant_cover)
    cover.command("list")(list_covers)
    cover.command("end")(end_cover)
    for group, name in ((token, "token"), (user, "user"), (cover, "cover")):
        app.add_typer(group, name=name, rich_help_panel=PANEL)


def create_token(
    name: Annotated[str, typer.Argument(help="Purpose, such as `app channel`.")],
    role: RoleOption,
    book: BookOption = None,
    branch: BranchOption = None,
    days: Annotated[int, typer.Option(help="Days of validity, at most 90.")] = 90,
    environment: Annotated[str, typer.Option(help="Environment, part of the token.")] = "live",
    actor: ActorOption = None,
) -> None:
    """Create a token and print it once; only its hash is stored.

    Example:  vipreco token create "app channel" --role channel --days 30
    """
    from vipreco.store import Role as StoredRole

    with open_session(actor) as session, session.audited("token.create") as entry:
        made, text = session.store.tokens.create(
            name,
            StoredRole(role),
            clock(),
            days=days,
            manager_id=book,
            branch_id=branch,
            environment=environment,
        )
        entry.object = made.token_id
    typer.echo(text)
    typer.echo(
        f"token {made.token_id} expires on {made.expires_at:%Y-%m-%d}; it is not shown again "
        f"(`vipreco token revoke {made.token_id}` revokes it)",
        err=True,
    )


def list_tokens(kind: FormatOption = None, out: OutOption = None) -> None:
    """List all tokens, without their secrets, the newest first.

    Example:  vipreco token list
    """
    import polars as pl

    output, now = TableOutput.planned(kind, out), clock()
    with open_session() as session:
        found = session.store.tokens.all()
    rows = [
        (
            one.token_id,
            one.name,
            one.role.value,
            one.manager_id,
            one.branch_id,
            "revoked" if one.revoked_at else "ended" if one.expires_at <= now else "valid",
            one.created_at.date(),
            one.expires_at.date(),
            one.used_date,
        )
        for one in found
    ]
    texts = dict.fromkeys(("token", "name", "role", "book", "branch", "state"), pl.String())
    days = dict.fromkeys(("created_date", "ends_date", "last_used_date"), pl.Date())
    output.write(pl.DataFrame(rows, {**texts, **days}, orient="row"))


def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="TOKEN", help="Id of the token, as `list` shows it.")],
    and_made: Annotated[
        bool,
        typer.Option("--and-made", help="It was stolen: also what a program made with it over the API."),
    ] = False,
    actor: ActorOption = None,
) -> None:
    """Revoke a token; a running service refuses it within seconds.

    An administrator's token makes accounts and tokens over the API. When it was stolen, --and-made revokes
    those tokens and disables those accounts as well, and names them.

    Example:  vipreco token revoke 0a1b2c3d
    Example:  vipreco token revoke 0a1b2c3d --and-made
    """
    with open_session(actor) as session, session.audited("token.revoke") as entry:
        entry.object, now = token_id, clock()
        session.store.tokens.revoke(token_id, now)
        made = (
            session.store.undo_token(token_id, session.actor, now, purpose_named(session.actor))
            if and_made
            else None
        )
    for one in made.tokens if made else ():
        typer.echo(f"token {one} is revoked")
    for one in made.users if made else ():
        typer.echo(f"{one} is disabled")
    typer.echo(f"token {token_id} is revoked", err=True)


def create_user(
    name: Annotated[str, typer.Argument(help="Name to log in with.")],
    role: RoleOption,
    book: BookOption = None,
    branch: BranchOption = None,
    subject: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--subject",
            metavar="SUB",
            help="Subject in the bank's own log-in; the account has no password then.",
        ),
    ] = None,
    actor: ActorOption = None,
) -> None:
    """Create an account; the password is prompted for, or read from standard input.

    Example:  vipreco user create ann --role manager --book M00000
    Example:  vipreco user create new --role manager --book M00099 --branch B001
    Example:  vipreco user create li --role branch_head --branch B001
    """
    from vipreco.store import Role as StoredRole, User

    password = None if subject else read_password()
    with open_session(actor) as session, session.audited("user.create") as entry:
        entry.object = name
        user = User(name, StoredRole(role), book, subject, branch_id=branch)
        session.store.users.create(user, password)
    typer.echo(f"{name} may log in as {role.value}", err=True)


def list_users(kind: FormatOption = None, out: OutOption = None) -> None:
    """List all accounts by name.

    Example:  vipreco user list
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session() as session:
        found = session.store.users.all()
    rows = [
        (one.user_id, one.role.value, one.manager_id, one.branch_id, one.subject, one.active) for one in found
    ]
    texts = dict.fromkeys(("user", "role", "book", "branch", "subject"), pl.String())
    output.write(pl.DataFrame(rows, {**texts, "active": pl.Boolean()}, orient="row"))


def disable_user(
    name: Annotated[str, typer.Argument(help="Name of the account.")], actor: ActorOption = None
) -> None:
    """Disable an account and end its sessions.

    Example:  vipreco user disable ann
    """
    with open_session(actor) as session, session.audited("user.disable") as entry:
        entry.object = name
        session.store.users.disable(name)
    typer.echo(f"{name} is disabled", err=True)


def change_password(
    name: Annotated[str, typer.Argument(help="Name of the account.")], actor: ActorOption = None
) -> None:
    """Change a password and end the sessions of the account; prompted for, or read from standard input.

    Example:  vipreco user password ann
    """
    password = read_password()
    with open_session(actor) as session, session.audited("user.password") as entry:
        entry.object = name
        session.store.users.change_password(name, password)
    typer.echo(f"{name} has a new password", err=True)


def grant_cover(
    manager: Annotated[str, typer.Argument(help="Manager who is away.")],
    deputy: Annotated[str, typer.Argument(help="Manager who is the deputy.")],
    from_date: Annotated[date, typer.Option("--from", metavar="DATE", parser=read_date, help="First day.")],
    until_date: Annotated[date, typer.Option("--until", metavar="DATE", parser=read_date, help="Last day.")],
    actor: ActorOption = None,
) -> None:
    """Let a manager see the book of another one who is away, from the first day to the last.

    Example:  vipreco cover grant M00001 M00000 --from 2026-03-02 --until 2026-03-13
    """
    from vipreco.store import Cover

    with open_session(actor) as session, session.audited("cover.grant") as entry:
        entry.object = f"{manager}>{deputy}"
        number = session.store.books.cover(Cover(manager, deputy, from_date, until_date), session.actor)
    typer.echo(f"cover {number}: {deputy} sees the book of {manager} until {until_date}", err=True)


def list_covers(kind: FormatOption = None, out: OutOption = None) -> None:
    """List all leave covers, the newest first.

    Example:  vipreco cover list
    """
    import polars as pl

    output = TableOutput.planned(kind, out)
    with open_session() as session:
        found = session.store.books.covers()
    rows = [
        (
            one.cover_id,
            one.cover.manager_id,
            one.cover.deputy_id,
            one.cover.from_date,
            one.cover.until_date,
            one.granted_by,
        )
        for one in found
    ]
    names = {"cover": pl.Int64(), "manager": pl.String(), "deputy": pl.String()}
    days = dict.fromkeys(("from_date", "until_date"), pl.Date())
    output.write(pl.DataFrame(rows, {**names, **days, "granted_by": pl.String()}, orient="row"))


def end_cover(
    number: Annotated[int, typer.Argument(metavar="COVER", help="Number of the cover, as `list` shows it.")],
    actor: ActorOption = None,
) -> None:
    """Revoke a leave cover.

    Example:  vipreco cover end 1
    """
    with open_session(actor) as session, session.audited("cover.end") as entry:
        entry.object = str(number)
        session.store.books.end_cover(number)
    typer.echo(f"cover {number} is revoked", err=True)
