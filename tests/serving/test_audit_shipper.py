"""Audit records on their way into the store: none is lost with its process, and a bounded number waits."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.processes.audit_shipper import AuditFiles, ship
from tests.store.audit_samples import audit_record
from tests.store.conftest import MEMBERS
from tests.store.dying import dies, kill
from vipreco.errors import DependencyDownError, VipRecoError
from vipreco.store import (
    Role,
    Scope,
    Store,
    decode_records,
    encode_record,
)

CHANNEL = Scope("token:1", Role.CHANNEL)


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> Iterator[Store]:
    shutil.copy(empty_store, tmp_path / "store.db")
    with Store.open(f"sqlite:///{tmp_path}/store.db") as opened:
        opened.books.replace("s", MEMBERS)
        yield opened


@pytest.fixture
def files(store: Store, tmp_path: Path) -> Iterator[AuditFiles]:
    made = AuditFiles(tmp_path / "spool", store, max_lines=3)
    yield made
    made.close()


def test_a_record_is_in_a_file_before_its_answer_leaves_and_in_the_store_soon(
    files: AuditFiles, store: Store
) -> None:
    files.put([audit_record(1)])
    (path,) = files.folder.iterdir()
    assert list(decode_records(path.read_bytes())) == [audit_record(1)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert store.audit.head().sequence == 0
    files.flush()
    assert ship(files.folder, store) == 1
    assert ship(files.folder, store) == 0
    assert [row["object"] for row in store.audit.read()] == ["c1"]
    assert store.decisions.read(CHANNEL, "d1") == audit_record(1).decision


def test_no_more_records_wait_than_may_and_room_comes_back(files: AuditFiles, store: Store) -> None:
    for number in range(3):
        files.put([audit_record(number)])
    with pytest.raises(DependencyDownError) as full:
        files.put([audit_record(3)])
    assert full.value.code == "spool-full"
    files.flush()
    assert ship(files.folder, store) == 3
    files.put([audit_record(3)])


def test_records_wait_while_the_store_is_away(files: AuditFiles, store: Store) -> None:
    path = store.database.path
    assert path is not None
    files.put([audit_record(1)])
    files.flush()
    path.rename(path.with_name("away"))
    with pytest.raises(VipRecoError):
        ship(files.folder, store)
    files.put([audit_record(2)])
    files.flush()
    path.with_name("away").rename(path)
    assert ship(files.folder, store) == 2
    assert [row["object"] for row in store.audit.read()] == ["c2", "c1"]


def test_a_named_read_is_in_the_store_itself_at_once(files: AuditFiles, store: Store) -> None:
    files.through(audit_record(7))
    assert [row["object"] for row in store.audit.read()] == ["c7"]
    assert store.decisions.read(CHANNEL, "d7") is not None


def test_all_that_was_closed_is_shipped_once(store: Store, tmp_path: Path) -> None:
    files = AuditFiles(tmp_path / "spool", store)
    for number in range(1_001):
        files.put([audit_record(number)])
    files.close()
    assert ship(files.folder, store) == 1_001
    assert store.audit.verify().sequence == 1_001
    assert list(files.folder.iterdir()) == []


def test_records_of_a_killed_worker_are_shipped(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "spool"

    def work() -> None:
        killed = AuditFiles(folder, Store.open(f"sqlite:///{tmp_path}/store.db"))
        for number in range(5):
            killed.put([audit_record(number)])
        kill()

    dies(work)
    left = sorted(folder.iterdir())[-1]
    with left.open("ab") as file:
        file.write(encode_record(audit_record(9))[:40])  # it died while it wrote: this answer never left
    assert ship(folder, store) == 5
    assert ship(folder, store) == 0
    assert [row["object"] for row in store.audit.read()][::-1] == [f"c{number}" for number in range(5)]
    assert list(folder.iterdir()) == []


def test_an_open_file_of_a_worker_that_lives_is_left_to_it(files: AuditFiles, store: Store) -> None:
    other = files.folder / f"spool-{os.getppid()}-1-1.open"
    other.write_bytes(encode_record(audit_record(1)))
    assert ship(files.folder, store) == 0
    assert other.exists()
    assert store.audit.head().sequence == 0
