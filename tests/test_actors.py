"""Who runs a command: no variable that anybody can set makes somebody else of an account."""

from __future__ import annotations

import os
import pwd
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from vipreco import actors
from vipreco.actors import CLAIM, current_actor, current_person, name_reader
from vipreco.errors import UsageError

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
PROMOTE = ["models", "promote", "3"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a project, in which a command runs."""
    (tmp_path / "vipreco.toml").write_text('[project]\nname = "test"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["vipreco", *PROMOTE])
    return tmp_path


def claim(project: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str] = PROMOTE) -> None:
    monkeypatch.setenv(CLAIM, name_reader(project, "user:ada", arguments)[CLAIM])


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("variable", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_variables_of_a_shell_name_nobody(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "ada")
    assert current_actor() == f"os:{ACCOUNT}"
    assert current_person() == ACCOUNT


def test_the_reader_of_a_page_is_the_actor_of_the_command_that_the_service_starts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(project, monkeypatch)
    assert current_actor() == "user:ada"
    assert current_person() == "ada"


@pytest.mark.parametrize("claimed", ["user:ada", "[]", '["user:ada", "now", "00"]', '{"user": "ada"}'])
def test_a_reader_whom_the_service_did_not_name_is_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch, claimed: str
) -> None:
    monkeypatch.setenv(CLAIM, claimed)
    with pytest.raises(UsageError, match="whom the service did not name"):  # there is no key
        current_actor()
    name_reader(project, "user:ada", PROMOTE)
    with pytest.raises(UsageError, match="whom the service did not name"):  # it is not made with the key
        current_actor()


def test_a_name_counts_for_no_other_command_reader_project_or_day(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(project, monkeypatch, ["models", "promote", "4"])
    with pytest.raises(UsageError, match=CLAIM):
        current_actor()
    named = name_reader(project, "user:ada", PROMOTE)[CLAIM]
    monkeypatch.setenv(CLAIM, named.replace("user:ada", "user:eve"))
    with pytest.raises(UsageError, match=CLAIM):
        current_actor()
    monkeypatch.setenv(CLAIM, named)
    assert current_actor() == "user:ada"
    monkeypatch.setattr(actors, "MAX_AGE", timedelta(seconds=-1))
    with pytest.raises(UsageError, match=CLAIM):
        current_actor()
