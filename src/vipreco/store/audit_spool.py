"""Audit records of a busy service: appended to a file beside the store, moved into the store in batches.

A line is written before its answer is sent, so it survives the death of the process. It holds the audit event
and the decision (without its document) as one JSON text, then a tab, then the document of the decision as it
was answered. That document is JSON already; neither part holds a tab or a line break.
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
    """Audit record of one answer: the event, and the decision if there was one."""

    event: Event
    decision: Decision | None = None


class AuditSpool:
    """File of one process with audit records that a thread moves into the store.

    Args:
        folder: Folder of the file.
        store: Operational store.
        max_lines: Lines that may wait; more are refused.
    """

    def __init__(self, folder: Path, store: Store, max_lines: int = MAX_LINES) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.store, self.max_lines = folder, store, max_lines
        self.failing = False
        self._waiting: list[AuditRecord] = []
        self._lock = threading.Lock()
        self._moving = threading.Lock()
        self._stop = threading.Event()
        self._path = folder / f"{PREFIX}{os.getpid()}-{id(self)}.jsonl"
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Adopt files of dead processes, and start the thread that moves lines into the store."""
        self.adopt()
        self._thread.start()

    def put(self, record: AuditRecord) -> None:
        """Append the audit record of an answer, before the answer is sent.

        Raises:
            DependencyDownError: Too many records wait for a store that does not answer.
            ResourcesError: The line cannot be written.
        """
        with self._lock:
            if len(self._waiting) >= self.max_lines:
                raise DependencyDownError(
                    "too many audit records wait for the operational store",
                    code="spool-full",
                    remedy="bring the operational store back; waiting records move into it",
                )
            try:
                append_line(self._file, encode_record(record))
            except OSError as error:
                raise ResourcesError(
                    "the audit record cannot be written",
                    where=str(self._path),
                    remedy="free disk space; no answer is sent without its audit record",
                    code="disk",
                ) from error
            self._waiting.append(record)

    def through(self, record: AuditRecord) -> None:
        """Write the audit record of an answer into the store itself, before the answer is sent.

        Raises:
            VipRecoError: The store does not take it.
        """
        save_records(self.store, [record])

    def move(self) -> int:
        """Move waiting records into the store now, and return their number."""
        with self._moving:
            with self._lock:
                records = self._waiting[:BATCH]
            if not records:
                return 0
            save_records(self.store, records)
            with self._lock:
                del self._waiting[: len(records)]
                if not self._waiting:
                    os.ftruncate(self._file, 0)
            return len(records)

    def adopt(self) -> int:
        """Move records that dead processes left into the store, and return their number."""
        moved = 0
        for path in sorted(self.folder.glob(f"{PREFIX}*.jsonl")):
            if path == self._path or writer_is_alive(path):
                continue
            records = list(decode_records(path.read_bytes()))
            save_records(self.store, records)
            path.unlink()
            moved += len(records)
        return moved

    def close(self) -> None:
        """Move all waiting records, and stop."""
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


def save_records(store: Store, records: Sequence[AuditRecord]) -> None:
    """Write audit records and decisions into the store, in order, all or none."""
    with store.database.writing():
        store.decisions.add([record.decision for record in records if record.decision is not None])
        store.audit.append([record.event for record in records])


def encode_record(record: AuditRecord) -> bytes:
    """Return an audit record as a line of a file."""
    event, decision = record
    plain = event[:]  # a named tuple takes three times as long to encode
    if decision is None:
        return to_json((plain, None)) + b"\n"
    return b"%b\t%b\n" % (to_json((plain, decision[:-1])), decision.record.encode())


def append_line(file: int, line: bytes) -> None:
    """Append a line as a whole, or not at all.

    Raises:
        OSError: It cannot be written.
    """
    written = os.write(file, line)
    if written < len(line):
        os.ftruncate(file, os.fstat(file).st_size - written)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def decode_records(content: bytes) -> Iterator[AuditRecord]:
    """Return the audit records of a file; one that was cut off is dropped: its answer was never sent."""
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
    """Return whether the process that writes a file is alive."""
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
