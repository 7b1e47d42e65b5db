"""Rate limits and slots that all workers of a machine share, in files of the run folder.

The library `limits` shares counters through Redis, memcached or MongoDB alone, and its counters in memory are
one set a worker: four workers would let four times too much through (docs/decisions/0009).
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, Protocol

RUN_FOLDER = "VIPRECO_RUN_FOLDER"  # set by the supervisor; private, removed at its end
SLOTS, PROBES = 1 << 16, 8
ENTRY = struct.Struct("<Qdd")  # fingerprint of the key, moment of the last count, level then
POLL_SECONDS = 0.02
MAX_KNOWN = 1_000


class Level(NamedTuple):
    """Counts of one key.

    Args:
        moment: When the last one came.
        level: How full its limit was then.
    """

    moment: float = 0.0
    level: float = 0.0


class Limit(Protocol):
    """A rule that says from the counts of a key when the next one is allowed."""

    def now(self, level: Level, moment: float) -> float:
        """Return how full the limit is at a moment."""

    def wait(self, level: Level, moment: float) -> float:
        """Return the seconds until the next one is allowed."""


@dataclass(frozen=True)
class Rate:
    """So many at once, and then so many a second.

    Args:
        burst: Allowed at once.
        a_second: Allowed each second from then on.
    """

    burst: float
    a_second: float

    def now(self, level: Level, moment: float) -> float:
        """Return how full the limit is at a moment."""
        return max(level.level - max(moment - level.moment, 0.0) * self.a_second, 0.0)

    def wait(self, level: Level, moment: float) -> float:
        """Return the seconds until the next one is allowed."""
        return max(self.now(level, moment) + 1.0 - self.burst, 0.0) / self.a_second


@dataclass(frozen=True)
class Backoff:
    """Some are free; from then on each one waits twice as long as the one before.

    Args:
        free: Allowed without waiting.
        seconds: First wait, counted from the last one.
        max_seconds: Longest wait.
        memory_seconds: Counts are forgotten after this time without another one.
    """

    free: int
    seconds: float
    max_seconds: float
    memory_seconds: float

    def now(self, level: Level, moment: float) -> float:
        """Return how many count at a moment."""
        return level.level if moment - level.moment < self.memory_seconds else 0.0

    def wait(self, level: Level, moment: float) -> float:
        """Return the seconds until the next one is allowed."""
        above = self.now(level, moment) - self.free
        if above < 0:
            return 0.0
        pause = min(self.seconds * 2 ** min(above, 20), self.max_seconds)
        return min(max(level.moment + pause - moment, 0.0), self.max_seconds)


class SharedLimits:
    """Counts by key, exact over all threads and processes that open the same file.

    A key is kept as a hash. Where more keys are in use than the file holds, the oldest make room.

    Args:
        path: The file; made if it does not exist.
        clock: Seconds; the same for all processes.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.ftruncate(self._file, SLOTS * ENTRY.size)
        self._map = mmap.mmap(self._file, SLOTS * ENTRY.size)
        self._lock = threading.Lock()
        self._clock = clock
        self._known: dict[str, tuple[int, int]] = {}

    def take(self, *asked: tuple[str, Limit]) -> float:
        """Count one for each key if all are allowed, and return 0; else the seconds to wait."""
        with self._locked():
            moment = self._clock()
            places = [self._place(key) for key, _ in asked]
            waits = [
                limit.wait(level, moment) for (_, limit), (_, _, level) in zip(asked, places, strict=True)
            ]
            if any(waits):
                return max(waits)
            for (_, limit), (place, mark, level) in zip(asked, places, strict=True):
                ENTRY.pack_into(self._map, place, mark, moment, limit.now(level, moment) + 1.0)
            return 0.0

    def take_quickly(self, key: str, limit: Rate) -> float:
        """Count one without a lock: two processes at the same moment may count one together.

        It costs 3 us instead of 13, of the 170 us of an offers request.
        """
        place, mark = self._known.get(key) or self._remember(key)
        found, then, level = ENTRY.unpack_from(self._map, place)
        if found != mark:  # another key has taken the place
            self._known.pop(key, None)
            return self.take((key, limit))
        moment = self._clock()
        full = limit.now(Level(then, level), moment) + 1.0
        if full > limit.burst:
            return (full - limit.burst) / limit.a_second
        ENTRY.pack_into(self._map, place, mark, moment, full)
        return 0.0

    def give_back(self, key: str) -> None:
        """Take one count of a key back."""
        with self._locked():
            place, mark, (moment, level) = self._place(key)
            ENTRY.pack_into(self._map, place, mark, moment, max(level - 1.0, 0.0))

    def touch(self, key: str) -> None:
        """Let the wait of a key begin now."""
        with self._locked():
            place, mark, (_, level) = self._place(key)
            ENTRY.pack_into(self._map, place, mark, self._clock(), level)

    def forget(self, key: str) -> None:
        """Forget the counts of a key."""
        with self._locked():
            place, mark, _ = self._place(key)
            ENTRY.pack_into(self._map, place, mark, 0.0, 0.0)

    def close(self) -> None:
        """Close the file."""
        self._map.close()
        os.close(self._file)

    def _remember(self, key: str) -> tuple[int, int]:
        with self._locked():
            place, mark, (moment, level) = self._place(key)
            ENTRY.pack_into(self._map, place, mark, moment or self._clock(), level)
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[key] = place, mark
        return place, mark

    def _place(self, key: str) -> tuple[int, int, Level]:
        """Return offset, fingerprint and counts of a key; the oldest of its places where it has none yet."""
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        first, mark = struct.unpack("<QQ", digest)
        oldest, oldest_moment = 0, float("inf")
        for probe in range(PROBES):
            place = (first + probe) % SLOTS * ENTRY.size
            found, moment, level = ENTRY.unpack_from(self._map, place)
            if found == mark:
                return place, mark, Level(moment, level)
            if moment < oldest_moment:
                oldest, oldest_moment = place, moment
        return oldest, mark, Level()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:  # a lock of the file does not tell threads of one process apart
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)


class Slots:
    """A number of places to work in, and a bounded queue before them, for all processes of a folder.

    Each place is a locked file: a process that dies gives its place back.

    Args:
        folder: Of the files.
        places: Work at once.
        waiting: May wait beside those.
        seconds: Longest wait.
    """

    def __init__(self, folder: Path, places: int, waiting: int, seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._places = [folder / f"place-{number}" for number in range(places)]
        self._queue = [folder / f"queue-{number}" for number in range(places + waiting)]
        self._seconds = seconds

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Give a place, after a wait where none is free; False: too many wait, or it takes too long."""
        queued = _lock_one(self._queue)
        if queued is None:
            yield False
            return
        place = None
        try:
            place = self._wait()
            yield place is not None
        finally:
            for file in (place, queued):
                if file is not None:
                    os.close(file)

    def _wait(self) -> int | None:
        latest = time.monotonic() + self._seconds
        while (place := _lock_one(self._places)) is None and time.monotonic() < latest:
            time.sleep(POLL_SECONDS)
        return place


def _lock_one(paths: Sequence[Path]) -> int | None:
    """Lock one of some files and return it; None where all are locked."""
    for path in paths:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        os.close(file)
    return None


def run_folder(root: Path) -> Path:
    """Return the folder that all processes of this run share; without a supervisor, one in the project."""
    given = os.environ.get(RUN_FOLDER)
    return root / "data" / "serving" / "run" if given is None else Path(given)
