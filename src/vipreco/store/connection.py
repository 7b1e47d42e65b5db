"""A connection to the database of the store: how it is opened, and when its changes are there."""

from __future__ import annotations

import os
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
from vipreco.store.failures import RESTORE, translate_failures

BUSY_SECONDS = 5
WRITES = "vipreco_writes"
_INSERTS: Final[dict[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
OTHERS = 0o077  # permissions of a file beyond its owner's


class Database:
    """The database by its address: SQLite in a file, or PostgreSQL.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://...`.

    Raises:
        UsageError: The address is not one, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.path = Path(self.engine.url.database or "") if self.is_file else None
        self._inode: int | None = None
        self._mine = threading.local()

    @property
    def is_file(self) -> bool:
        """Whether it is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path) if self.path else self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database; inside of `writing`, that of its changes.

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
        """Give a connection whose changes are there wholly at the end, or not at all.

        Whatever writes inside of it, in the same thread, is part of it.

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

    @property
    def is_joined(self) -> bool:
        """Whether this thread is inside of `writing`."""
        return self._joined is not None

    @property
    def _joined(self) -> Connection | None:
        return getattr(self._mine, "connection", None)

    def _same_file(self) -> None:
        """Notice that the file was removed or replaced: an open connection would go on with the old one."""
        if self.path is None:
            return
        try:
            inode = self.path.stat().st_ino
        except OSError:
            self.engine.dispose()
            raise DependencyDownError(
                "the operational store is gone", where=self.name, remedy=RESTORE, code="store-down"
            ) from None
        if self._inode is not None and inode != self._inode:
            self.engine.dispose()
        self._inode = inode


def add_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add the rows whose key is not there yet; of several with one key the first."""
    connection.execute(_INSERTS[connection.dialect.name](table).on_conflict_do_nothing(), list(rows))


def hold_lock(connection: Connection, lock: int) -> None:
    """Let nobody else into what this number stands for until the transaction ends.

    SQLite has one writer at a time anyway. In PostgreSQL numbers are given out before changes are seen: who
    comes later must not be seen earlier.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": lock})


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
            "is not the address of a database that can be used",
            where="project.store",
            remedy="use sqlite:///FILE, or postgresql+psycopg://USER@HOST/NAME with vipreco[postgresql]",
            code="store-url",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _check_no_secret(address: URL) -> None:
    """Refuse a password where everybody reads settings, and a file of passwords that others can read."""
    if address.password is not None:
        raise UsageError(
            "a password must not stand in an address",
            where="project.store",
            remedy="write `?passfile=FILE` and the password into that file, in PostgreSQL's form of it",
            code="store-password",
        )
    passfile = address.query.get("passfile")
    if isinstance(passfile, str):
        check_private(Path(passfile), "the file of the database's password")


def check_private(path: Path, what: str) -> None:
    """Check that a file with a secret is there for its owner alone.

    Raises:
        UsageError: It is not there, or others can read it.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{what} is not there", where=str(path), code="no-secret-file") from error
    if os.name == "posix" and mode & OTHERS:
        raise UsageError(
            f"{what} can be read by others",
            where=str(path),
            remedy="`chmod 600` it, and consider what is in it known",
            code="key-readable",
        )


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where it guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that starts as a reader fails at once when another writes; so it says at the start what it is.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
