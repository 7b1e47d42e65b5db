"""Writes that survive a crash: a reader sees the old file or the whole new one, never a part."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from vipreco.errors import ResourcesError

CHUNK_BYTES = 1 << 20
TEMPORARY = ".tmp"
DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG, errno.EROFS})
FULL_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# Libraries below us pass a full disk on as a text of their own.
FULL_WORDS = re.compile(
    "no space left|disk is full|disk full|file too large|disk quota exceeded"
    r"|\d+ requested and \d+ written",  # of NumPy, without a number of the error
    re.IGNORECASE,
)
FREE_SPACE = (
    "free disk space and run the command again: old releases below data/serving, old model versions below "
    "data/artifacts and copies of the store (*.before-*) are the largest; delete neither the store nor its "
    "-wal file"
)


@contextmanager
def replacing(target: Path, mode: int = 0o600) -> Iterator[Path]:
    """Give a temporary path beside `target`; on success flush it to disk and rename it over `target`.

    What killed writers of the same target left is removed: it may hold customers.

    Raises:
        ResourcesError: The disk is full or failing; `target` is unchanged.
    """
    _remove_left(target)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=TEMPORARY, dir=target.parent)
    temporary = Path(name)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # until it is closed: others know that it is in use
        yield temporary
        temporary.chmod(mode)
        flush_file(temporary)
        temporary.replace(target)
        flush_directory(target.parent)
    except OSError as error:
        if error.errno in DISK_ERRORS:
            raise ResourcesError(
                f"the file cannot be written: {error.strerror}",
                where=str(target),
                remedy="free disk space and run the command again; nothing was changed",
                code="disk",
            ) from error
        raise
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


def _remove_left(target: Path) -> None:
    """Remove temporary files of a target that nobody writes any more."""
    beginning = f".{target.name}."
    with suppress(OSError):
        for name in os.listdir(target.parent):  # noqa: PTH208  names alone are needed
            if name.startswith(beginning) and name.endswith(TEMPORARY):
                _remove_unused(target.parent / name)


def _remove_unused(temporary: Path) -> None:
    with suppress(OSError), temporary.open("rb") as file:  # it is gone, or another's
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.unlink()


def is_disk_full(error: BaseException) -> bool:
    """Return whether a full disk is behind an error, whatever library raised it."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if FULL_WORDS.search(str(cause)) or (isinstance(cause, OSError) and cause.errno in FULL_ERRORS):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def write_bytes(target: Path, content: bytes, mode: int = 0o600) -> None:
    """Write `content` to `target`, all of it or none."""
    with replacing(target, mode) as temporary:
        temporary.write_bytes(content)


def write_json(target: Path, content: Any, mode: int = 0o600) -> None:
    """Write `content` as canonical JSON (sorted keys, UTF-8), all of it or none."""
    write_bytes(target, canonical_json(content), mode)


def canonical_json(content: Any) -> bytes:
    """Return the one byte form of `content` that hashes are taken over."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return (text + "\n").encode()


def flush_file(path: Path) -> None:
    """Make the content of `path` durable."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def flush_directory(path: Path) -> None:
    """Make renames inside `path` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex text, read in chunks."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
