"""Folders for temporary files: what a killed service left goes, what a running one uses stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from serving.processes.run_folder import FRESH_SECONDS, run_folder
from tests.processes import SOURCES

HOLDS = """
import time
from serving.processes.run_folder import run_folder
with run_folder("vipreco-run-") as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_service_left_goes_at_the_next_start_and_a_running_one_keeps_its_folder(
    temporary: Path,
) -> None:
    """F24: kill -9 leaves the folder; the next start removes it, and only it."""
    environment = {**os.environ, "PYTHONPATH": SOURCES, "TMPDIR": str(temporary)}
    started = [
        subprocess.Popen([sys.executable, "-c", HOLDS], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    killed, alive = (Path(each.stdout.readline().strip()) for each in started if each.stdout)
    started[0].send_signal(signal.SIGKILL)
    started[0].wait()
    assert killed.is_dir()
    with run_folder("vipreco-run-") as ours:
        assert not killed.exists()
        assert alive.is_dir()
        assert ours.stat().st_mode & 0o777 == 0o700
    assert not ours.exists()
    started[1].kill()
    started[1].wait()


def test_what_is_not_locked_yet_or_is_no_folder_of_ours_stays(temporary: Path) -> None:
    fresh, old, other = (temporary / f"vipreco-run-{name}" for name in ("fresh", "old", "link"))
    elsewhere = temporary / "elsewhere"
    for folder in (fresh, old, elsewhere):
        folder.mkdir()
    other.symlink_to(elsewhere)
    os.utime(old, (old.stat().st_mtime - FRESH_SECONDS - 1,) * 2)
    with run_folder("vipreco-run-"):
        assert (fresh.exists(), old.exists(), other.is_symlink(), elsewhere.is_dir()) == (
            True, False, True, True,
        )  # fmt: skip
