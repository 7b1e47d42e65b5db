"""F06: every command that writes, on a disk that is full: exit code 7, what to free, nothing half done."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests import processes
from tests.faults.commands import COMMANDS, PATIENCE, Limits, paths, started, told, visible
from tests.faults.conftest import Expected, copied

pytestmark = pytest.mark.long
DISK_MEGABYTES = 400
FREE = [0, 64 << 10, 1 << 20]  # bytes that are left: the first write fails, a later one, a large one
DESTROYING = ("delete the store", "remove the store", "put the last backup", "rm ")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: it takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def filled(disk: Path, free: int) -> Path:
    """Fill the disk until so many bytes are left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
        file.truncate(max(0, file.tell() - free))
    return filler


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("free", FREE)
def test_a_command_on_a_full_disk_ends_with_7_leaves_nothing_half_done_and_works_afterwards(
    bank: Path, disk: Path, tmp_path: Path, expected: Callable[[str], Expected], name: str, free: int
) -> None:
    right = expected(name)
    ours = copied(bank, disk, name)
    (disk / "tests.log").symlink_to(tmp_path / "tests.log")  # what is printed is no part of the fault
    filler = filled(disk, free)
    limits = Limits(environment={"TMPDIR": str(disk)})
    code = processes.ended(started(ours, right.arguments, limits), PATIENCE)
    said = told(ours)
    filler.unlink()
    assert code in {7, *COMMANDS[name].codes}, said
    assert free or code == 7
    if code == 7:
        assert "free" in said, said
        assert not any(word in said.lower() for word in DESTROYING), said
    seen = visible(ours)
    for part, found in seen.items():
        assert found in (right.before[part], right.after[part]), (part, said)
    if code == 7:
        assert processes.ended(started(ours, right.arguments), PATIENCE) in COMMANDS[name].codes, told(ours)
    assert visible(ours) == right.after
    assert paths(ours) <= right.files
