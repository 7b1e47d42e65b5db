"""What the service stands on: store, spool, keys, settings, and the publication that it answers from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from vipreco.serving_settings import ServingSettings
from vipreco.store import Decision, Event, Keys, Note, Scope, Spool, Store


@dataclass
class Core:
    """What every request may use.

    Args:
        root: Folder of the project.
        settings: `[serving]` of `vipreco.toml`.
        store: Operational records.
        spool: Audit and decisions on their way into the store.
        keys: For pseudonyms.
        publication: What answers; swapped as a whole.
    """

    root: Path
    settings: ServingSettings
    store: Store
    spool: Spool
    keys: Keys
    publication: Any = None
    pages: dict[str, Any] = field(default_factory=dict)

    def today(self) -> date:
        """Return the business date: the clock's, or the date of the snapshot that is served."""
        return self.now().date()

    def now(self) -> datetime:
        """Return the business's moment: its date with the clock's time of day, as contacts are dated."""
        clock = datetime.now()  # noqa: DTZ005 - the business lives by local time
        if self.settings.business_date == "clock" or self.publication is None:
            return clock
        return datetime.combine(self.publication.snapshot_date, clock.time())

    def note(self, event: Event, decision: Decision | None = None) -> None:
        """Note a read of a customer before its answer leaves; the store takes it over within moments.

        Raises:
            VipRecoError: No more notes can be taken: the answer must not leave.
        """
        self.spool.put(Note(event, decision))

    def note_at_once(self, event: Event) -> None:
        """Note a named read in the store itself before its answer leaves.

        Raises:
            VipRecoError: The store does not take it: the answer must not leave.
        """
        self.spool.through(Note(event))

    def read_of(self, scope: Scope, action: str, customer_id: str, result: str = "ok") -> Event:
        """Return the audit record of a read of a customer, who is named by a pseudonym."""
        version = "" if self.publication is None else self.publication.model_version
        return Event(scope.actor, action, self.keys.pseudonym_of(customer_id), result, model_version=version)


def clock() -> datetime:
    """Return the moment now in UTC, as the store keeps moments."""
    return datetime.now(UTC).replace(tzinfo=None)


def age_days(snapshot_date: date, today: date) -> int:
    """Return how many days old a snapshot is."""
    return (today - snapshot_date) // timedelta(days=1)
