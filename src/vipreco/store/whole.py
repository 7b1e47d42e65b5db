"""Whether the file of a store is as it was written."""

from __future__ import annotations

from vipreco.errors import IntegrityError
from vipreco.store.connection import Database, check_private
from vipreco.store.failures import RESTORE


def check_whole(database: Database) -> None:
    """Read a file once from start to end: what is damaged is noticed before anything is written to it.

    Raises:
        UsageError: Others can read the file.
        IntegrityError: It is damaged, or its newest changes were taken away with the file that held them.
    """
    if database.path is None:
        return
    check_private(database.path, "the operational store")
    log, index = (database.path.with_name(database.path.name + ending) for ending in ("-wal", "-shm"))
    if index.exists() and not log.exists():  # SQLite removes the index before the log, and makes it after
        raise _damaged(database, "the operational store lacks its newest changes: its -wal file is gone")
    with database.reading() as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    if found != "ok":
        raise _damaged(database, "the operational store is damaged")


def _damaged(database: Database, what: str) -> IntegrityError:
    return IntegrityError(what, where=database.name, remedy=RESTORE, code="damaged")
