"""Database failures as errors that a user can act on, without texts of the driver."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError as TakenError, TimeoutError as PoolTimeoutError

from vipreco.durable import FREE_SPACE
from vipreco.errors import (
    BusyError,
    DependencyDownError,
    InputRejectedError,
    IntegrityError,
    ResourcesError,
    VipRecoError,
)

RESTORE = (
    "stop the service, keep a copy of this file and of those beside it that end in -wal and -shm, and put "
    "the last backup in its place (`vipreco store backup` makes them)"
)
CHECK_DISK = (
    "check the disk, its free space and the permissions of the folder; the store is unchanged, leave its "
    "files where they are"
)
MIN_FREE_BYTES = 1 << 20  # with less, SQLite reports a full disk as a failure to read or open its files
START = "check that the database server runs, and that its address in vipreco.toml is right"
# By the name of the failure in SQLite, and by the first characters of its code in PostgreSQL.
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40P01", "40001")
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
FULL = ("SQLITE_FULL", "SQLITE_READONLY", "53100", "53200", "25006")
DOWN = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "08", "53300", "57", "28", "3D")
UNSTORABLE = ("22",)
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Failing(Protocol):
    """Database whose failures are translated."""

    @property
    def name(self) -> str:
        """Name for messages."""

    @property
    def path(self) -> Path | None:
        """File of SQLite."""

    @property
    def is_file(self) -> bool:
        """True for SQLite."""

    @property
    def is_joined(self) -> bool:
        """True while this thread is inside a transaction."""


class _Part(Protocol):
    """Part of the store."""

    @property
    def database(self) -> Failing:
        """Its database."""


Part = TypeVar("Part", bound=_Part)


@contextmanager
def translate_failures(database: Failing) -> Iterator[None]:
    """Turn failures of a database into errors that a user can act on.

    Raises:
        VipRecoError: In place of a known failure.
    """
    try:
        yield
    except (sqlite3.Error, DBAPIError, PoolTimeoutError) as error:
        found = _named(error, database)
        if found is None:
            raise
        raise found from error


def retry_if_taken(
    work: Callable[Concatenate[Part, Given], Answer],
) -> Callable[Concatenate[Part, Given], Answer]:
    """Run a method again if another process inserted the same key meanwhile: now the key is found."""

    @wraps(work)
    def doing(part: Part, /, *given: Given.args, **named: Given.kwargs) -> Answer:
        if part.database.is_joined:  # the transaction belongs to the caller, and so does its repetition
            return work(part, *given, **named)
        try:
            return work(part, *given, **named)
        except TakenError:
            return work(part, *given, **named)

    return doing


def _named(error: Exception, database: Failing) -> VipRecoError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code, name = _code(cause), database.name
    if code.startswith(BUSY):
        return BusyError(
            "another process holds the operational store", where=name, remedy="try again", code="store-busy"
        )
    if code.startswith(DAMAGED):
        return IntegrityError("the operational store is damaged", where=name, remedy=RESTORE, code="damaged")
    if code.startswith(FULL) or (code.startswith(DOWN) and _is_full(database)):
        return ResourcesError(
            "the operational store cannot be written: its disk is full, or may not be written to",
            where=name,
            remedy=f"{FREE_SPACE}; nothing was changed",
            code="disk",
        )
    if code.startswith(UNSTORABLE):
        return InputRejectedError(
            "a text is too long, or holds a character that cannot be stored", code="unstorable"
        )
    if code.startswith(DOWN):
        return DependencyDownError(
            "the operational store does not answer",
            where=name,
            remedy=CHECK_DISK if database.is_file else START,
            code="store-down",
        )
    return None


def _is_full(database: Failing) -> bool:
    if database.path is None:
        return False
    try:
        return shutil.disk_usage(database.path.parent).free < MIN_FREE_BYTES
    except OSError:
        return False


def _code(cause: BaseException | None) -> str:
    """Return the name of a failure in SQLite, or its code in PostgreSQL."""
    if isinstance(cause, sqlite3.Error):
        return str(getattr(cause, "sqlite_errorname", None) or "")
    number = getattr(cause, "sqlstate", None)
    if number:
        return str(number)
    # Failures without a code of the server: the driver refused a text, or could not connect.
    return "22" if type(cause).__name__ == "DataError" else "08" if _is_down(cause) else ""


def _is_down(cause: BaseException | None) -> bool:
    return type(cause).__name__ in {"OperationalError", "InterfaceError", "TimeoutError"}
