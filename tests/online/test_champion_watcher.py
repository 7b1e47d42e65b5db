"""The service follows the registry's alias and the calendar, and nobody's choice is overruled."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from serving.processes import champion_watcher
from serving.processes.champion_watcher import ChampionWatcher
from vipreco.errors import DependencyDownError
from vipreco.new_project import create
from vipreco.online import Releases
from vipreco.project import PROJECT_FILE, Project


@dataclass
class Registry:
    """A registry whose champion is what a test says."""

    champion: str | None

    def resolve(self, project: Project, reference: str) -> Any:
        assert reference == "champion"
        if self.champion is None:
            raise DependencyDownError("hangs", code="registry-down")
        return type("Resolved", (), {"artifact_hash": self.champion})


@dataclass
class Tried:
    """A follower whose commands are written down."""

    follower: ChampionWatcher
    registry: Registry
    commands: list[list[str]] = field(default_factory=list)

    def look(self, champion: str | None) -> list[list[str]]:
        self.registry.champion = champion
        before = len(self.commands)
        self.follower.look()
        return self.commands[before:]


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tried:
    project = create(tmp_path / "bank")
    found = Tried(ChampionWatcher(project), Registry(None))
    monkeypatch.setattr(Project, "import_rim", lambda *_: found.registry)

    def run(command: list[str], **_: Any) -> Any:
        found.commands.append(command[3:])
        return type("Finished", (), {"returncode": 6})

    monkeypatch.setattr(champion_watcher.subprocess, "run", run)
    return found


def in_force(tried: Tried, as_of: str) -> Path:
    """Put a folder in force that was prepared for a date."""

    def fill(folder: Path) -> dict[str, str]:
        (folder / "part").write_text(as_of)
        return {"as_of": as_of, "artifact_hash": "a" * 64}

    return Releases(tried.follower.project.root / "data" / "serving").publish(fill)


def test_another_champion_is_prepared_once_even_if_it_is_refused(tried: Tried) -> None:
    in_force(tried, "2999-01-01")
    tried.follower.releases.follow("a" * 64)
    assert tried.look("a" * 64) == []
    assert tried.look(None) == []
    assert tried.look("b" * 64) == [["prepare"]]
    assert tried.look("b" * 64) == []
    assert tried.look("a" * 64) == [["prepare"]]


def test_a_model_that_somebody_chose_stays_until_the_champion_changes(tried: Tried) -> None:
    in_force(tried, "2999-01-01")
    assert tried.look("b" * 64) == []
    assert tried.look("c" * 64) == [["prepare"]]


def test_a_new_day_is_prepared_with_the_model_in_force(tried: Tried) -> None:
    folder = in_force(tried, "2020-01-01")
    tried.follower.releases.follow("a" * 64)
    assert tried.look(None) == [["prepare", "--model", str(folder / "artifact")]]
    assert tried.look(None) == []  # not again at once


def test_a_bank_to_practise_on_has_no_new_day(tried: Tried) -> None:
    in_force(tried, "2020-01-01")
    path = tried.follower.project.root / PROJECT_FILE
    path.write_text(path.read_text() + '\n[serving]\nbusiness_date = "snapshot"\n')
    tried.follower.project = Project.find(path.parent)
    assert tried.look(None) == []
    assert json.loads((tried.follower.releases.folder / "current.json").read_bytes())["previous"] is None
