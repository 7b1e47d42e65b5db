"""Models for scientist and approver: versions, numbers beside baselines, findings, promotion, roll-back.

The registry needs the training stack, which no worker loads: `vipreco models` runs in a process of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from serving.http.problems import not_found
from serving.workspace.jobs import Job
from serving.workspace.reader_work import ReaderWork

VERSION: Final = re.compile(r"[0-9]{1,9}")
LIST_JOB, DECISION_JOB, MONITOR_JOB = "models", "model-decision", "monitor"
LIST: Final = ("models", "list", "--format", "json")
MONITOR: Final = ("monitor", "--format", "json")


@dataclass(frozen=True)
class ModelWork(ReaderWork):
    """The registered versions for a reader, and what a reader may start about them."""

    @property
    def decided(self) -> Job | None:
        """The last promotion or roll-back."""
        return self.jobs.last(DECISION_JOB)

    @property
    def findings(self) -> Job | None:
        """The last monitoring."""
        return self.jobs.last(MONITOR_JOB)

    def versions(self) -> Job | None:
        """Return the list of all versions; it is read anew after each decision about them."""
        listed = self.jobs.last(LIST_JOB)
        if listed is None or self._is_late(listed):
            self.jobs.start(LIST_JOB, LIST, self.actor)
            listed = self.jobs.last(LIST_JOB)
        self.note("models.read", "models")
        return listed

    def refresh(self) -> None:
        """Read the registry again."""
        self.jobs.start(LIST_JOB, LIST, self.actor)

    def version(self, version: str) -> Job | None:
        """Return all about a version.

        Raises:
            Problem: This cannot be the number of a version.
        """
        found = self._described(_checked(version))
        self.note("model.read", version)
        return found

    def compared(self, one: str, other: str) -> tuple[Job | None, Job | None]:
        """Return all about two versions.

        Raises:
            Problem: One of these cannot be the number of a version.
        """
        found = self._described(_checked(one)), self._described(_checked(other))
        self.note("models.compare", f"{one} {other}")
        return found

    def monitor(self) -> None:
        """Judge the newest snapshot by `vipreco monitor`."""
        self.jobs.start(MONITOR_JOB, MONITOR, self.actor)
        self.note("models.monitor", "models")

    def promote(self, version: str) -> None:
        """Approve a version by `vipreco models promote`, which judges its gates and who trained it.

        Raises:
            Problem: This cannot be the number of a version.
        """
        self._decide("promote", _checked(version))

    def roll_back(self) -> None:
        """Put the previous champion in force again by `vipreco models rollback`."""
        self._decide("rollback")

    def _decide(self, *arguments: str) -> None:
        self.jobs.start(DECISION_JOB, ["models", *arguments], self.actor)
        self.note("model.decide", " ".join(arguments))

    def _described(self, version: str) -> Job | None:
        """Return all about a version; its numbers never change, its verdict beside the champion may."""
        name = f"model-about-{version}"
        found = self.jobs.last(name)
        if found is None or self._is_late(found):
            self.jobs.start(name, ["models", "describe", version], self.actor)
            found = self.jobs.last(name)
        return found

    def _is_late(self, found: Job) -> bool:
        """Return whether something was decided since this was read."""
        decided = self.decided
        if decided is None or decided.running or found.running:
            return False
        return decided.finished_at > found.finished_at


def _checked(version: str) -> str:
    if VERSION.fullmatch(version) is None:
        raise not_found()
    return version
