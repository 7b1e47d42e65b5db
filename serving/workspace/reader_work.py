"""A reader's work beside the workers: commands of the project, and a record of each step in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from serving.http.app_state import AppState
from serving.workspace.jobs import Jobs
from vipreco.store import Event


@dataclass(frozen=True)
class ReaderWork:
    """Commands and audit records, for all kinds of work of a reader.

    Args:
        state: With the project and the store.
        actor: The reader.
    """

    state: AppState
    actor: str

    @cached_property
    def jobs(self) -> Jobs:
        """Commands of the project."""
        return Jobs(self.state.root)

    def note(self, action: str, about: str) -> None:
        """Write what was done into the audit, now."""
        self.state.note_at_once(Event(self.actor, action, about))
