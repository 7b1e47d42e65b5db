"""Integrity check of a store in a file."""

from __future__ import annotations

from pathlib import Path

from vipreco.errors import IntegrityError
from vipreco.key_files import check_private
from vipreco.store.connection import Database
from vipreco.store.failures import RESTORE

MIN_BYTES = 512


def check_file(database: Database) -> None:
    """Read the file from start to end, so that damage is found before anything is written to it.

    Raises:
        UsageError: Others can read the file.
        IntegrityError: It is damaged, or its -wal file with the newest changes was removed.
    """
    if database.path is None:
        return
    path = database.path
    check_private(path, "the operational store")
    log, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    if path.stat().st_size < MIN_BYTES:  # SQLite would take it for a new database
        raise _damaged(database, "the operational store is empty: its tables are gone")
    if index.exists() and not log.exists():  # SQLite removes the index before the log, and makes it after
        raise _damaged(database, "the operational store lacks its newest changes: its -wal file is gone")
    if not log.exists() and path.stat().st_size % _page_bytes(path):
        raise _damaged(database, "the operational store was cut off")
    with database.reading() as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise _damaged(database, "the operational store is damaged")


def _page_bytes(path: Path) -> int:
    with path.open("rb") as file:
        return int.from_bytes(file.read(18)[16:], "big") or MIN_BYTES


def _damaged(database: Database, what: str) -> IntegrityError:
    return IntegrityError(what, where=database.name, remedy=RESTORE, code="damaged")
