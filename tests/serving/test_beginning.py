"""Workers that do not come up: a few tries, longer and longer pauses, and then the words of the last one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest

from serving.processes import supervisor
from serving.processes.launch import SERVICE, environment
from serving.processes.supervisor import MAX_STARTS, Supervisor, listen, worker_command
from vipreco.errors import DependencyDownError, IntegrityError, ResourcesError, UsageError, VipRecoError
from vipreco.project import Project
from vipreco.store import Keys, Store

DOWN = {"exit_code": 8, "what": "does not answer", "where": "db", "remedy": "start it", "code": "down"}
WORKER = f"""
import json, os, signal, sys, time
DOWN, NOTES = {DOWN!r}, sys.argv[1]
def tell(what):
    os.write(int(os.environ["VIPRECO_BEGINNING"]), json.dumps(what).encode())
open(NOTES, "a").write("x")
"""


@dataclass
class Watched:
    """A supervisor of workers that run some lines of Python."""

    supervisor: Supervisor
    notes: Path

    @property
    def starts(self) -> int:
        return len(self.notes.read_text())

    def until(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        """Run until something is true."""
        latest = time.monotonic() + seconds

        def look() -> None:
            self.supervisor.stopping = true() or time.monotonic() > latest

        self.supervisor.beside = look
        self.supervisor.run()
        assert time.monotonic() < latest


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watched]]:
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "TICK_SECONDS", 0.02)

    def make(lines: str, workers: int = 2) -> Watched:
        notes = tmp_path / "notes"
        notes.touch()
        (tmp_path / "worker.py").write_text(WORKER + lines)
        command = [sys.executable, "-S", str(tmp_path / "worker.py"), str(notes)]
        opened = listen("127.0.0.1", 0, behind_proxy=False)
        return Watched(Supervisor(command, opened, tmp_path, workers), notes)

    return make


@pytest.mark.parametrize(
    ("lines", "kind", "code", "words"),
    [
        ("tell(DOWN); sys.exit(8)", DependencyDownError, 8, "db: does not answer (down)\n  -> start it"),
        ("os.kill(os.getpid(), signal.SIGKILL)", ResourcesError, 7, "SIGKILL"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", IntegrityError, 6, "SIGSEGV"),
        ("sys.exit(9)", VipRecoError, 1, "exit code 9"),
    ],
)
def test_workers_that_never_answer_end_the_service_with_what_the_last_one_said(
    watched: Callable[..., Watched], lines: str, kind: type[VipRecoError], code: int, words: str
) -> None:
    service = watched(lines)
    with pytest.raises(kind) as told:
        service.supervisor.run()
    assert told.value.exit_code == code
    assert words in str(told.value)
    assert service.supervisor.running == []
    most = MAX_STARTS + (kind is IntegrityError)  # one more, after the release before was taken
    assert MAX_STARTS + 1 <= service.starts <= 2 * most


def test_pauses_between_starts_grow(watched: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.3)
    service = watched("print(time.monotonic(), file=open(NOTES + '.times', 'a')); sys.exit(9)", workers=1)
    with pytest.raises(VipRecoError):
        service.supervisor.run()
    times = [float(line) for line in Path(f"{service.notes}.times").read_text().split()]
    pauses = [later - sooner for sooner, later in pairwise(times)]
    assert len(pauses) == MAX_STARTS - 1
    for number, pause in enumerate(pauses):
        assert pause >= 0.3 * 2**number


def test_a_worker_that_has_answered_is_replaced_as_often_as_it_dies(watched: Callable[..., Watched]) -> None:
    service = watched("tell({'ready': True}); sys.exit(0)", workers=1)
    service.until(lambda: service.starts > MAX_STARTS)


def test_tries_do_not_end_while_another_worker_answers(watched: Callable[..., Watched]) -> None:
    first = "if os.path.getsize(NOTES) == 1: tell({'ready': True}); time.sleep(60)\n"
    service = watched(first + "time.sleep(0.1); sys.exit(9)")
    service.until(lambda: service.starts > MAX_STARTS + 1)


def test_one_that_comes_up_at_last_begins_the_count_anew(watched: Callable[..., Watched]) -> None:
    late = f"if os.path.getsize(NOTES) == {MAX_STARTS}: tell({{'ready': True}}); time.sleep(60)\n"
    service = watched(late + "sys.exit(9)", workers=1)
    service.until(lambda: service.starts == MAX_STARTS and service.supervisor.failures == 0)


def test_a_worker_of_the_service_says_why_it_cannot_begin_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A key that others can read is a wrong setting: here as on the command line."""
    (tmp_path / "vipreco.toml").write_text('[project]\nname = "small"\n')
    Store.open(f"sqlite:///{tmp_path}/data/store.db").close()
    Keys.open(tmp_path / "data" / "keys")
    (tmp_path / "data" / "keys" / "pseudonym.key").chmod(0o644)
    project = Project.find(tmp_path)
    monkeypatch.setattr(supervisor, "MAX_STARTS", 1)
    with patch.dict(os.environ):
        environment(project, project.settings.serving, tmp_path)
        opened = listen("127.0.0.1", 0, behind_proxy=False)
        with pytest.raises(UsageError) as told:
            Supervisor(worker_command(SERVICE), opened, tmp_path, 1).run()
    assert told.value.code == "key-readable"
    assert "chmod 600" in told.value.remedy
    written = capfd.readouterr().err
    assert '"code": 2' in written
    assert "Traceback" not in written
