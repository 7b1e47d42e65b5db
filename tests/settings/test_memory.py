"""Memory that a query may take: a share of the machine, of the container, or of what the settings give."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipreco import memory
from vipreco.settings import EngineSettings

GIB = 1 << 30


def test_a_container_with_less_memory_than_its_machine_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    limited, unlimited = tmp_path / "memory.max", tmp_path / "other"
    limited.write_text("1073741824\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (unlimited, tmp_path / "gone"))
    whole = memory.machine_bytes()
    monkeypatch.setattr(memory, "CGROUP_LIMITS", (unlimited, limited))
    assert memory.machine_bytes() == min(whole, GIB)


@pytest.mark.parametrize(("given", "share"), [(8 * GIB, 2 * GIB), (GIB // 2, GIB // 4)])
def test_a_query_gets_a_quarter_and_never_less_than_it_needs(given: int, share: int):
    assert memory.query_bytes(given) == share


def test_the_setting_counts_in_gibibytes():
    assert EngineSettings().memory is None
    assert EngineSettings(memory_gb=1.5).memory == GIB + GIB // 2


@pytest.mark.parametrize(
    ("error", "right"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (ImportError("libx.so: failed to map segment from shared object"), True),
        (type("OutOfMemoryException", (Exception,), {})("x"), True),
        (BlockingIOError(11, "Resource temporarily unavailable"), False),  # a lock that another one holds
        (ValueError("wrong"), False),
    ],
)
def test_errors_for_want_of_memory_are_known_whatever_library_raised_them(
    error: Exception, right: bool
) -> None:
    """F26."""
    assert memory.is_out_of_memory(error) == right
    outer = ValueError("a query failed")
    outer.__cause__ = error
    assert memory.is_out_of_memory(outer) == right
