"""A command that writes, and what its end may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PARTS = frozenset({"tables", "release", "champion", "campaigns", "out", "store"})


@dataclass(frozen=True)
class Command:
    """A command and what its end may be.

    Args:
        arguments: Words after `vipreco`; `{customer}` is a customer of the bank, `{token}` the id of a token.
        codes: Exit codes of a right end.
        before: Changes the bank before the command runs.
        repeatable: A further run after a right one does no harm; the others are refused then, or add a row.
        parts: What it can change of what is visible; it alone is looked at after each kill, all in the end.
    """

    arguments: tuple[str, ...]
    codes: frozenset[int] = frozenset({0})
    before: Callable[[Path], object] = field(default=lambda _: None)
    repeatable: bool = True
    parts: frozenset[str] = PARTS


OUT = frozenset({"out", "store"})
"""Of what only writes a list: the list, and its record in the store."""
STORE = frozenset({"store"})
