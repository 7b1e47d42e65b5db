"""Names that nobody has used: random at the start of a process, counted from then on.

Asking the system for randomness takes longer than everything else that names a request. What needs to be
secret (sessions, tokens) is not named here.
"""

from __future__ import annotations

import os
from itertools import count


class Names:
    """Hexadecimal names of one process.

    Args:
        length: Digits of a name; half of them differ from process to process.
    """

    def __init__(self, length: int) -> None:
        self._half = length // 2
        self._process = 0
        self._prefix = ""
        self._numbers = count()

    def fresh(self) -> str:
        """Return a name that was not given before."""
        if self._process != os.getpid():
            self._process, self._prefix = os.getpid(), os.urandom(self._half).hex()[: self._half]
        return f"{self._prefix}{next(self._numbers):0{self._half}x}"


REQUESTS = Names(16)
DECISIONS = Names(32)
