"""What a busy service notes of each answer: written at once beside the store, and moved into it in batches.

A line is in the operating system's hands before the answer leaves, so it survives the death of the process.
It holds the audit record and the decision without its record as one JSON text, and after a tab the record as
it was answered: that one is JSON already, and neither holds a tab or a line's end.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic_core import from_json, to_json

from vipreco.errors import DependencyDownError, ResourcesError, VipRecoError
from vipreco.store.audit import Event
from vipreco.store.decisions import Decision
from vipreco.store.store import Store

MAX_LINES = 10_000
PAUSE_SECONDS = 0.05
RETRY_SECONDS = 1.0
BATCH = 500
PREFIX = "spool-"


class AuditRecord(NamedTuple):
    """What is noted of one answer: the audit record, and the decision if there was one."""

    event: Event
    decision: Decision | None = None


class AuditSpool:
    """Notes on their way into the store, of one process.

    Args:
        folder: Where the lines lie until then.
        store: Where they go.
        most: Lines that may wait; more are refused.
    """

    def __init__(self, folder: Path, store: Store, most: int = MAX_LINES) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.store, self.most = folder, store, most
        self.failing = False
        self._waiting: list[AuditRecord] = []
        self._lock = threading.Lock()
        self._moving = threading.Lock()
        self._stop = threading.Event()
        self._path = folder / f"{PREFIX}{os.getpid()}-{id(self)}.jsonl"
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Take over what dead processes left, and begin to move lines into the store."""
        self.adopt()
        self._thread.start()

    def put(self, note: AuditRecord) -> None:
        """Note one answer, before it is given.

        Raises:
            DependencyDownError: The store does not take notes, and no more may wait.
            ResourcesError: The line cannot be written.
        """
        with self._lock:
            if len(self._waiting) >= self.most:
                raise DependencyDownError("no more notes may wait for the store", code="spool-full")
            try:
                append_line(self._file, encode_record(note))
            except OSError as error:
                raise ResourcesError(
                    "the note cannot be written", where=str(self._path), code="disk"
                ) from error
            self._waiting.append(note)

    def through(self, note: AuditRecord) -> None:
        """Note one answer in the store itself, before it is given.

        Raises:
            VipRecoError: The store does not take it.
        """
        save_records(self.store, [note])

    def move(self) -> int:
        """Move what waits into the store now, and return how many lines."""
        with self._moving:
            with self._lock:
                notes = self._waiting[:BATCH]
            if not notes:
                return 0
            save_records(self.store, notes)
            with self._lock:
                del self._waiting[: len(notes)]
                if not self._waiting:
                    os.ftruncate(self._file, 0)
            return len(notes)

    def adopt(self) -> int:
        """Move the lines that dead processes left into the store, and return how many."""
        moved = 0
        for path in sorted(self.folder.glob(f"{PREFIX}*.jsonl")):
            if path == self._path or writer_is_alive(path):
                continue
            notes = list(decode_records(path.read_bytes()))
            save_records(self.store, notes)
            path.unlink()
            moved += len(notes)
        return moved

    def close(self) -> None:
        """Move all that waits, and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        while self.move():
            pass
        os.close(self._file)
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                moved = self.move()
                self.failing = False
            except VipRecoError:
                moved, self.failing = 0, True
            self._stop.wait(RETRY_SECONDS if self.failing else 0 if moved == BATCH else PAUSE_SECONDS)


def save_records(store: Store, notes: Sequence[AuditRecord]) -> None:
    """Write notes into the store, in their order, all or none."""
    with store.database.writing():
        store.decisions.add([note.decision for note in notes if note.decision is not None])
        store.audit.append([note.event for note in notes])


def encode_record(note: AuditRecord) -> bytes:
    """Return a note as a line of a file."""
    event, decision = note
    plain = event[:]  # a named tuple takes three times as long to encode
    if decision is None:
        return to_json((plain, None)) + b"\n"
    return b"%b\t%b\n" % (to_json((plain, decision[:-1])), decision.record.encode())


def append_line(file: int, line: bytes) -> None:
    """Write a line whole, or not at all.

    Raises:
        OSError: It cannot be written.
    """
    written = os.write(file, line)
    if written < len(line):
        os.ftruncate(file, os.fstat(file).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def decode_records(content: bytes) -> Iterator[AuditRecord]:
    """Return the notes of a file; one that was cut off is left out, for its answer never left."""
    for line in content.split(b"\n")[:-1]:
        head, _, record = line.partition(b"\t")
        try:
            event, given = from_json(head)
        except ValueError:
            continue
        yield AuditRecord(Event(*event), None if given is None else _decision(given, record))


def _decision(given: Sequence[str], record: bytes) -> Decision:
    name, customer, made_at, actor = given
    return Decision(name, customer, datetime.fromisoformat(made_at), actor, record.decode())


def writer_is_alive(path: Path) -> bool:
    """Whether the process that writes a file still lives."""
    process = int(path.stem.removeprefix(PREFIX).split("-", maxsplit=1)[0])
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
