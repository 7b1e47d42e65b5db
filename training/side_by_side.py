"""Two halves of a training at once, in threads: LightGBM, DuckDB and numpy work outside Python's lock."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from threading import Event, Thread
from typing import Final, Generic, TypeVar

from threadpoolctl import threadpool_limits

First = TypeVar("First")
Second = TypeVar("Second")
Result = TypeVar("Result")
POLL_SECONDS: Final = 0.2


class BrokenOffError(BaseException):
    """Raised inside a half whose result nobody needs any more."""


def side_by_side(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Return the results of two functions that run at the same time.

    Where one of them fails, or the user interrupts, the other is broken off at its next step of Python, as
    between two rounds of a booster or after a query.

    Raises:
        BaseException: Whatever either of them raises.
    """
    one, other = _Half(first), _Half(second)
    # Limits of BLAS hold for the whole process: a half that lifts its own would lift that of the other.
    with threadpool_limits(1):
        try:
            one.start()
            other.start()
            error = _awaited(one, other)
        finally:
            for half in (one, other):
                half.break_off()
                while half.is_alive():
                    half.ended.wait(POLL_SECONDS)
    if error is not None:
        raise error
    return one.results[0], other.results[0]


class _Half(Thread, Generic[Result]):
    """A function in a thread, with its result or its error."""

    def __init__(self, function: Callable[[], Result]) -> None:
        super().__init__()
        self.function = function
        self.results: list[Result] = []
        self.error: BaseException | None = None
        self.ended = Event()  # `join` takes a thread for ended where it was interrupted itself

    def run(self) -> None:
        try:
            self.results.append(self.function())
        except BaseException as error:  # raised again by whoever waits
            self.error = error
        finally:
            self.ended.set()

    def break_off(self) -> None:
        """Raise `BrokenOffError` in the thread if it still runs."""
        if not self.ended.is_set() and self.ident is not None:
            thread = ctypes.c_ulong(self.ident)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(BrokenOffError))


def _awaited(one: _Half[First], other: _Half[Second]) -> BaseException | None:
    """Wait until both have ended, or one has failed; return the first error."""
    while not (one.ended.is_set() and other.ended.is_set()):
        for half in (one, other):
            half.ended.wait(POLL_SECONDS)
            if half.error is not None:
                return half.error
    return one.error or other.error
