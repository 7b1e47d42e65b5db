"""Memory of the machine or container, the share of it that a query may take, and errors for want of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

USED_SHARE: Final = 0.75  # of the memory; the rest is for the system and its cache of files
QUERY_SHARE: Final = 0.25  # beside a query there are its results, the features and the model
MIN_QUERY_BYTES: Final = 256 << 20  # with less DuckDB cannot even hold its buffers
CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
# By their names, because importing the libraries that raise them would be slow.
OUT_OF_MEMORY: Final = frozenset({"OutOfMemoryException"})
TEXTS: Final = (
    "allocation failed", "bad allocation", "bad_alloc", "can't start new thread", "cannot allocate memory",
    "failed to allocate", "failed to map segment", "out of memory", "resource temporarily unavailable",
    "zstd decompression failure",  # of a file whose hash is right
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error came up for want of memory, or of what takes memory: threads and processes.

    >>> is_out_of_memory(RuntimeError("can't start new thread"))
    True
    """
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if isinstance(cause, MemoryError) or type(cause).__name__ in OUT_OF_MEMORY:
            return True
        if isinstance(cause, OSError):
            if cause.errno == errno.ENOMEM:
                return True
        elif any(text in str(cause).lower() for text in TEXTS):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False


def machine_bytes() -> int:
    """Return the memory of the machine, or of the container where that is less."""
    own = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([own, *(limit for path in CGROUP_LIMITS if (limit := _limit(path)))])


def usable_bytes(memory: int | None = None) -> int:
    """Return the bytes that all processes of a job may take together.

    Args:
        memory: Bytes that vipreco may take; None: those of the machine.
    """
    return int(USED_SHARE * (memory or machine_bytes()))


def query_bytes(memory: int | None = None) -> int:
    """Return the bytes that a query may take before it spills to disk.

    Args:
        memory: Bytes of the process; None: those of the machine.
    """
    return max(int(QUERY_SHARE * (machine_bytes() if memory is None else memory)), MIN_QUERY_BYTES)


def _limit(path: Path) -> int | None:
    """Return the limit in a file of the control groups; None where there is none."""
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) else None
