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
