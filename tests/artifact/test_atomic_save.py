from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vipreco.artifact import saving, verify, write_manifest
from vipreco.errors import BusyError, IntegrityError, ResourcesError

KILLED = """
import os, signal, sys
from pathlib import Path
from vipreco.artifact import saving, write_manifest
import vipreco.artifact.atomic_save as module
point = sys.argv[2]
def die(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "rename":
    Path.rename = die
if point == "flush":
    module.flush_file = die
with saving(Path(sys.argv[1])) as folder:
    (folder / "a.txt").write_text("a")
    if point == "write":
        die()
    write_manifest(folder, {})
    if point == "manifest":
        die()
"""


def write(folder: Path, content: str) -> None:
    (folder / "a.txt").write_text(content)
    write_manifest(folder, {})


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_exception_while_writing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), saving(tmp_path / "model") as folder:  # noqa: PT012
        write(folder, "a")
        raise RuntimeError
    assert visible(tmp_path) == []


def test_an_artifact_without_manifest_or_with_a_late_file_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError), saving(tmp_path / "model") as folder:
        (folder / "a.txt").write_text("a")
    with pytest.raises(IntegrityError), saving(tmp_path / "model") as folder:  # noqa: PT012
        write(folder, "a")
        (folder / "late.txt").write_text("late")
    assert visible(tmp_path) == []


def test_saving_the_same_again_is_a_no_op_and_another_under_its_name_is_refused(tmp_path: Path) -> None:
    for _ in range(2):
        with saving(tmp_path / "model") as folder:
            write(folder, "a")
    first = verify(tmp_path / "model")
    with pytest.raises(BusyError), saving(tmp_path / "model") as folder:
        write(folder, "b")
    assert verify(tmp_path / "model") == first
    assert visible(tmp_path) == ["model"]


@pytest.mark.parametrize("point", ["write", "manifest", "flush", "rename"])
def test_a_kill_at_any_point_leaves_no_half_artifact_and_the_next_run_cleans_up(
    tmp_path: Path, point: str
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "model"), point], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "model").exists()
    assert len(visible(tmp_path)) == 1
    with saving(tmp_path / "model") as folder:
        write(folder, "a")
    assert visible(tmp_path) == ["model"]


def test_two_savings_in_one_place_leave_each_other_alone(tmp_path: Path) -> None:
    with saving(tmp_path / "model") as folder, saving(tmp_path / "other") as other:
        write(other, "b")
        write(folder, "a")
    assert visible(tmp_path) == ["model", "other"]


def test_a_full_disk_is_told_and_nothing_is_visible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vipreco.artifact.atomic_save.flush_file", fail)
    with pytest.raises(ResourcesError, match="No space left"), saving(tmp_path / "model") as folder:
        write(folder, "a")
    assert visible(tmp_path) == []


def test_saved_files_are_readable_by_the_owner_only(write_artifact: Callable[..., Path]) -> None:
    folder = write_artifact()
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o600}
