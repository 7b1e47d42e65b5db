"""Commands that a page starts: once at a time, beside the workers, with what they wrote kept."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from serving.page import job_runner
from serving.page.jobs import Jobs


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


def test_a_command_runs_once_at_a_time(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    with (jobs.folder / "models.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        job = jobs.last("models")
        assert job is not None
        assert (job.running, job.succeeded, job.content) == (True, False, None)
        assert job_runner.main(jobs.folder, "models", ["models", "list"]) == 0  # leaves the other alone
    assert jobs.last("models") is None
    ran(jobs, monkeypatch, 0, json.dumps([]).encode())
    assert jobs.last("models") is not None
