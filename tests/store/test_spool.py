"""Notes on their way into the store: none is lost with its process, and no more wait than may."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.store.conftest import MEMBERS
from tests.store.dying import dies, kill
from vipreco.errors import DependencyDownError, VipRecoError
from vipreco.store import (
    AuditRecord,
    AuditSpool,
    Decision,
    Event,
    Role,
    Scope,
    Store,
    append_line,
    decode_records,
    encode_record,
)

NOW = datetime(2026, 3, 2, 10, 0, 0, 123456)  # noqa: DTZ001
CHANNEL = Scope("token:1", Role.CHANNEL)


def note(number: int) -> AuditRecord:
    decision = Decision(f"d{number}", "0001", NOW, "token:1", '{"名":"张"}')
    return AuditRecord(Event("token:1", "offers.read", f"c{number}"), decision)


@pytest.fixture
def store(tmp_path: Path, empty_file: Path) -> Iterator[Store]:
    shutil.copy(empty_file, tmp_path / "store.db")
    with Store.open(f"sqlite:///{tmp_path}/store.db") as opened:
        opened.books.replace("s", MEMBERS)
        yield opened


@pytest.fixture
def spool(store: Store, tmp_path: Path) -> Iterator[AuditSpool]:
    made = AuditSpool(tmp_path / "spool", store, max_lines=3)
    yield made
    made.close()


def test_a_note_is_in_a_file_before_its_answer_leaves_and_in_the_store_soon(
    spool: AuditSpool, store: Store
) -> None:
    spool.put(note(1))
    (path,) = spool.folder.iterdir()
    assert list(decode_records(path.read_bytes())) == [note(1)]
    assert path.stat().st_mode & 0o777 == 0o600
    assert store.audit.head().sequence == 0
    assert spool.move() == 1
    assert spool.move() == 0
    assert path.read_bytes() == b""
    assert [row["object"] for row in store.audit.read()] == ["c1"]
    assert store.decisions.read(CHANNEL, "d1") == note(1).decision


def test_no_more_notes_wait_than_may_and_room_comes_back(spool: AuditSpool) -> None:
    for number in range(3):
        spool.put(note(number))
    with pytest.raises(DependencyDownError) as full:
        spool.put(note(3))
    assert full.value.code == "spool-full"
    assert spool.move() == 3
    spool.put(note(3))


def test_notes_wait_while_the_store_is_away(spool: AuditSpool, store: Store) -> None:
    path = store.database.path
    assert path is not None
    spool.put(note(1))
    path.rename(path.with_name("away"))
    with pytest.raises(VipRecoError):
        spool.move()
    spool.put(note(2))
    path.with_name("away").rename(path)
    assert spool.move() == 2
    assert [row["object"] for row in store.audit.read()] == ["c2", "c1"]


def test_a_named_read_is_in_the_store_itself_at_once(spool: AuditSpool, store: Store) -> None:
    spool.through(note(7))
    assert [row["object"] for row in store.audit.read()] == ["c7"]
    assert store.decisions.read(CHANNEL, "d7") is not None


def test_closing_moves_all_that_waits(store: Store, tmp_path: Path) -> None:
    spool = AuditSpool(tmp_path / "spool", store)
    for number in range(1_001):
        spool.put(note(number))
    spool.close()
    assert store.audit.verify().sequence == 1_001
    assert list(spool.folder.iterdir()) == []


def test_what_a_killed_process_noted_is_taken_over_by_the_next(store: Store, tmp_path: Path) -> None:

    def work() -> None:
        killed = AuditSpool(tmp_path / "spool", Store.open(f"sqlite:///{tmp_path}/store.db"))
        for number in range(5):
            killed.put(note(number))
        kill()

    dies(work)
    (left,) = (tmp_path / "spool").iterdir()
    with left.open("ab") as file:
        file.write(encode_record(note(9))[:40])  # it died while it wrote: this answer never left
    spool = AuditSpool(tmp_path / "spool", store)
    assert spool.adopt() == 5
    assert spool.adopt() == 0
    assert [row["object"] for row in store.audit.read()][::-1] == [f"c{number}" for number in range(5)]
    assert not left.exists()
    spool.close()


def test_a_line_for_which_the_disk_has_half_the_room_is_not_there_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, line = tmp_path / "spool", encode_record(note(1))
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    append_line(file, line)
    whole = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda target, content: whole(target, content[: len(content) // 2]))
        with pytest.raises(OSError, match="No space left"):
            append_line(file, encode_record(note(2)))
    append_line(file, encode_record(note(3)))
    os.close(file)
    assert list(decode_records(path.read_bytes())) == [note(1), note(3)]


@pytest.mark.parametrize("record", ['{"a":"tab\\tline\\nend"}', '{"名":"张 \U00020000"}', "{}"])
def test_a_record_is_kept_letter_by_letter(record: str) -> None:
    decision = Decision("d1", "0001", NOW, "token:1", record)
    for event in (Event("a\tb\nc", "offers.read"), Event('"', "x", "1", "2", "3", "4", "5")):
        assert list(decode_records(encode_record(AuditRecord(event, decision)))) == [
            AuditRecord(event, decision)
        ]
        assert list(decode_records(encode_record(AuditRecord(event)))) == [AuditRecord(event)]


def test_lines_of_a_process_that_lives_are_left_to_it(spool: AuditSpool, store: Store) -> None:
    other = spool.folder / f"spool-{os.getppid()}-1.jsonl"
    other.write_bytes(encode_record(note(1)))
    assert spool.adopt() == 0
    assert other.exists()
    assert store.audit.head().sequence == 0
