"""Commands beside the workers: what takes seconds, or needs the training stack, runs in its own process.

Pages and programs so do nothing that a command cannot: it is the command, with the reader as its actor.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from serving.http.problems import JOB_RUNNING, JOBS_RUNNING
from vipreco.actors import name_reader
from vipreco.durable import write_bytes, write_json
from vipreco.errors import EXIT_ALARM, EXIT_OK, BusyError

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,100}")
STARTING: Final = ".starting"
MAX_RUNNING: Final = 2  # each may take a core and the memory of a whole decision
MAX_ERROR: Final = 4_000


@dataclass(frozen=True)
class Job:
    """The last run of a command.

    Args:
        name: Its name.
        running: It has not ended.
        code: Exit code; None while it runs.
        finished_at: Moment in UTC; empty while it runs.
        seconds: Duration.
        error: The end of what it told on the error stream.
        folder: Where its output is.
        arguments: Of the command line, without the program.
        started_at: Moment in UTC.
        step: What it is at, as the terminal shows it; empty before its first step, and when it has ended.
        completed: Parts of the step that are done.
        total: Its parts; None where they are not counted.
    """

    name: str
    running: bool
    code: int | None
    finished_at: str
    seconds: float
    error: str
    folder: Path
    arguments: tuple[str, ...] = ()
    started_at: str = ""
    step: str = ""
    completed: int = 0
    total: int | None = None

    @property
    def succeeded(self) -> bool:
        """Return whether it has ended well; an alarm is a finding, no failure."""
        return not self.running and self.code in {EXIT_OK, EXIT_ALARM}

    @property
    def text(self) -> str:
        """Return what it wrote."""
        return _read(self.folder, f"{self.name}.out")

    @property
    def content(self) -> Any:
        """Return the JSON that it wrote; None where it wrote none or failed."""
        if not self.succeeded:
            return None
        try:
            return json.loads(self.text)
        except ValueError:
            return None


@dataclass(frozen=True)
class Jobs:
    """The jobs of a project.

    Args:
        root: Folder of the project, in which commands run.
    """

    root: Path

    @property
    def folder(self) -> Path:
        """Folder of their outputs."""
        return self.root / "data" / "serving" / "jobs"

    def start(self, name: str, arguments: Sequence[str], actor: str) -> None:
        """Start a command, unless it runs already.

        Args:
            name: Of the job; a new run replaces the result of the one before.
            arguments: Of the command line, without the program.
            actor: Who is named in the audit.

        Raises:
            BusyError: Too many run already, or this job runs with other arguments.
        """
        if NAME.fullmatch(name) is None:
            raise ValueError(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        with _held(self.folder / STARTING):  # or requests at the same moment would all find room
            if self.is_running(name):
                _check_same(self._running(name), arguments)
                return
            if sum(self.is_running(path.stem) for path in self.folder.glob("*.lock")) >= MAX_RUNNING:
                raise BusyError(
                    "other work that pages or programs started is still running",
                    remedy="wait until it has ended, then try again",
                    code=JOBS_RUNNING,
                )
            (self.folder / f"{name}.json").unlink(missing_ok=True)
            command = [
                sys.executable,
                "-m",
                "serving.workspace.job_runner",
                str(self.folder),
                name,
                *arguments,
            ]
            started = {"arguments": [*arguments], "started_at": _now()}
            with _held(self.folder / f"{name}.lock") as lock:  # which the process inherits
                os.write(lock, json.dumps(started).encode())
                subprocess.Popen(  # noqa: S603 - our own command, arguments as a list
                    command,
                    cwd=self.root,
                    env={**os.environ, **name_reader(self.root, actor, arguments)},
                    start_new_session=True,
                    pass_fds=(lock,),
                )

    def keep(self, name: str, arguments: Sequence[str], content: bytes) -> None:
        """Keep the output of a command that was run elsewhere, as its last run."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for ending, written in (("out", content), ("err", b"")):
            write_bytes(self.folder / f"{name}.{ending}", written)
        now = _now()
        ran = {"code": 0, "arguments": list(arguments), "seconds": 0.0, "started_at": now}
        write_json(self.folder / f"{name}.json", {**ran, "finished_at": now})

    def is_running(self, name: str) -> bool:
        """Return whether the command has not ended."""
        try:
            with (self.folder / f"{name}.lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def last(self, name: str) -> Job | None:
        """Return the last run of a command; None where there was none, or it was cut off."""
        if self.is_running(name):
            return self._running(name)
        try:
            told = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        error = _read(self.folder, f"{name}.err")[-MAX_ERROR:]
        code, arguments = told["code"], tuple(told["arguments"])
        moments = told["finished_at"], told["seconds"]
        return Job(name, False, code, *moments, error, self.folder, arguments, told["started_at"])

    def _running(self, name: str) -> Job:
        """Return a job that runs; one that was started by a version before has no arguments."""
        told = _json(self.folder / f"{name}.lock") or {"arguments": [], "started_at": ""}
        at = _json(self.folder / f"{name}.step") or {}
        arguments = tuple(told["arguments"])
        return Job(name, True, None, "", 0.0, "", self.folder, arguments, told["started_at"], **at)


def _check_same(running: Job, arguments: Sequence[str]) -> None:
    """Refuse to let somebody believe that their command runs, while the job runs with other arguments."""
    if running.arguments and running.arguments != tuple(arguments):
        raise BusyError(
            "this work runs already, about something else",
            remedy="wait until it has ended, then try again",
            code=JOB_RUNNING,
        )


def _json(path: Path) -> dict[str, Any] | None:
    """Return what a file holds; None where there is none, or not yet."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(folder: Path, name: str) -> str:
    """Return what a command wrote; where the project lies on the machine is nobody's business."""
    text = (folder / name).read_text(encoding="utf-8", errors="replace")
    return text.replace(f"{folder.parents[2]}/", "")


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """Hold the lock of a file; a process that inherits the descriptor goes on holding it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # readers ask for it for a moment
        yield lock.fileno()
