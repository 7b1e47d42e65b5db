"""What failures of a database are called: errors that a user can act on, without the driver's texts."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError as TakenError, TimeoutError as PoolTimeoutError

from vipreco.errors import (
    BusyError,
    DependencyDownError,
    InputRejectedError,
    IntegrityError,
    ResourcesError,
    VipRecoError,
)

if TYPE_CHECKING:
    from vipreco.store.connection import Database

RESTORE = (
    "put the last backup in its place (`vipreco store backup` makes them), and move this file away "
    "together with those beside it that end in -wal and -shm"
)
START = "see whether the database server runs, and whether its address in vipreco.toml is right"
# By the name of the failure in SQLite, and by the first signs of its number in PostgreSQL.
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40P01", "40001")
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
FULL = ("SQLITE_FULL", "SQLITE_READONLY", "53100", "53200", "25006")
DOWN = ("SQLITE_CANTOPEN", "SQLITE_IOERR", "08", "53300", "57", "28", "3D")
UNSTORABLE = ("22",)
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class _Part(Protocol):
    """A part of the store."""

    database: Database


Part = TypeVar("Part", bound=_Part)


@contextmanager
def translate_failures(database: Database) -> Iterator[None]:
    """Turn failures of a database into errors that a user can act on.

    Raises:
        VipRecoError: In place of a failure that has a name.
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
    """Do it once more where another process has put the same key there meanwhile: now it is found."""

    @wraps(work)
    def doing(part: Part, /, *given: Given.args, **named: Given.kwargs) -> Answer:
        if part.database.is_joined:  # the transaction is the caller's, and so is its repetition
            return work(part, *given, **named)
        try:
            return work(part, *given, **named)
        except TakenError:
            return work(part, *given, **named)

    return doing


def _named(error: Exception, database: Database) -> VipRecoError | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code, name = _code(cause), database.name
    if code.startswith(BUSY):
        return BusyError(
            "another process holds the operational store", where=name, remedy="try again", code="store-busy"
        )
    if code.startswith(DAMAGED):
        return IntegrityError("the operational store is damaged", where=name, remedy=RESTORE, code="damaged")
    if code.startswith(FULL):
        return ResourcesError(
            "the operational store cannot be written: its disk is full, or may not be written to",
            where=name,
            remedy="free disk space, or give back the permission; nothing was changed",
            code="disk",
        )
    if code.startswith(UNSTORABLE):
        return InputRejectedError(
            "a text is too long, or holds a sign that cannot be stored", code="unstorable"
        )
    if code.startswith(DOWN):
        return DependencyDownError(
            "the operational store does not answer",
            where=name,
            remedy=RESTORE if database.is_file else START,
            code="store-down",
        )
    return None


def _code(cause: BaseException | None) -> str:
    """Return the name of a failure in SQLite, or its number in PostgreSQL."""
    if isinstance(cause, sqlite3.Error):
        return str(getattr(cause, "sqlite_errorname", None) or "")
    number = getattr(cause, "sqlstate", None)
    if number:
        return str(number)
    # Failures that the server has no number for: the driver's own refusal of a text, and of a connection.
    return "22" if type(cause).__name__ == "DataError" else "08" if _is_down(cause) else ""


def _is_down(cause: BaseException | None) -> bool:
    return type(cause).__name__ in {"OperationalError", "InterfaceError", "TimeoutError"}
