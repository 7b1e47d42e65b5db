"""F06: a full disk is called a full disk, nothing acknowledged is lost, and no advice destroys records."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest

from serving.processes.audit_shipper import AuditFiles
from vipreco.cli import entry
from vipreco.errors import ResourcesError, VipRecoError
from vipreco.store import AuditRecord, Contact, Database, Event, Role, Scope, Store, backup
from vipreco.store.failures import translate_failures

NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001  the business's local time
EVERYBODY = Scope("os:tester", Role.CHANNEL)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write until nothing more fits."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    return filler


def test_a_store_on_a_full_disk_says_so_keeps_its_records_and_goes_on_afterwards(
    small_disk: Path, empty_store: Path
) -> None:
    path = small_disk / "store.db"
    path.write_bytes(empty_store.read_bytes())
    path.chmod(0o600)
    acknowledged = 0
    with Store.open(f"sqlite:///{path}") as store:
        import polars as pl

        members = {"customer_id": ["0001"], "manager_id": ["M1"], "branch_id": ["B1"]}
        store.books.replace("s", pl.DataFrame(members))
        filler = fill(small_disk)
        with pytest.raises(ResourcesError) as full:  # noqa: PT012  one of many fails
            for _ in range(10_000):
                contact = Contact("0001", "call", NOW, "declined", note="x" * 400)
                store.contacts.record(EVERYBODY, contact, NOW)
                acknowledged += 1
        assert (full.value.exit_code, full.value.code) == (7, "disk")
        assert "free disk space" in full.value.remedy
        assert "backup" not in full.value.remedy
        with pytest.raises(VipRecoError) as refused:
            backup(store.database, small_disk / "copy.db")
        assert refused.value.exit_code == 7
        filler.unlink()
        assert store.contacts.record(EVERYBODY, Contact("0001", "call", NOW, "accepted"), NOW) is not None
        assert len(store.contacts.of(EVERYBODY, ["0001"])) == acknowledged + 1
    with Store.open(f"sqlite:///{path}") as again:  # the whole file is checked
        assert len(again.contacts.of(EVERYBODY, ["0001"])) == acknowledged + 1


def test_a_store_that_is_opened_on_a_full_disk_is_not_called_lost(
    small_disk: Path, empty_store: Path
) -> None:
    """SQLite cannot make its index of the log there, and calls that a failure to read or open the file."""
    path = small_disk / "store.db"
    path.write_bytes(empty_store.read_bytes())
    path.chmod(0o600)
    fill(small_disk)
    with pytest.raises(VipRecoError) as full:
        Store.open(f"sqlite:///{path}").audit.append([Event("a", "x" * 60)] * 5_000)
    assert (full.value.exit_code, full.value.code) == (7, "disk")
    assert "backup" not in full.value.remedy


@pytest.mark.parametrize("name", ["SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_CANTOPEN"])
def test_no_failure_of_a_disk_is_answered_with_the_last_backup(tmp_path: Path, name: str) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name  # type: ignore[misc]
    database = Database(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(VipRecoError) as failed, translate_failures(database):
        raise error
    assert failed.value.exit_code == 8
    assert "leave its files where they are" in failed.value.remedy
    assert "backup" not in failed.value.remedy


def test_a_spool_on_a_full_disk_takes_no_record(small_disk: Path, empty_store: Path, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(empty_store.read_bytes())
    path.chmod(0o600)
    with Store.open(f"sqlite:///{path}") as store:
        spool = AuditFiles(small_disk / "spool", store)
        fill(small_disk)
        with pytest.raises(ResourcesError) as full:  # noqa: PT012  one of many fails
            for _ in range(1_000):
                spool.put([AuditRecord(Event("a", "offers.read"))])
        assert full.value.code == "disk"
        spool.close()


@pytest.mark.parametrize(
    "cause",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        RuntimeError("IO Error: Could not write all bytes: No space left on device"),
        OSError("4096 requested and 512 written"),  # NumPy
        sqlite3.OperationalError("database or disk is full"),
    ],
)
def test_every_writer_ends_with_7_whatever_library_met_the_full_disk(
    cause: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: list[str]) -> None:
        try:
            raise cause
        except Exception as error:
            raise ValueError("a library's own words") from error

    monkeypatch.setattr(entry, "_run", fails)
    assert entry.main(["prepare"]) == 7
    told = capsys.readouterr().err
    assert "the disk is full" in told
    assert "data/serving" in told
    assert "put the last backup" not in told
