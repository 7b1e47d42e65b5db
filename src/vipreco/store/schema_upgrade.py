"""Version of the store's tables: check, upgrade with a copy first, back up."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text

from vipreco.durable import replacing
from vipreco.errors import BusyError, IntegrityError, UsageError
from vipreco.failpoints import reach
from vipreco.store.connection import Database, hold_lock
from vipreco.store.failures import RESTORE, translate_failures
from vipreco.store.file_check import check_file

MIGRATIONS = Path(__file__).parent / "migrations"
_ALEMBIC = threading.Lock()  # the library keeps its state in global variables
LOCK = 7_301_984_110  # two programs must not upgrade the same tables at once


def check_version(database: Database) -> None:
    """Check that the tables have the version that this program needs.

    Raises:
        BusyError: They belong to a newer program; nothing was changed.
        UsageError: They are older, or a PostgreSQL database has none yet.
        IntegrityError: A file has none.
    """
    version, known = version_of(database), revisions()
    if version == known[-1]:
        return
    if version is not None and version not in known:
        raise BusyError(
            "the database is newer than this program",
            where=database.name,
            remedy="use the newer version of vipreco; nothing was touched",
            code="store-newer",
        )
    if version is None and database.is_file:
        raise IntegrityError(
            "the operational store is empty: its tables are gone",
            where=database.name,
            remedy=RESTORE,
            code="damaged",
        )
    raise UsageError(
        "the operational store is of an older version" if version else "the operational store is empty",
        where=database.name,
        remedy="run `vipreco store upgrade`",
        code="store-older",
    )


def upgrade(database: Database, *, empty: bool = False) -> Path | None:
    """Bring the tables to the version of this program; a file is copied first.

    Args:
        database: Database to upgrade.
        empty: A file without tables was made just now; without this, a file without tables is damaged.

    Returns:
        The copy, if one was made.

    Raises:
        BusyError: They belong to a newer program; nothing was changed.
        IntegrityError: A file is damaged, or has no tables.
    """
    if not empty:
        check_file(database)
    version = version_of(database)
    if version == revisions()[-1]:
        return None
    if not empty:
        _check_upgradable(database)
    saved = _copy_before(database) if version else None
    with _ALEMBIC, database.writing() as connection:
        from alembic import command  # noqa: PLC0415 - here alone; who only opens a store is spared it
        from alembic.config import Config  # noqa: PLC0415

        hold_lock(connection, LOCK)
        settings = Config()
        settings.set_main_option("script_location", str(MIGRATIONS))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        reach("store-upgraded")
    return saved


def version_of(database: Database) -> str | None:
    """Return the version of the tables; None without tables."""
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        version: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return version


def revisions() -> list[str]:
    """Return the versions of the tables that this program knows, newest last, by the names of their files."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def backup(database: Database, target: Path) -> None:
    """Copy a store in a file as of one moment, while others go on writing.

    Raises:
        UsageError: The store is not a file, the copy exists, or its folder does not.
        IntegrityError: The store is damaged; there is no copy.
    """
    if database.path is None:
        raise UsageError(
            "a PostgreSQL database is backed up by its own tools",
            remedy="use pg_dump",
            code="not-a-file",
        )
    if target.exists():
        raise UsageError("exists already", where=str(target), remedy="name another file", code="exists")
    if not target.parent.is_dir():
        raise UsageError(
            "the folder of this file does not exist",
            where=str(target),
            remedy="make the folder",
            code="no-folder",
        )
    with translate_failures(database), replacing(target) as temporary:
        with closing(sqlite3.connect(database.path)) as source, closing(sqlite3.connect(temporary)) as copied:
            source.backup(copied)
            copied.execute("PRAGMA journal_mode=DELETE")  # everything is in the one file
            found = copied.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise IntegrityError(
                "the copy is damaged, so the store may be",
                where=database.name,
                remedy=RESTORE,
                code="damaged",
            )


def _check_upgradable(database: Database) -> None:
    try:
        check_version(database)
    except UsageError:
        return


def _copy_before(database: Database) -> Path | None:
    if database.path is None:
        return None
    moment = datetime.now().strftime("%Y%m%d-%H%M%S")  # noqa: DTZ005  a file name for people
    saved = database.path.with_name(f"{database.path.name}.before-{moment}")
    backup(database, saved)
    return saved
