"""Processes of a test's own, forked from one that has the slow libraries loaded.

A new interpreter that imports MLflow, LightGBM and Polars takes seconds; a fork of one that did takes
hundredths. The process that forks only imports: it has no connections or locks that a fork could inherit.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterable
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
"""Search path of a new interpreter that shall run this checkout, whatever is installed."""
ASKING = threading.Lock()
"""A start asks after all processes: of two threads that ask at once, one reads 255 as the exit code."""
LOADED = [
    "matplotlib.figure",
    "mlflow",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking",
    "vipreco.campaign.campaign_run",
    "vipreco.recommender.recommender",
    "vipreco.store.store",
]


def service_workers(parent: int) -> list[int]:
    """Return the numbers of the processes of a service that answer."""
    command = ["pgrep", "-P", str(parent), "-f", "serving.processes.worker"]
    found = subprocess.run(command, check=False, capture_output=True)
    return [int(line) for line in found.stdout.split()]


def started(work: Callable[..., object], *arguments: object, loaded: Iterable[str] = ()) -> BaseProcess:
    """Start a module-level function in a process of its own, with arguments that can be pickled.

    `loaded` are further modules that the process which forks imports, if this is the first process.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([*LOADED, *loaded])
    process = context.Process(target=work, args=arguments)
    with ASKING:
        process.start()
    return process


def is_running(process: BaseProcess) -> bool:
    """Return whether a process has not ended."""
    with ASKING:
        return process.is_alive()


def ended(process: BaseProcess, seconds: float = 120) -> int:
    """Wait for the end of a process and return its exit code: minus the signal that killed it."""
    wait([process.sentinel], seconds)
    with ASKING:
        process.join(0)
    assert process.exitcode is not None, f"the process still runs after {seconds} seconds"
    return process.exitcode
