"""The version of the store's tables: what it is, and how it becomes the one that this program needs."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from vipreco.errors import BusyError, UsageError
from vipreco.store.connection import Database, translated

MIGRATIONS = Path(__file__).parent / "migrations"


def check_version(database: Database) -> None:
    """Check that the tables are of the version that this program needs.

    Raises:
        BusyError: They are of a newer program; nothing was touched.
        UsageError: They are older, or not there.
    """
    with database.reading() as connection:
        version = _version(connection)
    scripts = _scripts()
    if version == scripts.get_current_head():
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if version is not None and version not in known:
        raise BusyError(
            "the database is newer than this program",
            where=database.name,
            remedy="use the newer version of vipreco; nothing was touched",
            code="store-newer",
        )
    raise UsageError(
        "the operational store is of an older version" if version else "the operational store is empty",
        where=database.name,
        remedy="run `vipreco store upgrade`",
        code="store-older",
    )


def upgrade(database: Database) -> Path | None:
    """Bring the tables to the version of this program; a file with tables in it is copied beside first.

    Returns:
        The copy, if one was made.

    Raises:
        BusyError: They are of a newer program; nothing was touched.
    """
    with database.reading() as connection:
        version = _version(connection)
    head = _scripts().get_current_head()
    if version == head:
        return None
    if version is not None:
        _refuse_newer(database)
    saved = _copy_before(database) if version else None
    with database.writing() as connection:
        settings = Config()
        settings.set_main_option("script_location", str(MIGRATIONS))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
    return saved


def backup(database: Database, target: Path) -> None:
    """Copy a store in a file, as it is at one moment, while others go on writing.

    Raises:
        UsageError: The store is no file, or the copy exists.
    """
    if database.path is None:
        raise UsageError(
            "a PostgreSQL database is backed up by its own tools",
            remedy="use pg_dump",
            code="not-a-file",
        )
    if target.exists():
        raise UsageError("exists already", where=str(target), remedy="name another file", code="exists")
    with translated(database.name), sqlite3.connect(database.path) as source:
        copied = sqlite3.connect(target)
        source.backup(copied)
        copied.close()
    target.chmod(0o600)


def _version(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def _refuse_newer(database: Database) -> None:
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
