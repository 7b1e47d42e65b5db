"""Limits and slots over all threads and processes of a machine."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from serving.http.shared_limits import Backoff, Level, Rate, SharedLimits, Slots


class Clock:
    """Seconds that a test turns on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(tmp_path: Path, clock: Clock) -> SharedLimits:
    return SharedLimits(tmp_path / "limits", clock)


QUICK = "take_quickly"


@pytest.mark.parametrize("method", ["take", QUICK])
def test_a_rate_lets_a_burst_through_and_then_says_when_the_next_one_is_allowed(
    limits: SharedLimits, clock: Clock, method: str
) -> None:
    rate = Rate(burst=3.0, a_second=0.5)

    def take() -> float:
        return limits.take_quickly("a", rate) if method == QUICK else limits.take(("a", rate))

    assert [take() for _ in range(3)] == [0.0, 0.0, 0.0]
    assert take() == 2.0
    clock.now += 1.5
    assert take() == 0.5
    clock.now += 0.5
    assert [take(), take()] == [0.0, 2.0]
    assert limits.take(("b", rate)) == 0.0


@given(st.lists(st.floats(min_value=0, max_value=5), min_size=1, max_size=60))
@settings(max_examples=50, deadline=None)
def test_a_wait_that_was_told_is_true(pauses: list[float]) -> None:
    """After the wait the next one is allowed, and a moment before it is not."""
    rate, level, moment = Rate(burst=2.0, a_second=0.7), Level(), 1.0
    for pause in pauses:
        moment += pause
        wait = rate.wait(level, moment)
        if wait > 1e-6:
            assert rate.wait(level, moment + wait * 0.99) > 0
            assert rate.wait(level, moment + wait) < 1e-9
        else:
            level = Level(moment, rate.now(level, moment) + 1.0)


def test_a_backoff_doubles_up_to_its_longest_wait_and_forgets(limits: SharedLimits, clock: Clock) -> None:
    backoff = Backoff(free=2, seconds=60.0, max_seconds=200.0, memory_seconds=1_000.0)
    waits = []
    for _ in range(6):
        waits.append(limits.take(("a", backoff)))
        clock.now += waits[-1]
        if waits[-1]:
            assert limits.take(("a", backoff)) == 0.0
    assert waits == [0.0, 0.0, 60.0, 120.0, 200.0, 200.0]
    clock.now += 1_000.0
    assert [limits.take(("a", backoff)) for _ in range(3)] == [0.0, 0.0, 60.0]
    clock.now += 30.0
    assert limits.take(("a", backoff)) == 30.0
    limits.touch("a")
    assert limits.take(("a", backoff)) == 60.0
    limits.forget("a")
    assert limits.take(("a", backoff)) == 0.0


def test_all_limits_of_an_attempt_count_or_none(limits: SharedLimits) -> None:
    one, many = Rate(1.0, 0.1), Rate(5.0, 0.1)
    assert limits.take(("one", one), ("many", many)) == 0.0
    assert limits.take(("one", one), ("many", many)) == 10.0
    assert [limits.take(("many", many)) for _ in range(5)] == [0.0] * 4 + [10.0]
    limits.give_back("one")
    assert limits.take(("one", one)) == 0.0


TAKE = """
import sys
from pathlib import Path
from serving.http.shared_limits import Rate, SharedLimits
limits = SharedLimits(Path(sys.argv[1]), lambda: 1_000.0)
print(sum(not limits.take(("a", Rate(150.0, 1.0))) for _ in range(100)))
"""


def test_a_limit_is_exact_over_processes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TAKE, str(tmp_path / "limits")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(each.communicate()[0]) for each in running) == 150


def test_more_keys_than_places_push_the_oldest_out_and_never_another_kind_of_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("serving.http.shared_limits.SLOTS", 16)
    limits, rate = SharedLimits(tmp_path / "small", clock), Rate(1.0, 1.0)
    for number in range(100):
        clock.now += 0.001
        assert limits.take_quickly(f"key {number}", rate) == 0.0
    assert limits.take_quickly("key 99", rate) == pytest.approx(1.0, abs=0.01)


def worked(slots: Slots, count: int, work: Callable[[], None]) -> list[bool]:
    got: list[bool] = []

    def run() -> None:
        with slots.place() as free:
            if free:
                work()
            got.append(free)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_no_more_work_at_once_than_there_are_places_and_a_full_queue_refuses(tmp_path: Path) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.2)
        with lock:
            at_once -= 1

    got = worked(Slots(tmp_path, places=2, waiting=3, seconds=10.0), 20, work)
    assert most == 2
    assert got.count(True) == 5
    assert got.count(False) == 15


def test_who_waits_too_long_is_refused_and_a_dead_process_gives_its_place_back(tmp_path: Path) -> None:
    hold = (
        "import sys, time; from pathlib import Path; from serving.http.shared_limits import Slots\n"
        "with Slots(Path(sys.argv[1]), 1, 1, 1.0).place() as free: print(free, flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "True"
    slots = Slots(tmp_path, places=1, waiting=1, seconds=0.2)
    with slots.place() as free:
        assert not free
    holder.kill()
    holder.wait()
    with slots.place() as free:
        assert free
