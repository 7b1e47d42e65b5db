"""Ships audit records from the files of the workers into the store, as a process of its own.

A worker only appends lines to a file: writing to the store takes as long as answering, and two threads of one
process would slow each other down. A file is closed and renamed when it is old or long; only closed files are
shipped, so each line is read once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from serving.http import logs
from serving.processes.environment import store_is_checked
from serving.processes.parent_death_signal import end_with_parent
from serving.processes.start_pause import wait_before_start
from vipreco.errors import DependencyDownError, ResourcesError, VipRecoError
from vipreco.project import Project
from vipreco.store import (
    AuditRecord,
    Store,
    append_lines,
    decode_records,
    encode_record,
    save_records,
    writer_is_alive,
)

MAX_LINES, MAX_IN_FILE = 10_000, 500
MAX_AT_ONCE = 10  # files whose records reach the store together or not at all
FILE_SECONDS, LOOK_SECONDS, RETRY_SECONDS = 0.05, 0.03, 1.0
OPEN, CLOSED = ".open", ".jsonl"
PREFIX = "spool-"


class AuditFiles:
    """Takes the audit records of one worker into files, which the shipper moves into the store.

    Args:
        folder: Of the files.
        store: For records that have to be there at once.
        max_lines: Lines that may wait; more are refused.
    """

    def __init__(self, folder: Path, store: Store, max_lines: int = MAX_LINES) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.store, self.max_lines = folder, store, max_lines
        self._lock = threading.Lock()
        self._number = 0
        self._waiting: list[tuple[Path, int]] = []
        self._lines = self._before = 0
        self._since = 0.0
        self._file = self._opened()

    def put(self, records: Sequence[AuditRecord]) -> None:
        """Append the records of one answer before it leaves, all or none.

        Raises:
            DependencyDownError: The store takes no records, and no more may wait.
            ResourcesError: The line cannot be written.
        """
        lines = b"".join(map(encode_record, records))
        with self._lock:
            if self._before + self._lines >= self.max_lines and self._still_waiting() >= self.max_lines:
                raise DependencyDownError("too many audit records wait for the store", code="spool-full")
            try:
                if not self._lines:
                    self._since = time.monotonic()
                append_lines(self._file, lines)
                self._lines += len(records)
                self._close_old()
            except OSError as error:
                raise ResourcesError(
                    "the audit record cannot be written", where=str(self.folder), code="disk"
                ) from error

    def through(self, record: AuditRecord) -> None:
        """Write one record into the store itself, before its answer leaves.

        Raises:
            VipRecoError: The store does not take it.
        """
        save_records(self.store, [record])

    def flush(self) -> None:
        """Close the file that is being written, so that it is shipped."""
        with self._lock:
            self._rotate()

    def close(self) -> None:
        """Close the last file."""
        with self._lock:
            self._rotate()
            os.close(self._file)
            self._path.unlink(missing_ok=True)

    def _close_old(self) -> None:
        if self._lines >= MAX_IN_FILE or time.monotonic() - self._since > FILE_SECONDS:
            self._rotate()

    def _rotate(self) -> None:
        if not self._lines:
            return
        closed = self._path.with_suffix(CLOSED)
        os.close(self._file)
        self._path.rename(closed)
        self._waiting.append((closed, self._lines))
        self._lines = 0
        self._file = self._opened()
        self._still_waiting()

    def _still_waiting(self) -> int:
        """Return how many lines were not shipped yet."""
        if self._before or self._waiting:
            self._waiting = [(path, lines) for path, lines in self._waiting if path.exists()]
        self._before = sum(lines for _, lines in self._waiting)
        return self._before + self._lines

    def _opened(self) -> int:
        self._number += 1
        self._path = self.folder / f"{PREFIX}{os.getpid()}-{time.time_ns():020}-{self._number}{OPEN}"
        return os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)


def ship(folder: Path, store: Store) -> int:
    """Move all closed files into the store, and those that dead workers left open; return the lines moved.

    Raises:
        VipRecoError: The store does not take them; the files stay.
    """
    moved = 0
    ready = _ready(folder)
    for start in range(0, len(ready), MAX_AT_ONCE):
        paths = ready[start : start + MAX_AT_ONCE]
        records = [record for path in paths for record in decode_records(path.read_bytes())]
        save_records(store, records)
        for path in paths:
            path.unlink()
        moved += len(records)
    return moved


def _ready(folder: Path) -> Sequence[Path]:
    closed = list(folder.glob(f"{PREFIX}*{CLOSED}"))
    left = [path for path in folder.glob(f"{PREFIX}*{OPEN}") if not writer_is_alive(path)]
    return sorted([*closed, *left], key=lambda path: path.name.split("-", 2)[-1])


def run(project: Project) -> None:
    """Ship until the process ends."""
    folder = spool_of(project)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Store.open(project.store_url, checked=store_is_checked()) as store:
        while True:
            time.sleep(_ship_once(folder, store))


def spool_of(project: Project) -> Path:
    """Return the folder of the files on their way into the store."""
    return project.root / "data" / "serving" / "spool"


def _ship_once(folder: Path, store: Store) -> float:
    """Ship what is there; return how many seconds to wait."""
    try:
        ship(folder, store)
    except VipRecoError as error:
        logs.write("store-down", code=error.code)
        return RETRY_SECONDS
    return LOOK_SECONDS


if __name__ == "__main__":
    os.umask(0o077)
    end_with_parent()
    wait_before_start()
    try:
        run(Project.find())
    except VipRecoError as error:  # the store is away: the supervisor starts this process again
        logs.write("store-down", code=error.code)
        sys.exit(error.exit_code)
