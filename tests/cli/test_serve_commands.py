"""The night's work and its comparison, as commands."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from vipreco.answering.publication import Publications
from vipreco.cli import main
from vipreco.project import Project
from vipreco.store import Role, Scope, Store


@pytest.fixture
def bank(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the trained project, in which nothing is prepared yet."""
    shutil.copytree(trained, tmp_path / "bank")
    settings = tmp_path / "bank" / "vipreco.toml"
    settings.write_text(settings.read_text() + '\n[serving]\nbusiness_date = "snapshot"\n')
    monkeypatch.chdir(tmp_path / "bank")
    return tmp_path / "bank"


@pytest.mark.slow
def test_what_is_prepared_agrees_and_a_bad_model_changes_nothing(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = bank / "vipreco.toml"
    right = settings.read_text()
    settings.write_text(right.replace('business_date = "snapshot"', 'business_date = "clock"'))
    assert main(["prepare"]) == 2  # the bank ends long ago
    assert 'business_date = "snapshot"' in capsys.readouterr().err
    settings.write_text(right)

    assert main(["prepare"]) == 0
    publications = Publications(bank / "data" / "serving")
    first = publications.current()
    assert f"In force: {first.name}" in capsys.readouterr().out
    with Store.open(Project.find().store_url) as store:
        book = store.books.of(Scope("user:ann", Role.MANAGER, "M00000"))
        assert book
        assert not store.books.of(Scope("user:ann", Role.MANAGER, "nobody"))

    assert main(["parity", "--sample", "120", "--top", "5"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in told if not line.startswith(("call list", "page"))] == [
        ["service", channel] for channel in ("app", "branch", "call", "sms")
    ]
    assert all("120 customers" in line and line.endswith(" 0 different") for line in told)

    assert main(["prepare", "--roll-back"]) == 2
    broken = bank / "broken"
    shutil.copytree(first / "artifact", broken)
    (broken / "metrics.json").write_text("{}")
    assert main(["prepare", "--model", str(broken)]) == 6
    assert publications.current() == first
    refused = publications.refused()
    assert refused is not None
    assert (refused["model"], refused["code"]) == (str(broken), "changed-file")
    assert "changed-file" in capsys.readouterr().err


@pytest.mark.slow
def test_a_tampered_answer_is_noticed_and_the_publication_before_comes_back(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare"]) == 0
    publications = Publications(bank / "data" / "serving")
    first = publications.current()
    settings = bank / "vipreco.toml"
    settings.write_text(settings.read_text() + '\n[arbitration]\nvalue = "none"\n')
    assert main(["prepare"]) == 0
    second = publications.current()
    assert second != first
    assert main(["prepare", "--roll-back"]) == 0
    assert publications.current() == first
    capsys.readouterr()
    assert (
        main(["parity", "--sample", "60"]) == 6
    )  # the weights in force are others than when it was prepared
    assert "(parity)" in capsys.readouterr().err

    manifest = json.loads((first / "manifest.json").read_bytes())
    assert manifest["files"]["plain.npy"]
    (first / "plain.npy").write_bytes(b"")
    assert main(["parity", "--sample", "60"]) == 6
    assert "(prepared-changed)" in capsys.readouterr().err
