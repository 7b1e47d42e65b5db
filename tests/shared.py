"""Folders that are filled once a test run and read by all of its processes.

pytest-xdist makes a session's fixtures once a process. A fixture that takes seconds asks `BuiltOnce` instead:
the first process builds, the others wait for it. Nobody may change what was built; who has to, copies it.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from vipreco.contact_effect import ContactEffects
from vipreco.settings import ContactEffectSettings

CALLS = (ContactEffects(ContactEffectSettings()), "call")
"""Effects of contacts as the settings assume them, and the channel of a call."""
COMPLETE = ".complete"


@dataclass(frozen=True)
class BuiltOnce:
    """The folder below which things are built."""

    folder: Path

    def __call__(self, name: str, build: Callable[[Path], object]) -> Path:
        """Return the folder of this name, which `build` fills if no process of this run has.

        It is built where it stays, so that addresses inside it hold; a half built one is made anew.
        """
        target, mark = self.folder / name, self.folder / f"{name}{COMPLETE}"
        with self._alone(name):
            if not mark.exists():
                shutil.rmtree(target, ignore_errors=True)
                target.mkdir(parents=True)
                build(target)
                mark.touch()
        return target

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def new_store(built_once: BuiltOnce) -> Path:
    """Return the file of a store without records, which is for copying."""

    def build(folder: Path) -> None:
        from vipreco.store import Store  # takes time that tests without a store do not need

        Store.open(f"sqlite:///{folder}/store.db").close()

    return built_once("empty-store", build) / "store.db"
