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
        self._numbers = count()
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    def _begin(self) -> None:
        self._prefix = os.urandom(self._half).hex()[: self._half]

    def fresh(self) -> str:
        """Return a name that was not given before."""
        return f"{self._prefix}{next(self._numbers):0{self._half}x}"


REQUESTS = Names(16)
DECISIONS = Names(32)
