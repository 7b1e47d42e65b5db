"""Folders for work in progress: what a killed process left goes, what a running one uses stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.processes import SOURCES
from vipreco.scratch_folder import FRESH_SECONDS, LOCK, scratch_folder

HOLDS = """
import time
from vipreco.scratch_folder import scratch_folder
with scratch_folder("list") as folder:
    print(folder.parent, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_goes_with_the_next_and_a_running_one_keeps_its_folder(
    temporary: Path,
) -> None:
    """F24: kill -9 leaves the folder; the next process removes it, and only it."""
    environment = {**os.environ, "PYTHONPATH": SOURCES, "TMPDIR": str(temporary)}
    started = [
        subprocess.Popen([sys.executable, "-c", HOLDS], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    killed, alive = (Path(each.stdout.readline().strip()) for each in started if each.stdout)
    started[0].send_signal(signal.SIGKILL)
    started[0].wait()
    assert killed.is_dir()
    with scratch_folder("list") as ours:
        assert not killed.exists()
        assert alive.is_dir()
        assert list(ours.iterdir()) == []
        assert [folder.stat().st_mode & 0o777 for folder in (ours, ours.parent)] == [0o700, 0o700]
        with scratch_folder("list") as second:  # of the same process, at the same time
            assert ours.is_dir()
            assert second != ours
    assert not ours.parent.exists()
    started[1].kill()
    started[1].wait()


def test_what_is_not_locked_yet_or_is_no_folder_of_ours_stays(temporary: Path) -> None:
    fresh, old, other = (temporary / f".vipreco-list-{name}" for name in ("fresh", "old", "link"))
    elsewhere = temporary / "elsewhere"
    for folder in (fresh, old, elsewhere):
        folder.mkdir()
    other.symlink_to(elsewhere)
    os.utime(old, (old.stat().st_mtime - FRESH_SECONDS - 1,) * 2)
    with scratch_folder("list"):
        assert (fresh.exists(), old.exists(), other.is_symlink(), elsewhere.is_dir()) == (
            True, False, True, True,
        )  # fmt: skip


def test_a_folder_of_another_purpose_stays_and_one_lies_where_it_is_wanted(tmp_path: Path) -> None:
    other, left = tmp_path / ".vipreco-offers-left", tmp_path / ".vipreco-list-left"
    for folder in (other, left):
        (folder / "work").mkdir(parents=True)
        (folder / LOCK).touch()  # nobody holds it
    with scratch_folder("list", tmp_path) as ours:
        assert ours.parent.parent == tmp_path
        assert (other.is_dir(), left.is_dir()) == (True, False)
