"""Work that may hang: it is given up when it makes no progress, however deep inside a library it sits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait as wait_for
from typing import Generic, TypeVar

T = TypeVar("T")
THREAD = "work-that-may-hang"


class AbandonedError(Exception):
    """Raised inside work that nobody waits for any more."""


class Progress:
    """Signs of life of a piece of work."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._abandoned = False
        self._deadline = time.monotonic() + patience

    def step(self, extra: float = 0.0) -> None:
        """Say that something was done and the next step may take the usual time plus `extra` seconds.

        Raises:
            AbandonedError: It took too long, nobody waits: the work must change nothing more.
        """
        if self._abandoned:
            raise AbandonedError
        self._deadline = time.monotonic() + self._patience + extra

    def abandon(self) -> None:
        """Make the next `step` the end of the work."""
        self._abandoned = True

    def remaining(self) -> float:
        """Return the seconds until patience ends."""
        return self._deadline - time.monotonic()


class Waiting(Generic[T]):
    """A piece of work in a thread of its own, and the waiting for it."""

    def __init__(self, work: Callable[[Progress], T], patience: float) -> None:
        self._work = work
        self._progress = Progress(patience)
        self._future: Future[T] = Future()

    def result(self) -> T:
        """Run the work and return what it returns, or raise what it raises.

        Raises:
            TimeoutError: No step was done for longer than the patience.
        """
        threading.Thread(target=self._run, name=THREAD, daemon=True).start()
        try:
            while not self._future.done():
                if self._progress.remaining() <= 0:
                    raise TimeoutError
                wait_for([self._future], timeout=max(self._progress.remaining(), 0.01))
            return self._future.result()
        finally:
            self._progress.abandon()

    def _run(self) -> None:
        try:
            self._future.set_result(self._work(self._progress))
        except BaseException as error:  # handed over to the waiting thread, whatever it is
            self._future.set_exception(error)


def within(patience: float, work: Callable[[Progress], T]) -> T:
    """Run `work` and return its result, as long as it calls `step` at least every `patience` seconds.

    Raises:
        TimeoutError: It did not; the work is left to itself and ends at its next `step`.
    """
    return Waiting(work, patience).result()
