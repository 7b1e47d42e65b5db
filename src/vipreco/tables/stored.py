"""The imported tables as others read them: an immutable snapshot of Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vipreco.durable import sha256_of
from vipreco.errors import IntegrityError, UsageError
from vipreco.tables.batches import Manifest, read_manifest
from vipreco.tables.contracts import TABLE_NAMES


class Tables:
    """The tables as of the newest committed batch when they were opened."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: Path) -> Tables:
        """Open the tables folder `path`.

        Raises:
            UsageError: Nothing was imported there yet.
            IntegrityError: Its manifest is damaged.
        """
        manifest = read_manifest(path)
        if not manifest.batches:
            raise UsageError(
                "nothing is imported yet",
                where=str(path),
                remedy="run `vipreco import --mapping FILE SOURCE...` first",
                code="no-tables",
            )
        return cls(path, manifest)

    @property
    def snapshot_id(self) -> str:
        """Fingerprint of everything that is imported: 16 hex digits."""
        return self.manifest.snapshot_id

    def files(self, table: str) -> list[Path]:
        """Return the Parquet files of a table in batch order; none when the table is absent."""
        if table not in TABLE_NAMES:
            raise KeyError(f"no table {table!r}; tables are {', '.join(TABLE_NAMES)}")
        return [self.path / entry["path"] for entry in self.manifest.files(table)]

    def rows(self, table: str) -> int:
        """Return the number of stored rows of a table, all versions counted."""
        return sum(int(entry["rows"]) for entry in self.manifest.files(table))

    def verify(self) -> None:
        """Check every file against the SHA-256 in the manifest.

        Raises:
            IntegrityError: A file is missing or changed; the first is named.
        """
        for table in TABLE_NAMES:
            for entry in self.manifest.files(table):
                self._verify_file(entry)

    def _verify_file(self, entry: dict[str, Any]) -> None:
        path = self.path / entry["path"]
        if not path.is_file() or sha256_of(path) != entry["sha256"]:
            raise IntegrityError(
                "is missing or not what was imported",
                where=str(path),
                remedy="restore the tables folder from a backup, or import the sources again",
                code="table-file",
            )
