"""A connection to the database of the store: how it is opened, and what its failures are called."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vipreco.errors import BusyError, DependencyDownError, IntegrityError, UsageError, VipRecoError

BUSY_SECONDS = 5
WRITES = "vipreco_writes"
RESTORE = "restore the last backup (`vipreco store backup` makes them), or move the file away"
DAMAGED = ("malformed", "not a database", "disk image", "corrupt")


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

    @property
    def is_file(self) -> bool:
        """Whether it is SQLite."""
        return self.engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """What messages call it: no password is in it."""
        return str(self.path) if self.path else self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises:
            BusyError: Another process holds it for more than five seconds.
            DependencyDownError: It does not answer, or its file is gone.
            IntegrityError: The file is damaged.
        """
        self._same_file()
        with translated(self.name), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are there wholly at the end, or not at all.

        Raises: As `reading`.
        """
        self._same_file()
        with translated(self.name), self.engine.connect() as connection:
            connection.execution_options(**{WRITES: True})
            with connection.begin():
                yield connection

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


def _engine(url: str) -> Engine:
    try:
        address = make_url(url)
        lasting = {} if address.get_backend_name() == "sqlite" else {"pool_pre_ping": True, "pool_timeout": 5}
        arguments: dict[str, Any] = {"timeout": BUSY_SECONDS} if not lasting else {"connect_timeout": 5}
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


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where it guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that starts as a reader fails at once when another writes; so it says at the start what it is.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn failures of the database into errors that a user can act on; texts of the driver stay out."""
    try:
        yield
    except VipRecoError:
        raise
    except (sqlite3.Error, DBAPIError, PoolTimeoutError) as error:
        found = _named(error, name)
        if found is None:
            raise
        raise found from error


def _named(error: Exception, name: str) -> VipRecoError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).lower()
    kind = type(cause).__name__
    if "locked" in text or "lock timeout" in text:
        return BusyError(
            "another process holds the operational store", where=name, remedy="try again", code="store-busy"
        )
    if any(word in text for word in DAMAGED):
        return IntegrityError("the operational store is damaged", where=name, remedy=RESTORE, code="damaged")
    if "full" in text and kind == "OperationalError":
        return None
    if kind in {"OperationalError", "InterfaceError", "TimeoutError", "AdminShutdown"}:
        return DependencyDownError(
            "the operational store does not answer", where=name, remedy=RESTORE, code="store-down"
        )
    return None
