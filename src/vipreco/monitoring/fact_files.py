"""Facts of snapshots on disk: a file each, so that a month is counted once."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from vipreco.durable import write_json
from vipreco.monitoring.snapshot_facts import ColumnCounts, Matured, Rate, SnapshotFacts

VERSION = 1


class FactFiles:
    """The folder with the facts of each snapshot; they hold counts and no customer.

    Args:
        folder: Made when the first file is written.
        key: What the facts depend on beside the date: tables and model; another key counts anew.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self.folder = folder
        self.key = key

    def read(self, day: date) -> SnapshotFacts | None:
        """Return the facts of a date; None where they are not there, or of other tables or another model."""
        try:
            content = json.loads(self._path(day).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if content.get("version") != VERSION or content.get("key") != self.key:
            return None
        return _facts(day, content["facts"])

    def write(self, facts: SnapshotFacts) -> None:
        """Keep the facts of a date."""
        self.folder.mkdir(parents=True, exist_ok=True)
        content = {**asdict(facts), "day": facts.day.isoformat()}
        write_json(self._path(facts.day), {"version": VERSION, "key": self.key, "facts": content})

    def _path(self, day: date) -> Path:
        return self.folder / f"{day.isoformat()}.json"


def _facts(day: date, content: dict[str, Any]) -> SnapshotFacts:
    ranking = content["ranking"]
    return SnapshotFacts(
        day=day,
        customers=int(content["customers"]),
        columns={name: ColumnCounts(**each) for name, each in content["columns"].items()},
        rates={name: Rate(**each) for name, each in content["rates"].items()},
        matured={name: Matured(**each) for name, each in content["matured"].items()},
        ranking=(float(ranking[0]), float(ranking[1])) if ranking else None,
        model=content["model"],
    )
