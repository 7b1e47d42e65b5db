"""Prepares a release when the registry names another champion or a new day begins.

It is a process of its own, so that a registry that hangs delays no answer.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from serving.http import logs
from serving.http.app_state import releases_of
from serving.processes.parent_death_signal import end_with_parent
from serving.processes.start_pause import wait_before_start
from vipreco.online import MANIFEST, Releases
from vipreco.project import Project

REGISTRY, CHAMPION = "training.registry", "champion"
LOOK_SECONDS, AGAIN_SECONDS = 5.0, 900.0


@dataclass
class ChampionWatcher:
    """Compares the champion and the date with the release in force.

    A release that somebody chose (`vipreco prepare --roll-back`, `--model`) stays in force until the champion
    changes again. A champion that was refused is not tried a second time.

    Args:
        project: Project whose registry and releases.
    """

    project: Project
    _not_before: float = field(default=0.0, init=False)

    @property
    def releases(self) -> Releases:
        """The releases of the project."""
        return releases_of(self.project.root)

    def look(self) -> None:
        """Check once."""
        found, followed = self._alias(), self.releases.followed()
        if found is not None and followed is None:
            self.releases.follow(found)
        elif found is not None and found != followed:
            logs.write("champion", model=found[:16])
            self._prepare()
            self.releases.follow(found)
        elif self._is_another_day() and time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + AGAIN_SECONDS
            self._prepare("--model", str(self.releases.current() / "artifact"))

    def _alias(self) -> str | None:
        """Return the hash of the champion, or None while the registry does not answer."""
        try:
            return str(self.project.import_rim(REGISTRY).resolve(self.project, CHAMPION).artifact_hash)
        except Exception as error:
            logs.write("registry-down", **logs.place_of(error))
            return None

    def _is_another_day(self) -> bool:
        """Return whether the release in force was prepared for an earlier day than today."""
        manifest = self._manifest()
        if self.project.settings.serving.business_date != "clock" or manifest is None:
            return False
        today = datetime.date.today().isoformat()  # noqa: DTZ011 - the business lives by local time
        return str(manifest["as_of"]) < today

    def _manifest(self) -> dict[str, Any] | None:
        if self.releases.pointer() is None:
            return None
        return dict(json.loads((self.releases.current() / MANIFEST).read_bytes()))

    def _prepare(self, *options: str) -> None:
        command = [sys.executable, "-m", "vipreco.cli", "prepare", *options]
        finished = subprocess.run(  # noqa: S603 - our own command
            command, cwd=self.project.root, check=False, capture_output=True
        )
        logs.write("prepared", code=finished.returncode)


def follow(project: Project) -> None:
    """Check again and again."""
    follower = ChampionWatcher(project)
    while True:
        follower.look()
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    os.umask(0o077)
    os.nice(10)  # answers come first
    end_with_parent()
    wait_before_start()
    follow(Project.find())
