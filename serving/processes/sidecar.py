"""A process beside the workers that is started again when it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from serving.http import logs


class Sidecar:
    """Keeps one module of ours running.

    Args:
        module: What runs.
        folder: Where.
        pause: Seconds to wait before it is started again.
    """

    def __init__(self, module: str, folder: Path, pause: float) -> None:
        self.module, self.folder, self.pause = module, folder, pause
        self._child: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def look(self) -> None:
        """Start it if it does not run; called often, returns at once."""
        if self._child is not None and self._child.poll() is not None:
            logs.write("companion-ended", module=self.module, code=self._child.returncode)
            self._child = None
            self._not_before = time.monotonic() + self.pause
        if self._child is None and time.monotonic() >= self._not_before:
            self._child = self._start()

    def end(self) -> None:
        """End it."""
        if self._child is not None:
            self._child.terminate()
            self._child.wait(timeout=10)
            self._child = None

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "VIPRECO_PARENT": str(os.getpid())}
        command = [sys.executable, "-m", self.module]
        return subprocess.Popen(  # noqa: S603 - our own module
            command, cwd=self.folder, env=environment, start_new_session=True
        )
