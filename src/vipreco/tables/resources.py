"""Translation of full disks and exhausted memory into errors that say so."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from vipreco.errors import ResourcesError

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS}
_DISK_WORDS = ("no space left", "file too large", "disk quota", "could not write", "read-only file system")


@contextmanager
def exhaustion_named(folder: Path) -> Iterator[None]:
    """Turn errors of a full disk or memory into one that says so.

    Raises:
        ResourcesError: Disk or memory is exhausted; nothing was changed.
    """
    try:
        yield
    except (MemoryError, pa.ArrowMemoryError, duckdb.OutOfMemoryException) as error:
        raise _exhausted("memory is exhausted", folder, "free memory", "memory") from error
    except (OSError, duckdb.IOException, duckdb.FatalException) as error:
        if getattr(error, "errno", None) in _DISK or any(word in str(error).lower() for word in _DISK_WORDS):
            raise _exhausted("the disk is full or failing", folder, "free disk space", "disk") from error
        raise


def _exhausted(what: str, folder: Path, remedy: str, code: str) -> ResourcesError:
    return ResourcesError(
        what, where=str(folder), remedy=f"{remedy} and run the command again; nothing was changed", code=code
    )
