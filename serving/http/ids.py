"""Random ids of requests and decisions."""

from __future__ import annotations

import os
import threading

BLOCK = 4096


class RandomIds:
    """Gives random ids; the operating system is asked for many at once.

    One call of `secrets.token_hex` takes 2.6 us, two of them were 7 % of an offers request; an id of a block
    takes 0.5 us. A process that was forked begins with a block of its own.
    """

    def __init__(self) -> None:
        self._block, self._used = b"", 0
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._begin_anew)

    def new(self, size: int) -> str:
        """Return `size` random bytes in hexadecimal digits."""
        with self._lock:
            start = self._used
            if start + size > len(self._block):
                self._block, start = os.urandom(BLOCK), 0
            self._used = start + size
            return self._block[start : self._used].hex()

    def _begin_anew(self) -> None:
        """Begin with another block, and with a lock that no thread of the parent holds."""
        self._block, self._used = b"", 0
        self._lock = threading.Lock()


new_id = RandomIds().new
