"""A pause after wrong passwords, so that nobody can try them all."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

MAX_WRONG = 5
PAUSE_SECONDS = 60.0
MAX_NAMES = 10_000


class Attempts:
    """Counts wrong passwords by name; after five a name rests for a minute, whoever asks."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def resting(self, name: str) -> bool:
        """Return True while no password of this name is checked."""
        with self._lock:
            count, since = self._wrong.get(name, (0, 0.0))
        return count >= MAX_WRONG and time.monotonic() - since < PAUSE_SECONDS

    def note(self, name: str, right: bool) -> None:
        """Count a wrong password; a right one forgets those before."""
        with self._lock:
            count, since = self._wrong.pop(name, (0, 0.0))
            if right:
                return
            fresh = time.monotonic() - since < PAUSE_SECONDS
            self._wrong[name] = (count + 1 if fresh else 1, time.monotonic())
            while len(self._wrong) > MAX_NAMES:
                self._wrong.popitem(last=False)
