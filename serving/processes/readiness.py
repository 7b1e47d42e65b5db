"""Reports of workers to their supervisor: ready, or the reason of a failed start.

A report is a file in the private folder of the run. circus reports only how a process ended, and an operator
needs the reason: "the key can be read by others", not "exit code 2".
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http import logs
from serving.http.shared_limits import RUN_FOLDER
from vipreco.errors import (
    EXIT_BUG,
    MAX_EXAMPLES,
    BusyError,
    DependencyDownError,
    InputRejectedError,
    IntegrityError,
    ResourcesError,
    UsageError,
    VipRecoError,
)

NAMED = (UsageError, InputRejectedError, BusyError, IntegrityError, ResourcesError, DependencyDownError)
KINDS: dict[int, type[VipRecoError]] = {kind.exit_code: kind for kind in NAMED}
SEE_LOG = "the lines above say where"
# Signals that end a process before it can report anything.
BY_SIGNAL: dict[int, tuple[type[VipRecoError], str]] = {
    signal.SIGKILL: (ResourcesError, "give the machine more memory, or start fewer workers"),
    signal.SIGSEGV: (IntegrityError, "prepare with another model: `vipreco prepare --model VERSION`"),
}


class Readiness:
    """Passes the messages of start and stop to an application, and reports how the start went.

    Args:
        app: Takes the lifespan messages.

    Attributes:
        code: Exit code of a process whose start failed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.code = app, EXIT_BUG

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the messages on; a failure is reported by its own message instead of a traceback."""

        async def report_and_send(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                write_report({"ready": True})
            if message["type"] == "lifespan.startup.failed":
                message = {**message, "message": ""}
                self._report(sys.exception())
            await send(message)

        await self.app(scope, receive, report_and_send)

    def _report(self, error: BaseException | None) -> None:
        if isinstance(error, VipRecoError):
            self.code = error.exit_code
            words = {name: getattr(error, name) for name in ("exit_code", "what", "where", "remedy", "code")}
            write_report({**words, "examples": error.examples[:MAX_EXAMPLES]})
        elif error is not None:
            logs.write("worker-failed", **logs.place_of(error))


def write_report(report: dict[str, Any]) -> None:
    """Write the report of this process, whole or not at all; without a supervisor do nothing."""
    folder = os.environ.get(RUN_FOLDER)
    if folder is None:
        return
    target = _path(Path(folder), os.getpid())
    with suppress(OSError):
        unfinished = target.with_suffix(".part")
        unfinished.write_text(json.dumps(report), encoding="utf-8")
        unfinished.replace(target)


def read_report(folder: Path, process: int) -> dict[str, Any]:
    """Return the report of a process; empty while it has written none."""
    try:
        return dict(json.loads(_path(folder, process).read_bytes()))
    except (OSError, ValueError):
        return {}


def remove_report(folder: Path, process: int) -> None:
    """Remove the report of a process that ended: another one may get its number."""
    _path(folder, process).unlink(missing_ok=True)


def start_error(report: dict[str, Any], code: int) -> VipRecoError:
    """Return why a worker never answered.

    Args:
        report: Report of the worker.
        code: Exit code; negative: number of the signal that ended it.
    """
    if "what" in report:
        words = dict(report)
        return KINDS.get(words.pop("exit_code"), VipRecoError)(words.pop("what"), **words)
    kind, remedy = BY_SIGNAL.get(-code, (VipRecoError, SEE_LOG))
    ended = f"of signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return kind(f"no worker begins to answer: each ends {ended}", remedy=remedy, code="not-begun")


def _path(folder: Path, process: int) -> Path:
    return folder / f"report-{process}.json"
