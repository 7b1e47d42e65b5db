"""`vipreco upgrade` renews the rims of a project and keeps what the bank changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from vipreco.cli.entry import main
from vipreco.errors import UsageError
from vipreco.new_project import create, other_copy
from vipreco.project_upgrade import ORIGIN, changed_rims, record_origin, renew, renewals, rim_files

FIRST = {
    "serving/same.py": "same",
    "serving/renewed.py": "1",
    "serving/gone.py": "1",
    "serving/own.py": "1",
    "training/both.py": "1",
    "training/removed.py": "1",
    "features/old.sql": "1",
}
SECOND = {
    "serving/same.py": "same",
    "serving/renewed.py": "2",
    "serving/own.py": "1",
    "serving/deep/added.py": "2",
    "training/both.py": "2",
    "training/removed.py": "2",
}


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return lay(tmp_path / "installed", SECOND)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A project of the first version, in which the bank changed, removed and added files."""
    root = lay(tmp_path / "bank", FIRST)
    record_origin(root, rim_files(root))
    lay(root, {"serving/own.py": "mine", "training/both.py": "mine", "features/mine.sql": "mine"})
    lay(root, {"features/old.sql": "mine"})
    (root / "training" / "removed.py").unlink()
    return root


def texts(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text() for name in rim_files(root)}


def test_what_the_bank_left_alone_is_renewed_and_what_it_changed_stays(bank: Path, source: Path) -> None:
    found = renewals(bank, source)
    assert {one.name: one.renewal.value for one in found} == {
        "features/old.sql": "kept",
        "serving/deep/added.py": "added",
        "serving/gone.py": "removed",
        "serving/own.py": "kept",
        "serving/renewed.py": "renewed",
        "training/both.py": "conflict",
        "training/removed.py": "kept",
    }
    renew(bank, source, found)
    assert texts(bank) == {
        "features/mine.sql": "mine",
        "features/old.sql": "mine",
        "serving/deep/added.py": "2",
        "serving/own.py": "mine",
        "serving/renewed.py": "2",
        "serving/same.py": "same",
        "training/both.py": "mine",
        "training/both.py.new": "2",
    }
    assert list(changed_rims(found)) == ["serving"]


def test_a_second_time_there_is_nothing_to_renew(bank: Path, source: Path) -> None:
    renew(bank, source, renewals(bank, source))
    before = texts(bank)
    again = renewals(bank, source)
    assert {one.renewal.value for one in again} == {"kept"}
    renew(bank, source, again)
    assert texts(bank) == before


def test_replacing_keeps_the_files_of_the_bank_beside_the_new_ones(bank: Path, source: Path) -> None:
    renew(bank, source, renewals(bank, source, replace=True))
    found = texts(bank)
    assert found.items() >= SECOND.items()
    assert found["training/both.py.before"] == "mine"
    assert found["features/mine.sql"] == "mine"


def test_without_a_record_nothing_is_guessed(bank: Path, source: Path) -> None:
    (bank / ORIGIN).unlink()
    before = texts(bank)
    with pytest.raises(UsageError, match="not known which files") as error:
        renewals(bank, source)
    assert "--replace" in error.value.remedy
    assert texts(bank) == before
    renew(bank, source, renewals(bank, source, replace=True))
    assert texts(bank).items() >= SECOND.items()
    assert renewals(bank, source) == []


def test_the_command_says_what_it_does_and_a_dry_run_does_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = create(tmp_path / "bank").root
    assert main(["upgrade", str(root)]) == 0
    assert "has the files of vipreco" in capsys.readouterr().err
    service, installed = root / "serving" / "service.py", (root / "serving" / "service.py").read_text()
    service.write_text("older")
    files = rim_files(root)
    record_origin(root, {**files, "serving/http/logs.py": "0" * 64})
    assert main(["upgrade", str(root), "--dry-run"]) == 0
    told = capsys.readouterr()
    assert told.out == "renewed   serving/service.py\n"
    assert "1 files were not those" in told.err
    assert service.read_text() == "older"
    assert main(["upgrade", str(root)]) == 0
    assert service.read_text() == installed
    assert other_copy(root, "serving") == ""
