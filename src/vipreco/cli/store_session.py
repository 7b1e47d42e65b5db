"""Session of a command with the operational store: the store, the actor, the moment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.errors import InputRejectedError, UsageError

if TYPE_CHECKING:
    from vipreco.history import View
    from vipreco.lists import Audience, ManagerBook, Moved
    from vipreco.project import Project
    from vipreco.store import Keys, RetentionCutoffs, Store

KEYS = "data/keys"
COMMAND = "command"  # purpose in the audit
ActorOption = Annotated[
    Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
    typer.Option("--actor", metavar="NAME", help="Actor in the audit; default: the operating-system user."),
]


@dataclass(frozen=True)
class StoreSession:
    """Open store of the current project, with the actor."""

    project: Project
    store: Store
    actor: str

    def keys(self) -> Keys:
        """Return the keys of the project."""
        return keys_of(self.project)

    @contextmanager
    def audited(self, action: str) -> Iterator[AuditEntry]:
        """Make a change and write its audit record, in one transaction."""
        from vipreco.store import Event

        entry = AuditEntry()
        with self.store.database.writing():
            yield entry
            event = Event(self.actor, action, entry.object, purpose=purpose_named(self.actor))
            self.store.audit.append([event])


@dataclass
class AuditEntry:
    """Object of a change, as the audit names it."""

    object: str = ""


@contextmanager
def open_session(actor: str | None = None) -> Iterator[StoreSession]:
    """Open the store of the current project.

    Raises:
        UsageError: There is no project, or the store cannot be opened by its settings.
        IntegrityError: The store is damaged.
    """
    from vipreco.project import Project
    from vipreco.store import Store

    project = Project.find()
    with Store.open(project.store_url) as store:
        yield StoreSession(project, store, actor_named(actor))


@contextmanager
def store_if_any(project: Project) -> Iterator[Store | None]:
    """Give the store of a project, None where there is none yet: what only reads makes none."""
    from vipreco.project import sqlite_file

    file = sqlite_file(project.store_url)
    if file is not None and not file.is_file():
        yield None
        return
    from vipreco.store import Store

    with Store.open(project.store_url, checked=True) as store:
        yield store


def manager_book(project: Project, manager: str, view: View, as_of: date | None = None) -> ManagerBook:
    """Return whose customers a manager has: by the tables, hand-overs and leave covers.

    Args:
        project: The project.
        manager: The manager; an empty name for nobody, who has the hand-overs alone.
        view: Of the whole bank.
        as_of: A past date; None: today.
    """
    from vipreco.lists import Availability, ManagerBook
    from vipreco.store import Role, Scope

    day = as_of or _today(project, view)
    absences = Availability.of(manager, project.settings.call_list.working_days.absences).absences
    with store_if_any(project) as store:
        if store is None:
            return ManagerBook(manager, absences=absences)
        covered = store.books.covered(Scope(COMMAND, Role.MANAGER, manager, day)) if manager else []
        return ManagerBook(
            manager,
            store.hand_overs.moved(day),
            {cover.manager_id: cover.until_date for cover in covered},
            (*absences, *store.books.leaves(manager)),
        )


def moved_customers(project: Project, view: View, as_of: date | None = None) -> Moved:
    """Return both managers of each customer that was handed over by a past date, or until today."""
    with store_if_any(project) as store:
        return {} if store is None else store.hand_overs.moved(as_of or _today(project, view))


def _today(project: Project, view: View) -> date:
    return view.date if project.settings.serving.business_date == "snapshot" else date.today()  # noqa: DTZ011


def arranged(project: Project, audience: Audience, view: View, as_of: date | None) -> Audience:
    """Return an audience whose manager, if it names one, has the book that hand-overs and covers make."""
    if audience.manager is None:
        return audience
    book = manager_book(project, audience.manager, view, as_of)
    return book.audience(view, audience.customers, audience.tiers)


def actor_named(actor: str | None) -> str:
    """Return the actor for the audit; default: who started it on a page, else the operating-system user."""
    if actor is not None and not actor.strip():
        raise UsageError("the actor must have a name", where="--actor", code="no-actor")
    from vipreco.actors import current_actor

    return actor or current_actor()


def purpose_named(actor: str) -> str:
    """Return the purpose of what a command does: whoever is named as actor, the account behind it is told."""
    from vipreco.actors import ACCOUNT, account_name

    account = ACCOUNT + account_name()
    return COMMAND if actor == account else f"{COMMAND} of {account}"


def keys_of(project: Project) -> Keys:
    """Return the keys of a project."""
    from vipreco.store import Keys

    return Keys.open(project.root / KEYS, project.settings.signatures.trusted)


def retention_cutoffs(project: Project) -> RetentionCutoffs:
    """Return the moments before which decisions and idempotency keys are removed, by the settings."""
    from vipreco.store import RetentionCutoffs

    settings = project.settings.serving
    return RetentionCutoffs(
        business_moment(project) - timedelta(days=settings.keep_decisions_days),
        clock() - timedelta(days=settings.keep_keys_days),
    )


def clock() -> datetime:
    """Return the moment now in UTC, as the store keeps moments."""
    return datetime.now(UTC).replace(tzinfo=None)


def business_moment(project: Project) -> datetime:
    """Return the business's moment: local time, in a demo bank on the date of the newest snapshot."""
    from vipreco.cli.project_inputs import open_history

    now = datetime.now()  # noqa: DTZ005  the business lives by local time
    if project.settings.serving.business_date == "clock":
        return now
    return datetime.combine(open_history(project).snapshot_dates[-1], now.time())


def read_password() -> str:
    """Return a password, prompted for twice at a terminal, else the first line of standard input.

    Raises:
        UsageError: Standard input is empty.
    """
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise UsageError(
            "no password is given",
            where="standard input",
            remedy="run the command at a terminal, or pipe the password in",
            code="no-password",
        )
    return line


@contextmanager
def audited_read(project: Project, action: str, object_: str = "", customer: str = "") -> Iterator[None]:
    """Write the audit record of a read by command, before anything of it is shown.

    Args:
        project: The project.
        action: Such as `sheet.read`.
        object_: Name of the book or list that is read.
        customer: Customer who is read, named in the audit by a pseudonym.

    Raises:
        VipRecoError: The store does not take the record: nothing must be shown.
    """
    from vipreco.project import sqlite_file
    from vipreco.store import Event, Store

    def record(result: str) -> None:
        name = keys_of(project).pseudonym_of(customer) if customer else object_
        # A file that exists is not checked as a whole: that takes long, and only a line is added to it.
        file = sqlite_file(project.store_url)
        with Store.open(project.store_url, checked=file is None or file.exists()) as store:
            actor = actor_named(None)
            store.audit.append([Event(actor, action, name, result, purpose=purpose_named(actor))])

    try:
        yield
    except InputRejectedError as error:
        record("denied" if error.code == "not-in-your-book" else "unknown")
        raise
    record("ok")
