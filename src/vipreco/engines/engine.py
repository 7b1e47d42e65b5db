"""The one port of all engines: a job over parts, whose finished parts are not done again."""

from __future__ import annotations

import fcntl
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vipreco.durable import canonical_json
from vipreco.engines.task import Receipt, Spec, Task, finished
from vipreco.errors import BusyError
from vipreco.parts import Storage, part_name
from vipreco.scratch_folder import scratch_folder

RUNS = "runs"
Progress = Callable[[str, int, int], None]


def no_progress(_: str, __: int, ___: int) -> None:
    """Show nothing."""


@dataclass(frozen=True)
class Results:
    """Outputs of a job, one a part.

    Args:
        storage: Where it is.
        folder: Of the run.
        receipts: One of each part, in order.
        lock: Keeps others of this machine from the same work until it is closed.
    """

    storage: Storage
    folder: str
    receipts: tuple[Receipt, ...]
    lock: IO[str] | None = None

    def total(self, name: str) -> int:
        """Return the sum of a count over all parts."""
        return sum(one.counts.get(name, 0) for one in self.receipts)

    def fetch(self, part: int, scratch: Path) -> Path:
        """Return a folder of this machine with the output of a part.

        Args:
            part: The part.
            scratch: Where a copy goes, if the output is on another machine.
        """
        return self.storage.fetch_folder(f"{self.folder}/{part_name(part)}", scratch)

    def discard(self) -> None:
        """Remove the output of all parts."""
        self.storage.remove(self.folder)
        if self.lock:
            self.lock.close()


class Engine(ABC):
    """Runs jobs over parts.

    Args:
        storage: Address under which tasks write and the caller reads.
        threads: Threads of a task.
        memory: Bytes that a task may take; None: those of the machine.
    """

    def __init__(self, storage: str, threads: int = 1, memory: int | None = None) -> None:
        self.storage, self.threads, self.memory = storage, threads, memory

    def run(self, job: str, spec: Spec, parts: int, progress: Progress = no_progress) -> Results:
        """Run a job for every part; what was finished in a run before, with the same specification, stays.

        Args:
            job: Importable name of a `Job`.
            spec: Everything that its output depends on, as JSON values.
            parts: Number of parts.
            progress: Is told what is done, how many parts of it, and of how many.

        Raises:
            BusyError: Another process of this machine does the same work.
            VipRecoError: Whatever the job raises; finished parts stay finished.
        """
        folder, storage = f"{RUNS}/{run_name(job, spec, parts)}", Storage(self.storage)
        lock = _locked(storage, folder)
        tasks = [
            Task(job, spec, part, self.storage, folder, self.threads, self.memory) for part in range(parts)
        ]
        found = {task.part: receipt for task in tasks if (receipt := finished(storage, task))}
        progress("parts", len(found), parts)
        try:
            for receipt in self.execute([task for task in tasks if task.part not in found]):
                found[receipt.part] = receipt
                progress("parts", len(found), parts)
        except BaseException:
            if lock:
                lock.close()
            raise
        return Results(storage, folder, tuple(found[part] for part in range(parts)), lock)

    @contextmanager
    def outputs(
        self, job: str, spec: Spec, parts: int, progress: Progress = no_progress
    ) -> Iterator[list[Path]]:
        """Run a job as `run`, and give a folder with the output of each part; afterwards all output goes.

        What was put out stays where the caller fails: the next run takes it up.
        """
        results = self.run(job, spec, parts, progress)
        with scratch_folder("outputs") as scratch:
            yield [results.fetch(one.part, scratch) for one in results.receipts]
        results.discard()

    @abstractmethod
    def execute(self, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Run tasks, and give their receipts as they come.

        Raises:
            VipRecoError: Whatever a job raises.
        """


def _locked(storage: Storage, folder: str) -> IO[str] | None:
    """Hold the lock of a run; None where the storage is not of this machine: there nobody can hold it.

    Raises:
        BusyError: Another process holds it.
    """
    if storage.folder is None:
        return None
    path = storage.folder / f"{folder}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise BusyError(
            "another process does the same work",
            where=str(path),
            remedy="wait for it to end",
            code="same-run",
        ) from error
    return lock


def run_name(job: str, spec: Spec, parts: int) -> str:
    """Return the name of a run: the same for the same work, so that it is taken up again."""
    content: dict[str, Any] = {"job": job, "spec": spec, "parts": parts}
    return hashlib.sha256(canonical_json(content)).hexdigest()[:16]
