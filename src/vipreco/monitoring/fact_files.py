"""Facts of snapshots on disk: a file each, so that a month is counted once."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from datetime import date
from pathlib import Path

from vipreco.durable import write_json
from vipreco.monitoring.snapshot_facts import SnapshotFacts

VERSION = 1


class FactFiles:
    """The folder with the facts of each snapshot; they hold counts and no customer.

    Args:
        folder: Made when the first file is written.
        model: Artifact behind chances and offers; facts of another are counted anew.
        tables: Fingerprint of the tables.
        earlier: Fingerprints that the same tables had before later months came.
    """

    def __init__(self, folder: Path, model: str, tables: str, earlier: Collection[str] = ()) -> None:
        self.folder = folder
        self.model = model
        self.tables = tables
        self.earlier = frozenset(earlier)

    def read(self, day: date, *, corrected: bool = False) -> SnapshotFacts | None:
        """Return the facts of a date; None where they are not there, or of other tables or another model.

        Args:
            day: Date of the snapshot.
            corrected: Whether its rows changed after they came: then only facts of these tables are taken.
        """
        try:
            content = json.loads(self._path(day).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        tables = {self.tables} if corrected else {self.tables, *self.earlier}
        known = content.get("version") == VERSION and content.get("tables") in tables
        if not known or content.get("model") != self.model:
            return None
        return SnapshotFacts.from_record(content["facts"])

    def write(self, facts: SnapshotFacts) -> None:
        """Keep the facts of a date."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {**asdict(facts), "day": facts.day.isoformat()}
        write_json(
            self._path(facts.day),
            {"version": VERSION, "model": self.model, "tables": self.tables, "facts": content},
        )

    def _path(self, day: date) -> Path:
        return self.folder / f"{day.isoformat()}.json"
