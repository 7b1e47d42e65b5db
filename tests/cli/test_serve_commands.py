"""The night's work and its comparison, as commands."""

from __future__ import annotations

import json
import os
import pwd
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from vipreco.cli import serve_commands
from vipreco.cli.entry import main
from vipreco.online import Releases
from vipreco.project import Project
from vipreco.store import Decision, Event, Keys, Role, Scope, Store


@pytest.mark.slow
@pytest.mark.usefixtures("snapshot_day")
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
    releases = Releases(bank / "data" / "serving")
    first = releases.current()
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
    assert releases.current() == first
    refused = releases.refused()
    assert refused is not None
    assert (refused["model"], refused["code"]) == (str(broken), "changed-file")
    assert "changed-file" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("snapshot_day")
def test_a_tampered_answer_is_noticed_and_the_publication_before_comes_back(
    bank: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare"]) == 0
    releases = Releases(bank / "data" / "serving")
    first = releases.current()
    settings = bank / "vipreco.toml"
    settings.write_text(settings.read_text() + '\n[arbitration]\nvalue = "none"\n')
    assert main(["prepare"]) == 0
    second = releases.current()
    assert second != first
    assert main(["prepare", "--roll-back"]) == 0
    assert releases.current() == first
    capsys.readouterr()
    assert (
        main(["parity", "--sample", "60"]) == 6
    )  # the weights in force are others than when it was prepared
    assert "(parity)" in capsys.readouterr().err

    manifest = json.loads((first / "manifest.json").read_bytes())
    assert manifest["files"]["value.npy"]
    (first / "value.npy").write_bytes(b"")
    assert main(["parity", "--sample", "60"]) == 6
    assert "(prepared-changed)" in capsys.readouterr().err


# What is done in the store once the answers are in force


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A project whose answers are prepared at once; an audit of two records, an old decision, a new one."""
    monkeypatch.chdir(tmp_path)
    Path("vipreco.toml").write_text('[project]\nname = "bank"\n\n[serving]\naudit_heads = "out/heads"\n')
    manifest = {"artifact_hash": "a" * 64, "as_of": "2026-03-02", "policy_version": "p"}
    folder = Releases(tmp_path / "data" / "serving").publish(lambda _: manifest)
    monkeypatch.setattr(serve_commands, "_prepared", lambda *_: folder)
    now = datetime.now()  # noqa: DTZ005  the business lives by local time
    with Store.open("sqlite:///data/store.db") as store:
        store.audit.append([Event("user:ann", "sheet.read", "c1"), Event("user:ann", "sheet.read", "c2")])
        for name, days in (("old", 91), ("new", 89)):
            store.decisions.add([Decision(name, "0001", now - timedelta(days=days), "token:1", "{}")])
        yield store


def in_force(capsys: pytest.CaptureFixture[str]) -> str:
    """Check that the release was told, and return what was said besides."""
    out, err = capsys.readouterr()
    folder = Releases(Path("data/serving")).current()
    assert out == f"In force: {folder.name}, model {'a' * 16}, as of 2026-03-02, rules p\n"
    return err


def test_a_night_takes_out_what_is_old_and_signs_the_end_of_the_audit(
    night: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prepare"]) == 0
    assert "1 old decisions and 0 old keys were removed" in in_force(capsys)
    assert night.counts()["decisions"] == 1
    newest = night.audit.read(1)[0]
    assert (newest["sequence"], newest["actor"], newest["action"]) == (
        3,
        f"os:{pwd.getpwuid(os.getuid()).pw_name}",
        "store.prune",
    )
    assert [path.name for path in Path("out/heads").iterdir()] == ["audit-000000000003.json"]
    public = Keys.open(Path("data/keys")).public_keys
    assert night.audit.verify(Path("out/heads"), public).sequence == 3
    assert main(["prepare"]) == 0  # nothing is old, nothing is new
    assert in_force(capsys) == ""
    assert len(list(Path("out/heads").iterdir())) == 1


def test_without_a_folder_for_it_a_night_signs_nothing(
    night: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("vipreco.toml").write_text('[project]\nname = "bank"\n')
    assert main(["prepare"]) == 0
    assert not Path("out").exists()
    assert not Path("data/keys").exists()
    assert night.counts()["decisions"] == 1


def test_a_folder_of_heads_that_cannot_be_written_ends_with_7_after_the_nights_work(
    night: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("out").write_text("a file in the way")
    assert main(["prepare"]) == 7
    assert "(audit-heads)" in in_force(capsys)
    assert night.counts()["decisions"] == 1


def test_a_broken_audit_ends_with_6_after_the_nights_work_and_is_not_signed(
    night: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with night.database.writing() as connection:
        connection.execute(text("DROP TRIGGER audit_keeps_UPDATE"))
        connection.execute(text("UPDATE audit SET actor = 'nobody' WHERE sequence = 2"))
    assert main(["prepare"]) == 6
    assert "record 2 was changed (audit-broken)" in in_force(capsys)
    assert not Path("out").exists()
    assert night.counts()["decisions"] == 1


def test_a_store_that_is_held_ends_with_5_and_the_audit_is_signed_all_the_same(
    night: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vipreco.store.connection.BUSY_SECONDS", 0.1)
    with night.database.writing():
        assert main(["prepare"]) == 5
    assert "(store-busy)" in in_force(capsys)
    assert night.counts()["decisions"] == 2
    assert [path.name for path in Path("out/heads").iterdir()] == ["audit-000000000002.json"]
