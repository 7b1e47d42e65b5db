"""A store whose file, disk, neighbours or version are not what they should be."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event as Flag, Thread

import pytest
from sqlalchemy import text

from tests.store import postgres
from tests.store.conftest import MEMBERS, new_database
from tests.store.dying import dies, kill
from vipreco.durable import sha256_of
from vipreco.errors import (
    BusyError,
    DependencyDownError,
    IntegrityError,
    ResourcesError,
    UsageError,
    VipRecoError,
)
from vipreco.store import (
    Contact,
    Database,
    Event,
    Keys,
    Role,
    Scope,
    Store,
    backup,
    schema_upgrade,
    upgrade,
    version_of,
)

NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001
MINE = Scope("user:ann", Role.MANAGER, "M1")
PRESENT = schema_upgrade.revisions()[-1]
NEWER = '''
"""A version after ours."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9000", "PRESENT", None, None
def upgrade() -> None:
    op.add_column("tokens", sa.Column("colour", sa.String(20)))
'''


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def file(empty_store: Path, tmp_path: Path) -> Path:
    """A store in a file, with books, some contacts and an audit; nobody has it open."""
    path = tmp_path / "store.db"
    shutil.copy(empty_store, path)
    fill(path, range(40))
    return path


def fill(path: Path, numbers: range) -> None:
    with Store.open(url_of(path)) as store:
        store.books.replace("snapshot-1", MEMBERS)
        for number in numbers:
            store.contacts.record(MINE, contact(number), NOW)
        store.audit.append([Event("user:ann", "sheet.read", f"c{number}") for number in numbers])


def contact(number: int) -> Contact:
    moment = NOW - timedelta(minutes=number)
    return Contact("0001", "call", moment, "declined", note="x" * 400, contact_id=f"c{number}")


def content(path: Path) -> list[str]:
    """All rows of all tables, read without the program."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def refused(path: Path) -> VipRecoError:
    with pytest.raises(VipRecoError) as found:
        Store.open(url_of(path))
    return found.value


def leftover(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


# The file (F10)


def test_a_file_that_is_cut_anywhere_is_refused_and_left_as_it_is(file: Path) -> None:
    whole = file.read_bytes()
    for size in (0, 1, 99, 100, 4095, 4096, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        file.write_bytes(whole[:size])
        error = refused(file)
        assert (error.exit_code, error.code) == (6, "damaged"), size
        assert "vipreco store backup" in error.remedy
        assert file.read_bytes() == whole[:size]


def test_no_page_of_a_file_can_be_turned_without_its_being_refused(file: Path) -> None:
    whole, told = file.read_bytes(), content(file)
    size = int.from_bytes(whole[16:18], "big")
    pages, found = len(whole) // size, 0
    for page in range(pages):
        part = whole[page * size : (page + 1) * size]
        file.write_bytes(
            whole[: page * size] + bytes(255 - byte for byte in part) + whole[(page + 1) * size :]
        )
        try:
            Store.open(url_of(file)).close()
        except IntegrityError as error:
            assert error.code == "damaged"  # noqa: PT017
            found += 1
        else:
            assert content(file) == told  # a page that holds nothing
    assert pages > 30
    assert found >= pages - 2


def test_a_file_that_is_something_else_is_refused(file: Path) -> None:
    file.write_bytes(b"customer_id,manager_id\n" * 500)
    assert (refused(file).exit_code, refused(file).code) == (6, "damaged")
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE other (x)")
    file.chmod(0o600)
    error = refused(file)
    assert (error.exit_code, error.code) == (6, "damaged")
    assert "tables are gone" in error.what


@pytest.fixture
def crashed(file: Path) -> Path:
    """A store whose last writer was killed: its newest change is in the -wal file alone."""

    def work() -> None:
        Store.open(url_of(file)).contacts.record(MINE, contact(1000), NOW)
        kill()

    dies(work)
    assert file.with_name("store.db-wal").stat().st_size > 0
    return file


def test_what_was_recorded_before_a_kill_is_there_after_it(crashed: Path) -> None:
    with Store.open(url_of(crashed)) as store:
        assert store.contacts.record(MINE, contact(1000), NOW).again  # type: ignore[union-attr]


def test_a_store_whose_log_was_taken_away_is_refused(crashed: Path) -> None:
    crashed.with_name("store.db-wal").unlink()
    error = refused(crashed)
    assert (error.exit_code, error.code) == (6, "damaged")
    assert "-wal" in error.what
    assert "-shm" in error.remedy


def test_a_new_store_is_in_its_file_at_once_so_that_a_lost_log_cannot_take_it_along(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.db"
    Store.open(url_of(path)).close()
    assert path.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(path)) as connection:
        names = {
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
    assert {"contacts", "audit", "users"} <= names
    assert leftover(path.parent) == []


@pytest.mark.parametrize("point", ["store-upgraded", "store-made"])
def test_a_kill_while_a_store_is_made_leaves_none(tmp_path: Path, point: str) -> None:
    path = tmp_path / "store.db"
    dies(lambda: Store.open(url_of(path)), point)
    assert not path.exists()
    Store.open(url_of(path)).close()


def test_two_that_make_a_store_at_once_have_the_same_one(tmp_path: Path) -> None:
    path, errors = tmp_path / "store.db", []

    def make(number: int) -> None:
        try:
            with Store.open(url_of(path)) as store:
                store.audit.append([Event("a", "x", str(number))])
        except VipRecoError as error:
            errors.append(error)

    threads = [Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert errors == []
    with Store.open(url_of(path)) as store:
        assert store.audit.verify().sequence == 4
    assert leftover(tmp_path) == []


def test_a_store_that_others_can_read_is_refused(file: Path) -> None:
    file.chmod(0o644)
    error = refused(file)
    assert (error.exit_code, error.code) == (2, "key-readable")


def test_a_store_that_is_taken_away_and_brought_back_is_found_again(file: Path) -> None:
    with Store.open(url_of(file)) as store:
        file.rename(file.with_name("away"))
        with pytest.raises(DependencyDownError) as down:
            store.contacts.of(MINE, ["0001"])
        assert (down.value.exit_code, down.value.code) == (8, "store-down")
        file.with_name("away").rename(file)
        assert len(store.contacts.of(MINE, ["0001"])) == 40


# Copies of it (F11)


def test_a_backup_during_writes_is_whole_and_its_audit_chain_intact(file: Path, tmp_path: Path) -> None:
    stop, written = Flag(), []

    def write() -> None:
        with Store.open(url_of(file)) as store:
            while not stop.is_set():
                number = 100 + len(written)
                store.contacts.record(MINE, contact(number), NOW)
                store.audit.append([Event("user:ann", "outcome.record", f"c{number}")])
                written.append(number)

    def wait_for(number: int) -> None:
        until = time.monotonic() + 20
        while len(written) < number and time.monotonic() < until:
            time.sleep(0.005)

    writer = Thread(target=write)
    writer.start()
    wait_for(5)
    known, target = len(written), tmp_path / "backups" / "store.db"
    target.parent.mkdir()
    database = Database(url_of(file))
    backup(database, target)
    database.engine.dispose()
    wait_for(len(written) + 5)
    stop.set()
    writer.join(timeout=20)

    machine = tmp_path / "empty machine"  # what a restore is: the file, put in its place
    machine.mkdir()
    shutil.copy(target, machine / "store.db")
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["store.db"]
    with Store.open(url_of(machine / "store.db")) as restored:
        contacts = restored.contacts.of(MINE, ["0001"])
        head = restored.audit.verify()
        assert 40 + known <= len(contacts) <= 40 + len(written)
        assert len(contacts) - head.sequence in {0, 1}  # one state: a contact and its record are two steps
        assert restored.contacts.record(MINE, contact(5_000), NOW) is not None
    with Store.open(url_of(file)) as store:
        assert len(store.contacts.of(MINE, ["0001"])) == 40 + len(written)


def test_a_backup_overwrites_nothing_and_of_a_damaged_store_there_is_none(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_bytes(b"mine")
    database = Database(url_of(file))
    for path, code in ((target, "exists"), (tmp_path / "nowhere" / "copy.db", "no-folder")):
        with pytest.raises(UsageError) as error:
            backup(database, path)
        assert error.value.code == code
    assert target.read_bytes() == b"mine"
    database.engine.dispose()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(IntegrityError):
        backup(Database(url_of(file)), tmp_path / "other.db")
    assert not (tmp_path / "other.db").exists()


# Somebody else holds it (F12)


def test_five_seconds_are_waited_for_another_process(engine: str, url: str) -> None:
    question, patience = {
        "sqlite": ("PRAGMA busy_timeout", 5_000),
        "postgresql": ("SHOW lock_timeout", "5s"),
    }[engine]
    database = Database(url)
    with database.reading() as connection:
        assert connection.execute(text(question)).scalar() == patience
    database.engine.dispose()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that wait for a second."""
    monkeypatch.setattr("vipreco.store.connection.BUSY_SECONDS", 1)


@pytest.mark.usefixtures("impatient")
def test_a_writer_waits_for_another_process_and_then_says_so(file: Path) -> None:
    with Store.open(url_of(file)) as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        with pytest.raises(BusyError) as busy:
            store.contacts.record(MINE, contact(99), NOW)
        assert time.monotonic() - started > 0.9
        assert (busy.value.exit_code, busy.value.code) == (5, "store-busy")
        assert len(store.contacts.of(MINE, ["0001"])) == 40  # who reads does not wait
        other.execute("ROLLBACK")
        assert store.contacts.record(MINE, contact(99), NOW) is not None


@pytest.mark.usefixtures("impatient")
def test_a_writer_of_postgresql_waits_and_then_says_so(shared_database: str) -> None:
    blocking = Database(shared_database)
    with Store.open(shared_database) as store, blocking.engine.begin() as connection:
        connection.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))
        started = time.monotonic()
        with pytest.raises(BusyError) as busy:
            store.audit.append([Event("a", "x")])
        assert time.monotonic() - started > 0.9
        assert (busy.value.exit_code, busy.value.code) == (5, "store-busy")
    blocking.engine.dispose()


def test_a_full_disk_is_told_and_nothing_is_changed(file: Path) -> None:
    with Store.open(url_of(file)) as store:
        with store.database.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(ResourcesError) as full:
            store.audit.append([Event("a", "x", "y" * 60) for _ in range(500)])
        assert (full.value.exit_code, full.value.code) == (7, "disk")
        assert store.audit.verify().sequence == 40


# Versions of its tables (B95)


@pytest.fixture
def newer_program(tmp_path: Path) -> Iterator[Callable[[], None]]:
    """Make this program one version newer than it is."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema_upgrade.MIGRATIONS, folder)
    (folder / "versions" / "9000_newer.py").write_text(NEWER.replace("PRESENT", PRESENT))
    with pytest.MonkeyPatch.context() as patch:
        yield lambda: patch.setattr(schema_upgrade, "MIGRATIONS", folder)


@pytest.fixture
def old_store(engine: str, request: pytest.FixtureRequest) -> str:
    """Address of a store of today's version with a record in it, that a test may spoil."""
    if engine == "sqlite":
        return url_of(request.getfixturevalue("file"))
    server: postgres.Server = request.getfixturevalue("server")
    url = new_database(server)
    upgrade(Database(url))
    with Store.open(url) as store:
        store.audit.append([Event("a", "x")])
    return url


def test_an_older_store_is_migrated_with_a_backup_and_keeps_its_rows(
    old_store: str, newer_program: Callable[[], None], tmp_path: Path
) -> None:
    """F37."""
    before = Store.open(old_store).audit.verify()
    newer_program()
    with pytest.raises(UsageError) as older:
        Store.open(old_store)
    assert (older.value.exit_code, older.value.code) == (2, "store-older")
    assert "vipreco store upgrade" in older.value.remedy
    database = Database(old_store)
    saved = upgrade(database)
    assert version_of(database) == "9000"
    assert upgrade(database) is None
    with Store.open(old_store) as store:
        assert store.audit.verify() == before
    if database.path is None:
        assert saved is None
        return
    assert saved is not None
    assert saved.parent == tmp_path
    assert saved.name.startswith("store.db.before-")
    assert version_of(Database(url_of(saved))) == PRESENT


def test_a_store_of_version_0002_keeps_its_contacts(
    engine: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """0003 gives contacts another key; SQLite cannot do that in place, so their rows move."""
    if engine == "sqlite":
        (tmp_path / "old.db").touch(0o600)
        url = url_of(tmp_path / "old.db")
    else:
        url = new_database(request.getfixturevalue("server"))
    database, folder = Database(url), tmp_path / "migrations"
    shutil.copytree(schema_upgrade.MIGRATIONS, folder)
    for script in (folder / "versions").glob("[0-9]*.py"):
        if script.name.partition("_")[0] > "0002":
            script.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema_upgrade, "MIGRATIONS", folder)
        upgrade(database, empty=True)
    assert version_of(database) == "0002"
    row = (
        "INSERT INTO contacts (contact_id, sequence, customer_id, channel, contacted_at, outcome, "
        "recorded_date, note, actor) "
        "VALUES (:id, :number, '0001', 'call', :at, :outcome, :day, '', 'user:ann')"
    )
    with database.writing() as connection:
        for number, outcome in ((1, "declined"), (2, "do_not_contact")):
            day = f"2026-01-0{number}"
            values = {"id": f"c{number}", "number": number, "at": f"{day} 10:00:00", "day": day}
            connection.execute(text(row), {**values, "outcome": outcome})
    upgrade(database)
    with database.reading() as connection:
        kept = connection.execute(
            text("SELECT contact_id, sequence, outcome, request_key FROM contacts ORDER BY sequence")
        ).all()
    assert [tuple(one) for one in kept] == [("c1", 1, "declined", None), ("c2", 2, "do_not_contact", None)]
    with Store.open(url) as store:
        store.books.replace("today", MEMBERS)
        assert [one.outcome for one in store.contacts.of(MINE, ["0001"])] == ["declined", "do_not_contact"]


@pytest.mark.parametrize("version", schema_upgrade.revisions()[:-1])
def test_a_store_of_each_earlier_version_comes_to_the_present_one_with_its_records(
    version: str, tmp_path: Path
) -> None:
    """F37."""
    (tmp_path / "old.db").touch(0o600)
    database, folder = Database(url_of(tmp_path / "old.db")), tmp_path / "migrations"
    shutil.copytree(schema_upgrade.MIGRATIONS, folder)
    for script in (folder / "versions").glob("[0-9]*.py"):
        if script.name.partition("_")[0] > version:
            script.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema_upgrade, "MIGRATIONS", folder)
        upgrade(database, empty=True)
    head = Store(database).audit.append([Event("a", "x"), Event("a", "y")])
    saved = upgrade(database)
    assert version_of(database) == PRESENT
    assert saved is not None
    assert version_of(Database(url_of(saved))) == version
    with Store.open(url_of(tmp_path / "old.db")) as store:
        assert store.audit.verify() == head
        assert store.audit.append([Event("a", "z")]).sequence == 3


def test_a_newer_store_is_not_touched(old_store: str) -> None:
    """F37: after a downgrade."""
    database = Database(old_store)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.engine.dispose()
    hashed = None if database.path is None else sha256_of(database.path)
    for attempt in (lambda: Store.open(old_store), lambda: upgrade(Database(old_store))):
        with pytest.raises(BusyError) as newer:
            attempt()
        assert (newer.value.exit_code, newer.value.code) == (5, "store-newer")
    if database.path is not None:
        assert sha256_of(database.path) == hashed


def test_a_migration_that_is_killed_leaves_the_old_version(
    file: Path, newer_program: Callable[[], None]
) -> None:
    ours = schema_upgrade.MIGRATIONS
    newer_program()
    dies(lambda: upgrade(Database(url_of(file))), "store-upgraded")
    schema_upgrade.MIGRATIONS = ours
    assert version_of(Database(url_of(file))) == PRESENT
    with Store.open(url_of(file)) as store:
        assert store.audit.verify().sequence == 40


def test_an_empty_database_of_postgresql_is_filled_when_it_is_told_to(server: postgres.Server) -> None:
    url = new_database(server)
    with pytest.raises(UsageError) as empty:
        Store.open(url)
    assert empty.value.code == "store-older"
    upgrades = [Thread(target=lambda: upgrade(Database(url))) for _ in range(2)]
    for thread in upgrades:
        thread.start()
    for thread in upgrades:
        thread.join(timeout=30)
    with Store.open(url) as store:
        assert store.audit.append([Event("a", "x")]).sequence == 1


# Where it is, and what must stay secret (B87)


@pytest.mark.parametrize("url", ["", "store.db", "oracle://x/y", "nosuch+driver://x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as refused_:
        Database(url)
    assert (refused_.value.exit_code, refused_.value.code) == (2, "store-url")


def test_a_password_does_not_stand_in_an_address_nor_in_a_file_that_others_can_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused_:
        Database("postgresql+psycopg://ann:geheim@localhost/x")
    assert refused_.value.code == "store-password"
    assert "geheim" not in str(refused_.value)
    passfile = tmp_path / "pgpass"
    url = f"postgresql+psycopg://ann@localhost/x?passfile={passfile}"
    for mode, code in ((None, "no-secret-file"), (0o644, "key-readable"), (0o640, "key-readable")):
        if mode is not None:
            passfile.write_text("localhost:5432:x:ann:geheim")
            passfile.chmod(mode)
        with pytest.raises(UsageError) as refused_:
            Database(url)
        assert (refused_.value.exit_code, refused_.value.code) == (2, code)
    passfile.chmod(0o600)
    Database(url)


def test_a_server_that_is_not_there_is_told_without_the_drivers_words(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(DependencyDownError) as down:
        Store.open(f"postgresql+psycopg://ann@/x?host={tmp_path}")
    assert (down.value.exit_code, down.value.code) == (8, "store-down")
    assert "socket" not in str(down.value)
    assert "restore" not in down.value.remedy


@pytest.mark.parametrize("name", ["pseudonym.key", "audit-signing.key"])
def test_keys_that_others_can_read_or_that_are_none_are_refused(tmp_path: Path, name: str) -> None:
    first = Keys.open(tmp_path / "keys")
    path = tmp_path / "keys" / name
    assert path.stat().st_mode & 0o777 == 0o600
    assert Keys.open(tmp_path / "keys").pseudonym_of("0001") == first.pseudonym_of("0001")
    assert Keys.open(tmp_path / "keys").public_keys == first.public_keys
    for mode in (0o644, 0o640, 0o602):
        path.chmod(mode)
        with pytest.raises(UsageError) as error:
            Keys.open(tmp_path / "keys")
        assert (error.value.exit_code, error.value.code) == (2, "key-readable")
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(UsageError) as error:
        Keys.open(tmp_path / "keys")
    assert error.value.code == "bad-key"


def test_processes_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        Thread(target=lambda: found.append(Keys.open(tmp_path / "keys").pseudonym_of("0001")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(found) == 8
    assert len(set(found)) == 1
    assert len(found[0]) == 32
    assert leftover(tmp_path / "keys") == []
