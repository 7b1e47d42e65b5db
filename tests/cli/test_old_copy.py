"""A project keeps the copy of `serving/` that it was made with: `vipreco serve` tells when it is not ours."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vipreco.cli.entry import main
from vipreco.new_project import create, other_copy, reference_folder
from vipreco.project import Project


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    return create(tmp_path / "a bank").root


def test_a_new_project_has_the_installed_copy(bank: Path) -> None:
    assert other_copy(bank, "serving") == ""
    assert other_copy(reference_folder(), "serving") == ""


def test_files_of_the_bank_beside_ours_make_no_difference(bank: Path) -> None:
    (bank / "serving" / "page" / "own.html").write_text("ours alone")
    (bank / "serving" / "__pycache__").mkdir()
    (bank / "serving" / "__pycache__" / "app.pyc").write_bytes(b"")
    assert other_copy(bank, "serving") == ""


def test_a_project_without_the_folder_is_told_nothing_here(bank: Path) -> None:
    shutil.rmtree(bank / "serving")
    assert other_copy(bank, "serving") == ""


def test_what_is_told_names_the_command_that_takes_over_the_installed_copy(bank: Path) -> None:
    (bank / "serving" / "service.py").write_text("older")
    (bank / "serving" / "http" / "logs.py").unlink()
    told = other_copy(bank, "serving")
    assert "2 files differ, first http/logs.py" in told
    assert "\n" not in told
    assert told.endswith("vipreco upgrade")
    assert main(["upgrade", str(bank), "--replace"]) == 0
    assert other_copy(bank, "serving") == ""
    assert (bank / "serving" / "service.py.before").read_text() == "older"


def test_serve_tells_it_in_one_line_and_serves(
    bank: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[Any] = []
    running = SimpleNamespace(run=lambda project, *_, **__: served.append(project.root))
    monkeypatch.setattr(Project, "import_rim", lambda *_: running)
    assert main(["serve", str(bank)]) == 0
    plain = capsys.readouterr().err
    assert "serving" not in plain
    (bank / "serving" / "service.py").write_text("older")
    assert main(["serve", str(bank)]) == 0
    assert served == [bank, bank]
    told = capsys.readouterr().err.splitlines()
    assert [line for line in told if line not in plain.splitlines()] == [other_copy(bank, "serving")]
