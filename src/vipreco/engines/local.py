"""The engine of one machine: processes of its own, or the process of the command for one task at a time."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from vipreco.engines.engine import Engine
from vipreco.engines.task import Receipt, Step, Task, receipt_of, run_task, run_text, silent, text_of
from vipreco.errors import ResourcesError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")


class LocalEngine(Engine):
    """Runs tasks on this machine.

    Args:
        storage: As of `Engine`.
        workers: Tasks at once; one runs in this process.
        threads: As of `Engine`.
        memory: As of `Engine`.
        step: Is told what a task does that runs in this process.
    """

    def __init__(
        self,
        storage: str,
        workers: int = 1,
        threads: int = 1,
        memory: int | None = None,
        step: Step = silent,
    ) -> None:
        super().__init__(storage, threads, memory)
        self.workers, self.step = workers, step

    def execute(self, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """Run tasks, and give their receipts as they come.

        Raises:
            VipRecoError: Whatever a job raises.
            ResourcesError: A process was killed.
        """
        workers = min(self.workers, len(tasks))
        if workers <= 1:
            yield from (run_task(task, self.step) for task in tasks)
            return
        # Processes are spawned, not forked: OpenMP does not survive a fork.
        context = multiprocessing.get_context("spawn")
        with _environment(thread_variables(self.threads)), ProcessPoolExecutor(workers, context) as pool:
            running: list[Future[str]] = []
            try:
                # The first may have ended its process before the last is handed over.
                running.extend(pool.submit(run_text, text_of(task)) for task in tasks)
                for one in as_completed(running):
                    yield receipt_of(one.result())
            except BrokenProcessPool as error:
                raise ResourcesError(
                    "a process of the engine was killed, most likely for want of memory",
                    where="[engine] of vipreco.toml",
                    remedy="take more parts or fewer workers; run the command again: finished parts stay",
                    code="task-killed",
                ) from error
            finally:
                for one in running:
                    one.cancel()


def thread_variables(threads: int) -> dict[str, str]:
    """Return an environment in which libraries keep to the threads of a task, and wait without spinning."""
    return {**dict.fromkeys(THREADS, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"}


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables for processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
