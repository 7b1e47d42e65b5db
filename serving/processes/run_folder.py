"""Temporary folders of a service that do not outlive it: those of a killed one go at the next start."""

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

ALIVE = "alive"
FRESH_SECONDS = 60.0  # another service may be between making its folder and locking it


@contextmanager
def run_folder(prefix: str) -> Iterator[Path]:
    """Give a private folder, locked while this process lives, and remove those that ended ones left.

    Args:
        prefix: First part of its name, below the folder for temporary files.
    """
    _remove_abandoned(prefix)
    with tempfile.TemporaryDirectory(prefix=prefix) as name, (Path(name) / ALIVE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(name)


def _remove_abandoned(prefix: str) -> None:
    """Remove the folders of this user whose process is gone: kill -9 and power cuts clean up nothing."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            seen = folder.lstat()
            if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.getuid() and _is_abandoned(folder, seen):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another service that starts just now was quicker


def _is_abandoned(folder: Path, seen: os.stat_result) -> bool:
    try:
        with (folder / ALIVE).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return time.time() - seen.st_mtime > FRESH_SECONDS
    except BlockingIOError:
        return False
