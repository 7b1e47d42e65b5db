"""Follows the registry's alias: a process of its own looks, so that a registry that hangs holds up nobody."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from serving import logs
from serving.tether import tie_to_parent
from vipreco.project import Project

REGISTRY, CHAMPION = "training.registry", "champion"
LOOK_SECONDS = 5.0
REFUSED_SECONDS = 60.0


class RegistryWatch:
    """Notices a new champion and has its answers prepared; what is served goes on until that succeeded.

    Args:
        project: Whose registry.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._child: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def look(self) -> None:
        """Start the look-out again if it has ended; called often, returns at once."""
        if self._child is not None and self._child.poll() is None:
            return
        if self._child is not None:
            logs.write("registry-watch-ended", code=self._child.returncode)
            self._child = None
            self._not_before = time.monotonic() + REFUSED_SECONDS
        if time.monotonic() >= self._not_before:
            command = [sys.executable, "-m", "serving.registry"]
            self._child = subprocess.Popen(  # noqa: S603 - our own module
                command, cwd=self.project.root, start_new_session=True
            )

    def close(self) -> None:
        """End the look-out."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()


def follow(project: Project) -> None:
    """Look at the alias again and again, and prepare when it stands for another version."""
    import_registry = project.import_rim(REGISTRY)
    served: str | None = None
    refused: str | None = None
    while True:
        found = _alias(import_registry, project)
        if served is None:
            served = found
        elif found is not None and found not in {served, refused}:
            served, refused = (found, None) if _prepared(project.root) else (served, found)
        time.sleep(LOOK_SECONDS)


def _alias(registry: object, project: Project) -> str | None:
    """Return what the alias stands for, or None while the registry does not answer."""
    try:
        return str(registry.resolve(project, CHAMPION).folder)  # type: ignore[attr-defined]
    except Exception as error:
        logs.write("registry-down", **logs.place_of(error))
        return None


def _prepared(root: Path) -> bool:
    command = [sys.executable, "-m", "vipreco.cli", "prepare"]
    finished = subprocess.run(command, cwd=root, check=False, capture_output=True)  # noqa: S603
    logs.write("prepared", code=finished.returncode)
    return finished.returncode == 0


if __name__ == "__main__":
    tie_to_parent()
    follow(Project.find())
