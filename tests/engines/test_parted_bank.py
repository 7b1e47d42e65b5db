"""Files that all tasks share: they come as they were put there, or not at all, and go afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipreco.engines import LocalEngine, PartedBank, shared_folder
from vipreco.errors import IntegrityError
from vipreco.parts import CustomerParts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "boosters").mkdir(parents=True)
    (tmp_path / "model" / "boosters" / "any.txt").write_text("trees")
    (tmp_path / "model" / "names.json").write_text("[]")
    return tmp_path / "model"


@pytest.fixture
def bank(tmp_path: Path) -> PartedBank:
    return PartedBank(LocalEngine(str(tmp_path / "runs")), CustomerParts.whole(tmp_path, "snapshot"))


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_a_task_finds_the_files_of_the_folder_and_nobody_does_afterwards(
    bank: PartedBank, folder: Path, tmp_path: Path
):
    with bank.shared(folder) as shared:
        found = shared_folder(shared, tmp_path / "scratch")
        assert files(found) == {"boosters/any.txt": "trees", "names.json": "[]"}
    assert not found.exists()


def test_a_file_that_was_changed_is_refused(bank: PartedBank, folder: Path, tmp_path: Path):
    with bank.shared(folder) as shared:
        (shared_folder(shared, tmp_path) / "boosters" / "any.txt").write_text("other trees")
        with pytest.raises(IntegrityError, match="not what was written"):
            shared_folder(shared, tmp_path)
