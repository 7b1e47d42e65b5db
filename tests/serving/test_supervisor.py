"""Failed starts: a few tries, longer and longer pauses, then the reason that the last worker reported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import psutil
import pytest

from serving.processes import supervisor
from serving.processes.environment import set_environment
from serving.processes.launch import SERVICE
from serving.processes.supervisor import MAX_STARTS, Supervisor, listen, worker_command
from vipreco.errors import DependencyDownError, IntegrityError, ResourcesError, UsageError, VipRecoError
from vipreco.project import Project
from vipreco.store import Keys, Store

DOWN = {"exit_code": 8, "what": "does not answer", "where": "db", "remedy": "start it", "code": "down"}
WORKER = f"""
import json, os, signal, sys, time
DOWN, NOTES = {DOWN!r}, sys.argv[1]
def tell(what):
    path = os.path.join(os.environ["VIPRECO_RUN_FOLDER"], f"report-{{os.getpid()}}.json")
    open(path, "w").write(json.dumps(what))
time.sleep(float(os.environ.get("VIPRECO_START_PAUSE", "0")))
open(NOTES, "a").write("x")
"""


def children_of(process: int, words: str) -> list[int]:
    """Return the processes of a parent whose command holds some words."""
    command = ["pgrep", "-P", str(process), "-f", words]
    found = subprocess.run(command, check=False, capture_output=True)
    return [int(line) for line in found.stdout.split()]


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

        def watch() -> None:
            while not true() and time.monotonic() < latest:
                time.sleep(0.02)
            self.supervisor.stop()

        watching = threading.Thread(target=watch)
        watching.start()
        self.supervisor.run()
        watching.join()
        assert time.monotonic() < latest


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Watched]]:
    monkeypatch.setattr(supervisor, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "CHECK_SECONDS", 0.02)

    def make(lines: str, workers: int = 2) -> Watched:
        notes = tmp_path / "notes"
        notes.touch()
        (tmp_path / "worker.py").write_text(WORKER + lines)
        command = [sys.executable, "-S", str(tmp_path / "worker.py"), str(notes)]
        opened = listen("127.0.0.1", 0, behind_proxy=False)
        return Watched(Supervisor(command, opened, tmp_path, workers), notes)

    return make


@pytest.mark.parametrize("is_dropped", [False, True], ids=["reaped", "dropped"])
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
    watched: Callable[..., Watched],
    monkeypatch: pytest.MonkeyPatch,
    lines: str,
    kind: type[VipRecoError],
    code: int,
    words: str,
    is_dropped: bool,
) -> None:
    """Dropped: circus takes a worker that dies between two of its looks off its list and tells nobody."""
    if is_dropped:
        monkeypatch.setattr(supervisor.Arbiter, "reap_processes", lambda arbiter: None)
    service = watched(lines)
    with pytest.raises(kind) as told:
        service.supervisor.run()
    assert told.value.exit_code == code
    assert words in str(told.value)
    assert children_of(os.getpid(), str(service.notes)) == []
    assert MAX_STARTS + 1 <= service.starts <= 2 * MAX_STARTS


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
    last = f"if os.path.getsize(NOTES) == {MAX_STARTS}: "
    late = last + "tell({'ready': True}); open('late', 'w'); time.sleep(60)\n"
    service = watched(late + "sys.exit(9)", workers=1)
    service.until(lambda: service.starts == MAX_STARTS and (service.notes.parent / "late").exists())
    assert service.supervisor.failures == 0


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
        set_environment(project, project.settings.serving, tmp_path)
        opened = listen("127.0.0.1", 0, behind_proxy=False)
        with pytest.raises(UsageError) as told:
            Supervisor(worker_command(SERVICE), opened, tmp_path, 1).run()
    assert told.value.code == "key-readable"
    assert "chmod 600" in told.value.remedy
    written = capfd.readouterr().err
    assert '"code": 2' in written
    assert "Traceback" not in written


WAITS = "tell({'ready': True}); time.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_service(watched: Callable[..., Watched], number: int) -> None:
    """F24: circus alone takes SIGHUP as "start the workers again" and outlives its terminal."""
    service = watched(WAITS)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), number))
    timer.start()
    service.supervisor.run()
    timer.join()
    assert service.starts == 2
    assert children_of(os.getpid(), str(service.notes)) == []


def test_a_stop_is_not_lost_while_circus_is_busy(
    watched: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    """circus answers a stop with ConflictError while it looks after its watchers, and forgets it."""
    refusals = iter(range(3))
    stop = supervisor.Arbiter.stop

    def busy(arbiter: supervisor.Arbiter) -> object:
        if next(refusals, None) is not None:
            raise supervisor.ConflictError("busy")
        return stop(arbiter)

    monkeypatch.setattr(supervisor.Arbiter, "stop", busy)
    service = watched(WAITS)
    service.until(lambda: service.starts == 2, 10)
    assert next(refusals, None) is None


def test_nobody_else_on_the_machine_can_command_the_supervisor(watched: Callable[..., Watched]) -> None:
    """The control sockets of circus start any command for who reaches them: no port, a private folder."""
    service = watched(WAITS)
    seen: list[tuple[int, int, int]] = []

    def look() -> bool:
        if service.starts < 2:
            return False
        listening = [each for each in psutil.Process().net_connections("tcp") if each.status == "LISTEN"]
        folder = service.supervisor._reports
        seen.append((len(listening), folder.stat().st_mode & 0o777, len(list(folder.glob("control")))))
        return True

    service.until(look)
    assert seen == [(1, 0o700, 1)]


def test_three_segmentation_faults_in_a_minute_put_the_release_before_in_force(
    watched: Callable[..., Watched],
) -> None:
    """F25: workers that had answered, so none of them counts as a failed start."""
    service = watched("tell({'ready': True}); os.kill(os.getpid(), signal.SIGSEGV)", workers=1)
    rolled_back: list[int] = []
    service.supervisor.on_crashes = lambda: rolled_back.append(service.starts)
    service.until(lambda: bool(rolled_back))
    assert rolled_back[0] == 3
