"""Checks files against their hashes; a file is read again only when it may have changed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from vipreco.durable import sha256_of, write_json
from vipreco.errors import VipRecoError

State: TypeAlias = list[int]
SETTLED_NANOSECONDS: Final = 2 * 10**9
"""A file that changed less than this ago is read again: a tick of the clock may hide a later change."""


class VerifiedFiles:
    """The files of a folder, with the state in which each last had its hash.

    A state is size, times of the last changes, and inode. To change a file changes its state; a disk that
    loses a bit does not change it: `wrong(full=True)` finds that.

    Args:
        folder: Of the files.
        hashes: SHA-256 of each file by its path below the folder.
        ledger: File that keeps the states for the next process; None: this object alone keeps them.
    """

    def __init__(self, folder: Path, hashes: Mapping[str, str], ledger: Path | None = None) -> None:
        self.folder, self.hashes, self.ledger = folder, dict(hashes), ledger
        self._known: dict[str, list[Any]] = _read(ledger) if ledger else {}

    def wrong(self, *, full: bool = False) -> list[str]:
        """Return the files that are missing or have another content, by name.

        Args:
            full: Read every file, whatever its state.
        """
        states = {name: _state(self.folder / name) for name in self.hashes}
        unsure = [name for name in self.hashes if full or not self._is_known(name, states[name])]
        wrong = [
            name
            for name in unsure
            if states[name] is None or sha256_of(self.folder / name) != self.hashes[name]
        ]
        if unsure:
            self._remember(set(unsure) - set(wrong), states)
        return sorted(wrong)

    def _is_known(self, name: str, state: State | None) -> bool:
        return state is not None and self._known.get(name) == [self.hashes[name], state]

    def _remember(self, names: set[str], states: Mapping[str, State | None]) -> None:
        now = time.time_ns()
        for name in names:
            state = states[name]
            if state is not None and now - max(state[1], state[2]) > SETTLED_NANOSECONDS:
                self._known[name] = [self.hashes[name], state]
        if self.ledger:
            try:
                write_json(self.ledger, self._known)
            except (OSError, VipRecoError):  # a reader who may not write here reads the files each time
                return


def _state(path: Path) -> State | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read(ledger: Path) -> dict[str, list[Any]]:
    try:
        content = json.loads(ledger.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
