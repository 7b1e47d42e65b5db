"""A login for each role of a demo bank; a real bank makes its own with `vipreco user` and `vipreco token`."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from serving.http.app_state import clock, releases_of
from vipreco.durable import write_json
from vipreco.project import Project
from vipreco.settings import ServingSettings
from vipreco.store import Role, Store, User

SIMULATION = Path("practice") / "simulation.json"
LOGINS = Path("data") / "serving" / "demo-logins.json"
PAGE_ROLES = (
    Role.BRANCH_HEAD, Role.MANAGER, Role.MARKETING, Role.SCIENTIST, Role.APPROVER, Role.AUDITOR, Role.ADMIN
)  # fmt: skip
ENVIRONMENT = "demo"
OWN_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class DemoLogin:
    """An account of a demo bank."""

    role: str
    user: str
    password: str = field(repr=False)


def offered_logins(root: Path, settings: ServingSettings) -> tuple[DemoLogin, ...]:
    """Return the accounts that the log-in page of a demo bank offers by role.

    Nobody but this machine may reach the service then: whoever opens the page may be any of them.

    Args:
        root: Folder of the project.
        settings: Address on which the service listens, and names by which others call it.
    """
    path = root / LOGINS
    is_own = settings.host in OWN_HOSTS and not settings.hosts
    if not is_own or not (root / SIMULATION).is_file() or not path.is_file():
        return ()
    known = json.loads(path.read_text(encoding="utf-8"))
    return tuple(DemoLogin(**login) for login in known["logins"])


def is_demo(project: Project) -> bool:
    """Return whether the bank is a simulated one."""
    return (project.root / SIMULATION).is_file()


def logins(project: Project, store: Store) -> Iterator[str]:
    """Make accounts and tokens where there are none yet, and return them line by line.

    The passwords of a demo are kept in a file that its owner can read, to be shown again.
    """
    path = project.root / LOGINS
    if not path.is_file() and not store.users.all():
        write_json(path, _made(project, store))
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))
        for login in known["logins"]:
            yield f"  {login['role']:<10} user {login['user']:<10} password {login['password']}"
        for token in known["tokens"]:
            yield f"  {token['role']:<10} token {token['token']}"


def _made(project: Project, store: Store) -> dict[str, list[dict[str, str]]]:
    book, branch = largest_book_of(project)
    made = []
    for role in PAGE_ROLES:
        password = secrets.token_urlsafe(12)
        own = book if role is Role.MANAGER else None
        headed = branch if role is Role.BRANCH_HEAD else None
        if role is Role.BRANCH_HEAD and headed is None:
            continue  # a bank that names no branches has nobody who heads one
        store.users.create(User(role.value, role, own, branch_id=headed), password)
        made.append({"role": role.value, "user": role.value, "password": password})
    _, channel = store.tokens.create("demo", Role.CHANNEL, clock(), environment=ENVIRONMENT)
    _, admin = store.tokens.create("demo numbers", Role.ADMIN, clock(), environment=ENVIRONMENT)
    tokens = [{"role": "channel", "token": channel}, {"role": "admin", "token": admin}]
    return {"logins": made, "tokens": tokens}


def largest_book_of(project: Project) -> tuple[str, str | None]:
    """Return the manager, and the branch, with the most VIP customers; the first by id of equals."""
    folder = releases_of(project.root).current()
    books = pl.scan_parquet(folder / "books.parquet", glob=False).filter(
        pl.col("tier").is_in(list(project.settings.tiers.vip)), pl.col("manager_id").is_not_null()
    )
    largest = [
        books.group_by(column).len().sort(["len", column], descending=[True, False], nulls_last=True)
        for column in ("manager_id", "branch_id")
    ]
    manager, branch = (frame.head(1).collect().to_series().item() for frame in largest)
    return str(manager), branch
