"""A task: one job for one part, with a receipt of what came out of it."""

from __future__ import annotations

import importlib
import json
import resource
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from vipreco import errors
from vipreco.durable import canonical_json
from vipreco.errors import VipRecoError
from vipreco.failpoints import reach
from vipreco.history import History
from vipreco.parts import CustomerParts, Limits, Storage, folder_hash, part_name
from vipreco.scratch_folder import scratch_folder

RECEIPT: Final = "receipt.json"
Step = Callable[[str], None]
Spec = Mapping[str, Any]


def silent(_: str) -> None:
    """Say nothing of the progress."""


@dataclass(frozen=True)
class TaskContext:
    """Limits and a folder that a job is given beside its specification; no output may depend on them.

    Args:
        limits: Threads and memory.
        scratch: Folder of this machine that is removed after the task.
        step: Is told what is done, where the task runs in the process of the command.
    """

    limits: Limits
    scratch: Path
    step: Step = silent

    def history(self, tables: Mapping[str, Any], part: int) -> History:
        """Open the tables of a part.

        Args:
            tables: The record of the bank in parts.
            part: Its number.

        Raises:
            IntegrityError: A file is missing or not what was written.
        """
        return CustomerParts.from_record(tables).history(part, self.scratch, self.limits)


Job = Callable[[Spec, int, Path, TaskContext], Mapping[str, int]]
"""A function `job(spec, part, folder, context)` that fills a folder and returns counts, `rows` among them."""


@dataclass(frozen=True)
class Receipt:
    """A finished task.

    Args:
        part: Its part.
        counts: What the job counted, `rows` among it.
        sha256: Hash over names and contents of all files.
        cpu_seconds: Processor time of the task.
        peak_bytes: Most memory that its process had.
    """

    part: int
    counts: Mapping[str, int]
    sha256: str
    cpu_seconds: float
    peak_bytes: int

    @property
    def rows(self) -> int:
        """Rows of the output."""
        return self.counts["rows"]

    @classmethod
    def read(cls, content: bytes) -> Receipt:
        """Return the receipt in the content of a file."""
        return cls(**json.loads(content))


@dataclass(frozen=True)
class Task:
    """A job for one part.

    Args:
        job: Importable name of a `Job`, such as `package.module:function`.
        spec: Everything that the output depends on, as JSON values.
        part: The part.
        storage: Address of the storage.
        folder: Folder of the run below it.
        threads: Threads of the task.
        memory: Bytes that it may take; None: those of the machine.
    """

    job: str
    spec: Spec
    part: int
    storage: str
    folder: str
    threads: int = 1
    memory: int | None = None

    @property
    def name(self) -> str:
        """Folder of the output below the storage."""
        return f"{self.folder}/{part_name(self.part)}"


@dataclass(frozen=True)
class Failure:
    """An error that a user can act on, as it travels from one process to another."""

    kind: str
    what: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, error: VipRecoError) -> Failure:
        """Return what an error says."""
        names = ("where", "remedy", "code", "examples")
        return cls(type(error).__name__, error.what, {name: getattr(error, name) for name in names})

    def error(self) -> VipRecoError:
        """Return the error."""
        kind: type[VipRecoError] = getattr(errors, self.kind)
        return kind(self.what, **self.fields)


def run_task(task: Task, step: Step = silent) -> Receipt:
    """Run a task, unless its output is there already; the output appears as a whole, with its receipt.

    Raises:
        VipRecoError: Whatever the job raises.
    """
    storage = Storage(task.storage)
    done = finished(storage, task)
    if done is not None:
        return done
    _reset_peak()
    begun = _cpu_seconds()
    with storage.filling(task.name, RECEIPT) as folder, scratch_folder("task") as scratch:
        context = TaskContext(Limits(task.threads, task.memory), scratch, step)
        counts = job_named(task.job)(task.spec, task.part, folder, context)
        used = round(_cpu_seconds() - begun, 3)
        receipt = Receipt(task.part, dict(counts), folder_hash(folder), used, _peak_bytes())
        (folder / RECEIPT).write_bytes(canonical_json(asdict(receipt)))
        reach("task-written")
    reach("task-renamed")
    return receipt


def finished(storage: Storage, task: Task) -> Receipt | None:
    """Return the receipt of a task that is done; None for one that is not."""
    content = storage.read(f"{task.name}/{RECEIPT}")
    return None if content is None else Receipt.read(content)


def run_text(text: str) -> str:
    """Run a task that is given as JSON, and return its receipt, or what went wrong, as JSON.

    Tasks and receipts are all that travels between processes and machines.
    """
    try:
        return json.dumps(asdict(run_task(Task(**json.loads(text)))))
    except VipRecoError as error:
        return json.dumps({"failure": asdict(Failure.of(error))})


def text_of(task: Task) -> str:
    """Return a task as JSON."""
    return json.dumps(asdict(task))


def receipt_of(text: str) -> Receipt:
    """Return the receipt that a task sent.

    Raises:
        VipRecoError: The job raised it.
    """
    found = json.loads(text)
    if "failure" in found:
        raise Failure(**found["failure"]).error()
    return Receipt(**found)


def job_named(name: str) -> Job:
    """Import a job."""
    module, _, function = name.partition(":")
    job: Job = getattr(importlib.import_module(module), function)
    return job


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _reset_peak() -> None:
    """Let the kernel count the peak anew: a process may have run other tasks before."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # no such file outside Linux: then the peak is that of all tasks of the process
        return


def _peak_bytes() -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
