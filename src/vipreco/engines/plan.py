"""Numbers of parts and of tasks at once: as the memory asks for, and the cores allow."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Final

from vipreco.memory import machine_bytes, usable_bytes
from vipreco.settings import EngineSettings

TASK_BYTES: Final = 500 << 20  # of a process with the libraries and a model, before any customer
CUSTOMER_BYTES: Final = 24_000  # of a customer of the nightly build: docs/sizing.md
SPREAD_CUSTOMERS: Final = 50_000  # of a part, below which another process costs more than it saves


@dataclass(frozen=True)
class Plan:
    """Spread of a job over tasks.

    Args:
        parts: Number of parts.
        workers: Tasks at once on this machine.
        threads: Threads of a task.
        memory: Bytes that a task may take.
    """

    parts: int
    workers: int
    threads: int
    memory: int


def planned(
    settings: EngineSettings, customers: int, threads: int, cores: int | None = None, *, spread: bool = True
) -> Plan:
    """Return how to spread a job over the customers of a bank.

    Args:
        settings: What the project says; `auto` is decided here.
        customers: In the newest snapshot.
        threads: Of a task that has all customers.
        cores: Of this machine; None: as many as this process may use.
        spread: Take as many parts as keep all cores busy, not only as many as the memory asks for.
    """
    memory = settings.memory or machine_bytes()
    usable = usable_bytes(memory)
    found = cores or len(os.sched_getaffinity(0))
    most = max(min(found, usable // (2 * TASK_BYTES)), 1)
    workers = most if settings.workers == "auto" else settings.workers
    busy = workers if spread else 1
    parts = _parts(settings, customers, busy, usable // workers)
    if parts == 1:
        return Plan(1, 1, threads, memory)
    return Plan(parts, min(workers, parts), settings.threads_a_task, usable // workers)


def _parts(settings: EngineSettings, customers: int, busy: int, memory: int) -> int:
    """Return the number of parts for tasks of so many bytes."""
    if settings.parts != "auto":
        return settings.parts
    fitting = max((memory - TASK_BYTES) // CUSTOMER_BYTES, 1)
    worthwhile = math.ceil(customers / SPREAD_CUSTOMERS)
    spread = worthwhile if settings.kind == "spark" else min(busy, customers // SPREAD_CUSTOMERS)
    return max(math.ceil(customers / fitting), spread, 1)
