"""How a worker tells its parent that it answers now, or why it never will."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http import logs
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

DESCRIPTOR = "VIPRECO_BEGINNING"  # where a worker writes what it tells
MAX_BYTES = 65_536  # what a pipe holds
NAMED = (UsageError, InputRejectedError, BusyError, IntegrityError, ResourcesError, DependencyDownError)
KINDS: dict[int, type[VipRecoError]] = {kind.exit_code: kind for kind in NAMED}
ABOVE = "what is written above says where"
# What ends a process before it can say a word.
BY_SIGNAL: dict[int, tuple[type[VipRecoError], str]] = {
    signal.SIGKILL: (ResourcesError, "give the machine more memory, or start fewer workers"),
    signal.SIGSEGV: (IntegrityError, "prepare with another model: `vipreco prepare --model VERSION`"),
}


class Beginning:
    """Begins and ends an application, and tells how it began.

    Args:
        app: What takes the messages of the process's own begin and end.

    Attributes:
        code: Exit code of a process that did not begin.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.code = app, EXIT_BUG

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the messages on; what went wrong is told in its own words instead of a traceback."""

        async def told(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                _tell({"ready": True})
            if message["type"] == "lifespan.startup.failed":
                message = {**message, "message": ""}
                self._explain(sys.exception())
            await send(message)

        await self.app(scope, receive, told)

    def _explain(self, error: BaseException | None) -> None:
        if isinstance(error, VipRecoError):
            self.code = error.exit_code
            words = {name: getattr(error, name) for name in ("exit_code", "what", "where", "remedy", "code")}
            _tell({**words, "examples": error.examples[:MAX_EXAMPLES]})
        elif error is not None:
            logs.write("worker-failed", **logs.place_of(error))


def _tell(what: dict[str, Any]) -> None:
    """Tell the parent, once; who has none that listens says nothing."""
    descriptor = os.environ.pop(DESCRIPTOR, None)
    if descriptor is not None:
        with suppress(OSError), os.fdopen(int(descriptor), "wb") as pipe:
            pipe.write(json.dumps(what).encode())


@dataclass
class Told:
    """What a worker has told its parent, through a pipe of its own."""

    pipe: tuple[int, int] = field(default_factory=os.pipe)
    _text: bytes = b""

    def started(self) -> None:
        """Leave the writing to the worker alone."""
        os.set_blocking(self.pipe[0], False)
        os.close(self.pipe[1])

    def look(self) -> None:
        """Read what was told since; returns at once."""
        with suppress(BlockingIOError):
            self._text += os.read(self.pipe[0], MAX_BYTES)

    def close(self) -> None:
        """Read what is left."""
        self.look()
        os.close(self.pipe[0])

    @property
    def is_ready(self) -> bool:
        """Whether the worker answers, or once did."""
        return "ready" in self._said()

    def error(self, code: int) -> VipRecoError:
        """Return why a worker never answered.

        Args:
            code: What it ended with; negative: of which signal.
        """
        said = self._said()
        if "what" in said:
            return KINDS.get(said.pop("exit_code"), VipRecoError)(said.pop("what"), **said)
        kind, remedy = BY_SIGNAL.get(-code, (VipRecoError, ABOVE))
        how = f"of signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return kind(f"no worker begins to answer: each ends {how}", remedy=remedy, code="not-begun")

    def _said(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._text))
        except ValueError:
            return {}
