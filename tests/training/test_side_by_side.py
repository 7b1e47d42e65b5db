"""Two halves of a training at once: results, errors of either, an interrupt, limits of BLAS."""

from __future__ import annotations

import _thread
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from training.side_by_side import BrokenOffError, side_by_side

LONG = 60.0


class Worker:
    """Works until it is broken off."""

    def __init__(self) -> None:
        self.begun, self.broken_off = threading.Event(), False

    def __call__(self) -> str:
        end = time.monotonic() + LONG
        try:
            self.begun.set()
            while time.monotonic() < end:
                time.sleep(0.01)
        except BrokenOffError:
            self.broken_off = True
            raise
        return "done"


def test_both_run_at_once_and_results_keep_their_places() -> None:
    met = threading.Barrier(2, timeout=10)

    def first() -> int:
        met.wait()
        return 1

    def second() -> str:
        met.wait()
        return "two"

    assert side_by_side(first, second) == (1, "two")


@pytest.mark.parametrize("place", [0, 1])
def test_an_error_of_either_breaks_the_other_off(place: int) -> None:
    worker = Worker()

    def failing() -> int:
        assert worker.begun.wait(10)
        raise ValueError("no labels")

    halves = [worker, worker]
    with pytest.raises(ValueError, match="no labels"):
        side_by_side(*(failing if at == place else half for at, half in enumerate(halves)))
    assert worker.broken_off
    assert not [
        one for one in threading.enumerate() if isinstance(one, threading.Thread) and "Half" in repr(one)
    ]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Take interrupts, which a shell in the background has its programs ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_breaks_both_off() -> None:
    one, other = Worker(), Worker()

    def interrupt() -> None:
        assert one.begun.wait(10)
        assert other.begun.wait(10)
        _thread.interrupt_main()  # as Ctrl-C does

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(one, other)
    assert one.broken_off
    assert other.broken_off


def test_limits_of_blas_that_one_half_lifts_hold_in_the_other() -> None:
    lifted, looked = threading.Event(), threading.Event()

    def lifting() -> None:
        with threadpool_limits(1):
            np.ones((4, 4)) @ np.ones((4, 4))
        lifted.set()
        assert looked.wait(10)

    def looking() -> list[int]:
        assert lifted.wait(10)
        found = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        looked.set()
        return found

    _, threads = side_by_side(lifting, looking)
    assert set(threads) == {1}
