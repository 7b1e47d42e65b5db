"""`vipreco new` gives a bank a project of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipreco.errors import UsageError
from vipreco.new_project import create, reference_folder
from vipreco.project import Project


def relative_files(folder: Path) -> set[str]:
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_new_project_holds_the_rims_and_settings_of_the_reference(tmp_path: Path) -> None:
    create(tmp_path / "bank")
    for rim in ("features", "training"):
        assert relative_files(tmp_path / "bank" / rim) == relative_files(reference_folder() / rim)
    assert not (tmp_path / "bank" / "experiments").exists()
    assert (tmp_path / "bank" / ".gitignore").read_text().startswith("data/\n")


@pytest.mark.parametrize("name", ["bank", "a bank", "银行", "-bank", 'the "bank"'])
def test_a_project_is_named_after_its_folder_and_found_from_inside(name: str, tmp_path: Path) -> None:
    create(tmp_path / name)
    found = Project.find(tmp_path / name / "features")
    assert found.settings.project.name == name
    assert found.root == tmp_path / name


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    assert create(tmp_path / "bank").settings.project.name == "bank"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not an empty folder"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank").write_text("")
    with pytest.raises(UsageError, match="not an empty folder"):
        create(tmp_path / "bank")


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("moved", [0, 3, 5, 7])
def test_a_call_that_was_cut_off_leaves_no_project_and_the_next_one_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moved: int, is_there: bool
) -> None:
    """Whether it copied still, or moved the files of a folder that was there."""
    folder, moves = tmp_path / "bank", list[Path]()
    really = Path.replace
    if is_there:
        folder.mkdir()

    def cut_off(self: Path, target: Path) -> Path:
        if len(moves) == min(moved, 7 if is_there else 5):
            raise KeyboardInterrupt
        moves.append(self)
        return really(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", cut_off)
        with pytest.raises(KeyboardInterrupt):
            create(folder)
    assert folder.exists() is is_there
    assert not (folder / "vipreco.toml").exists()
    create(folder)
    create(tmp_path / "other" / "bank")
    assert relative_files(folder) == relative_files(tmp_path / "other" / "bank")
    assert {path.name for path in tmp_path.iterdir()} == {"bank", "other"}
