"""Connections to the store's database: opening, transactions, and locks."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, Table, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from vipreco.errors import DependencyDownError, UsageError
from vipreco.key_files import check_private
from vipreco.store.failures import RESTORE, translate_failures

BUSY_SECONDS = 5
WRITES = "vipreco_writes"
_INSERTS: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Database:
    """Database of the store: SQLite in a file, or PostgreSQL.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://...`.

    Raises:
        UsageError: The address is wrong, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.path: Path | None = Path(self.engine.url.database or "") if self.is_file else None
        self._inode: int | None = None
        self._mine = threading.local()

    @property
    def is_file(self) -> bool:
        """True for SQLite."""
        return self.engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """Name for messages, without a password."""
        return str(self.path) if self.path else self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database; inside `writing`, its own changes too.

        Raises:
            BusyError: Another process holds it for more than five seconds.
            DependencyDownError: It does not answer, or its file is gone.
            IntegrityError: The file is damaged.
            ResourcesError: Its disk is full, or may not be written to.
        """
        if self._joined is not None:
            yield self._joined
            return
        self._same_file()
        with translate_failures(self), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are committed together at the end, or not at all.

        Every nested `writing` of the same thread joins the transaction.

        Raises: As `reading`.
        """
        if self._joined is not None:
            yield self._joined
            return
        self._same_file()
        with translate_failures(self), self.engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                self._mine.connection = connection
                try:
                    yield connection
                finally:
                    self._mine.connection = None

    def check_writable(self) -> None:
        """Do nothing where a record could be written now.

        Called before work whose result is visible ahead of its record in the store.

        Raises: As `reading`.
        """
        with self.writing():
            pass

    @property
    def is_joined(self) -> bool:
        """True while this thread is inside `writing`."""
        return self._joined is not None

    @property
    def _joined(self) -> Connection | None:
        return getattr(self._mine, "connection", None)

    def _same_file(self) -> None:
        """Notice a removed or replaced file: an open connection would continue with the old one."""
        if self.path is None:
            return
        try:
            inode = self.path.stat().st_ino
        except OSError:
            self.engine.dispose()
            raise store_gone(self.name) from None
        if self._inode is not None and inode != self._inode:
            self.engine.dispose()
        self._inode = inode


def store_gone(name: str) -> DependencyDownError:
    """Return the error for a file of the store that is missing."""
    return DependencyDownError("the operational store is gone", where=name, remedy=RESTORE, code="store-down")


def add_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key does not exist yet; of several with one key the first."""
    connection.execute(_INSERTS[connection.dialect.name](table).on_conflict_do_nothing(), list(rows))


def hold_lock(connection: Connection, lock: int) -> None:
    """Hold the lock with this number until the transaction ends.

    SQLite has one writer at a time anyway. PostgreSQL gives out sequence numbers before a change becomes
    visible: without the lock, a higher number could become visible before a lower one.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": lock})


def try_lock(connection: Connection, name: str) -> bool:
    """Take the lock with this name until the transaction ends; False if another transaction has it.

    SQLite has one writer at a time anyway.
    """
    if connection.dialect.name != "postgresql":
        return True
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(connection.execute(query, {"name": name}).scalar())


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
        lasting: dict[str, Any] = {}
        arguments: dict[str, Any] = {"timeout": BUSY_SECONDS}
        if address.get_backend_name() != "sqlite":
            _check_no_secret(address)
            lasting = {"pool_pre_ping": True, "pool_timeout": BUSY_SECONDS}
            arguments = {
                "connect_timeout": BUSY_SECONDS,
                "options": f"-c lock_timeout={BUSY_SECONDS}s -c timezone=UTC",
            }
        engine = create_engine(address, connect_args=arguments, **lasting)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            "this is not the address of a usable database",
            where="project.store",
            remedy="use sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME with vipreco[postgresql]",
            code="store-url",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_no_secret(address: URL) -> None:
    """Refuse a password in the settings, and a password file that others can read."""
    if address.password is not None:
        raise UsageError(
            "the address must not contain a password",
            where="project.store",
            remedy="append `?passfile=FILE` and keep the password in that file, in the format of PostgreSQL",
            code="store-password",
        )
    passfile = address.query.get("passfile")
    if isinstance(passfile, str):
        check_private(Path(passfile), "the password file of the database")


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin in `_begin_sqlite`, not where the driver guesses
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "recursive_triggers=ON",  # without it REPLACE takes the place of an audit record unseen
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that starts as a reader fails at once while another one writes, so it declares itself first.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
