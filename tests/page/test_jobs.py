"""Commands that a page starts: once at a time, beside the workers, with what they wrote kept."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.page.languages import wording
from serving.workspace import job_runner
from serving.workspace.jobs import MAX_RUNNING, Jobs
from vipreco import errors
from vipreco.cli.progress import STEP_FILE, narrated
from vipreco.documents.document import Language
from vipreco.errors import BusyError

START = Jobs.start  # as it is outside of these tests, where pages start nothing
Process = subprocess.Popen[bytes]


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    found = Jobs(tmp_path)
    found.folder.mkdir(parents=True)
    return found


def ran(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, code: int, out: bytes, err: bytes = b"") -> None:
    """Run a job whose command writes these bytes and ends with this code."""

    def run(command: list[str], **files: object) -> SimpleNamespace:
        assert command == [sys.executable, "-m", "vipreco.cli", "models", "list"]
        files["stdout"].write(out)  # type: ignore[attr-defined]
        files["stderr"].write(err)  # type: ignore[attr-defined]
        return SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", run)
    assert job_runner.main(jobs.folder, "models", ["models", "list"]) == code


def test_before_the_first_run_there_is_none(jobs: Jobs) -> None:
    assert jobs.last("models") is None
    assert not jobs.is_running("models")


def test_the_output_of_a_finished_command_is_its_content(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    ran(jobs, monkeypatch, 0, b'[{"version": "1"}]', b"a note")
    job = jobs.last("models")
    assert job is not None
    assert job.succeeded
    assert job.content == [{"version": "1"}]
    assert job.error == "a note"


def test_a_command_that_failed_has_no_content_and_says_why(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(jobs, monkeypatch, 2, b"[1]", b"no such version")
    job = jobs.last("models")
    assert job is not None
    assert (job.succeeded, job.code, job.content, job.error) == (False, 2, None, "no such version")


@pytest.fixture
def sleepers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    """Processes that run in the place of commands, until the test ends."""
    found: list[Process] = []
    popen = subprocess.Popen

    def start(command: list[str], **given: Any) -> Process:
        del command
        found.append(popen(["sleep", "60"], pass_fds=given["pass_fds"]))
        return found[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    yield found
    for process in found:
        process.kill()
        process.wait()


def test_a_command_runs_once_at_a_time(jobs: Jobs, sleepers: list[Process]) -> None:
    for _ in range(2):
        START(jobs, "models", ["models", "list"], "user:ann")
        job = jobs.last("models")
        assert job is not None
        assert (job.running, job.succeeded, job.content) == (True, False, None)
    (process,) = sleepers
    process.kill()
    process.wait()
    assert jobs.last("models") is None
    assert not jobs.is_running("models")


def test_a_job_that_runs_tells_its_command_and_takes_no_other(jobs: Jobs, sleepers: list[Process]) -> None:
    """The second of two promotions was dropped without a word."""
    START(jobs, "model-decision", ["models", "promote", "2"], "user:ann")
    START(jobs, "model-decision", ["models", "promote", "2"], "user:bob")
    with pytest.raises(BusyError) as refused:
        START(jobs, "model-decision", ["models", "promote", "3"], "user:ann")
    assert refused.value.code == "job-running"
    job = jobs.last("model-decision")
    assert job is not None
    assert job.arguments == ("models", "promote", "2")
    assert datetime.fromisoformat(job.started_at) <= datetime.now(UTC)
    assert len(sleepers) == 1


def test_a_running_command_tells_what_it_is_at(
    jobs: Jobs, sleepers: list[Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    START(jobs, "models", ["models", "list"], "user:ann")
    steps = []
    monkeypatch.setenv(STEP_FILE, str(jobs.folder / "models.step"))
    with narrated("Plan") as narrator:
        for step, completed, total in (("rules", 0, None), ("parts", 3, 10), ("parts", 4, 10)):
            narrator.count(step, completed, total)
            job = jobs.last("models")
            assert job is not None
            steps.append((job.step, job.completed, job.total))
    assert steps == [("rules", 0, None), ("parts", 3, 10), ("parts", 3, 10)]  # not at every count
    assert job_runner.STEP_FILE == STEP_FILE
    ran(jobs, monkeypatch, 0, b"[]")
    assert not list(jobs.folder.glob("*.step"))


def test_twenty_commands_that_are_asked_for_at_one_moment_are_not_all_started(
    jobs: Jobs, sleepers: list[Process]
) -> None:
    def refused(number: int) -> bool:
        try:
            START(jobs, f"campaign-plan-{number}", ["campaign", "plan"], "user:ann")
        except BusyError:
            return True
        return False

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(refused, range(20)))
    assert len(sleepers) == MAX_RUNNING
    assert answers.count(True) == 20 - MAX_RUNNING


def test_a_page_that_looks_at_a_job_does_not_keep_it_from_starting(
    jobs: Jobs, sleepers: list[Process]
) -> None:
    lock = jobs.folder / "models.lock"
    with lock.open("w") as looking, ThreadPoolExecutor(1) as pool:
        fcntl.flock(looking, fcntl.LOCK_SH)
        starting = pool.submit(START, jobs, "models", ["models", "list"], "user:ann")
        assert starting.done() is False
        fcntl.flock(looking, fcntl.LOCK_UN)
        starting.result(timeout=30)
    assert len(sleepers) == 1
    assert jobs.is_running("models")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_exit_code_of_a_failed_command_has_words(language: Language):
    codes = {number for name, number in vars(errors).items() if name.startswith("EXIT_")}
    say = wording(language)
    for code in codes - {errors.EXIT_OK, errors.EXIT_ALARM, errors.EXIT_INTERRUPTED}:
        assert say(f"job_failed.{code}")
