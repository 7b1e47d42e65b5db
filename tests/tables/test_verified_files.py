"""Files are read again exactly when they may have changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import vipreco.verified_files
from vipreco.durable import sha256_of
from vipreco.verified_files import VerifiedFiles


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read, in order; every change counts as long past."""
    found: list[str] = []
    monkeypatch.setattr(
        vipreco.verified_files, "sha256_of", lambda path: found.append(path.name) or sha256_of(path)
    )
    monkeypatch.setattr(vipreco.verified_files, "SETTLED_NANOSECONDS", -1)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "b").write_bytes(b"second")
    return tmp_path


def hashes(folder: Path) -> dict[str, str]:
    return {name: sha256_of(folder / name) for name in ("a", "b")}


def test_the_next_process_reads_nothing_that_has_its_state(folder: Path, reads: list[str]) -> None:
    right, ledger = hashes(folder), folder / "ledger"
    assert VerifiedFiles(folder, right, ledger).wrong() == []
    assert reads == ["a", "b"]
    assert VerifiedFiles(folder, right, ledger).wrong() == []
    assert reads == ["a", "b"]
    assert VerifiedFiles(folder, right, ledger).wrong(full=True) == []
    assert reads == ["a", "b", "a", "b"]


def rewritten(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"First")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchanged(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"First")
    other.replace(path)


@pytest.mark.parametrize("change", [rewritten, exchanged, Path.unlink])
def test_a_changed_file_is_named_and_stays_wrong(
    folder: Path, reads: list[str], change: Callable[[Path], None]
) -> None:
    files = VerifiedFiles(folder, hashes(folder), folder / "ledger")
    assert files.wrong() == []
    change(folder / "a")
    assert files.wrong() == files.wrong() == ["a"]
    assert reads.count("b") == 1


def test_a_file_that_has_just_changed_is_not_trusted_yet(
    folder: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vipreco.verified_files, "SETTLED_NANOSECONDS", 10**12)
    files = VerifiedFiles(folder, hashes(folder))
    assert files.wrong() == files.wrong() == []
    assert reads == ["a", "b", "a", "b"]


def test_the_state_of_another_hash_counts_for_nothing(folder: Path, reads: list[str]) -> None:
    ledger = folder / "ledger"
    VerifiedFiles(folder, hashes(folder), ledger).wrong()
    assert VerifiedFiles(folder, {"a": "0" * 64}, ledger).wrong() == ["a"]


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 5}'])
def test_a_damaged_ledger_only_costs_reading(folder: Path, reads: list[str], content: bytes) -> None:
    (folder / "ledger").write_bytes(content)
    assert VerifiedFiles(folder, hashes(folder), folder / "ledger").wrong() == []
    assert reads == ["a", "b"]
