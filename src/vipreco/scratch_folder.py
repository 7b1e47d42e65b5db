"""Folders for work in progress that outlive no process: what a killed one left goes with the next.

Such folders hold rows of customers. They are locked while they are in use, which no kill and no power cut can
leave behind.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK: Final = ".in-use"
FRESH_SECONDS: Final = 60.0
"""Age up to which a folder without a lock may be one that another process has just made."""


@contextmanager
def scratch_folder(purpose: str, within: Path | None = None) -> Iterator[Path]:
    """Give an empty private folder, gone afterwards, and remove those that ended processes left.

    Args:
        purpose: Part of its name; folders of the same purpose are looked at.
        within: Where it lies; None: the folder for temporary files.
    """
    place, prefix = within or Path(tempfile.gettempdir()), f".vipreco-{purpose}-"
    _remove_abandoned(place, prefix)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place) as name, Path(name, LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        work = Path(name, "work")
        work.mkdir(mode=0o700)
        yield work


def _remove_abandoned(place: Path, prefix: str) -> None:
    """Remove the folders of this user that no living process holds."""
    for folder in place.glob(f"{prefix}*"):
        try:
            seen = folder.lstat()
            if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and _is_abandoned(folder, seen):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another process was quicker


def _is_abandoned(folder: Path, seen: os.stat_result) -> bool:
    try:
        with (folder / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return time.time() - seen.st_mtime > FRESH_SECONDS
    except BlockingIOError:
        return False
