"""Memory of the machine or container, and the share of it that a query may take before it spills to disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

QUERY_SHARE: Final = 0.25  # beside a query there are its results, the features and the model
MIN_QUERY_BYTES: Final = 256 << 20  # with less DuckDB cannot even hold its buffers
CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def machine_bytes() -> int:
    """Return the memory of the machine, or of the container where that is less."""
    own = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([own, *(limit for path in CGROUP_LIMITS if (limit := _limit(path)))])


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
