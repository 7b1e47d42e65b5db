"""The imported tables as others read them: an immutable snapshot of Parquet files."""

from __future__ import annotations

from pathlib import Path

from vipreco.errors import InputRejectedError, IntegrityError, UsageError
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.tables.batches import Manifest, read_manifest
from vipreco.tables.contracts import TABLE_NAMES
from vipreco.verified_files import VerifiedFiles

LEDGER = ".verified.json"


class Tables:
    """The tables as of the newest committed batch when they were opened."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(
        cls, path: Path, snapshot_id: str | None = None, signatures: Signatures = NO_SIGNATURES
    ) -> Tables:
        """Open the tables folder `path`.

        Args:
            path: The folder.
            snapshot_id: The tables as they were when this was their fingerprint; without it, as they are now.
            signatures: Checks who wrote their manifest.

        Raises:
            UsageError: Nothing was imported there yet.
            InputRejectedError: They never had this fingerprint.
            IntegrityError: Its manifest is damaged or not signed as it has to be, or a file is missing or
                changed; it is named.
        """
        manifest = read_manifest(path, signatures)
        if not manifest.batches:
            raise UsageError(
                "nothing is imported yet",
                where=str(path),
                remedy="run `vipreco import --mapping FILE SOURCE...` first",
                code="no-tables",
            )
        found = cls(path, manifest if snapshot_id is None else _earlier(path, manifest, snapshot_id))
        found._check(full=False)
        return found

    @property
    def snapshot_id(self) -> str:
        """Fingerprint of everything that is imported: 16 hex digits."""
        return self.manifest.snapshot_id

    @property
    def decisions(self) -> tuple[str, ...]:
        """Mass reopenings, `PRODUCT@DATE`, that were decided to be acquisitions."""
        return self.manifest.decisions

    @property
    def snapshot_ids(self) -> list[str]:
        """The fingerprints that the tables ever had, the oldest first."""
        batches = self.manifest.batches
        return [
            *(Manifest(batches[:length]).snapshot_id for length in range(1, len(batches))),
            self.snapshot_id,
        ]

    def files(self, table: str) -> list[Path]:
        """Return the Parquet files of a table in batch order; none when the table is absent."""
        if table not in TABLE_NAMES:
            raise KeyError(f"no table {table!r}; tables are {', '.join(TABLE_NAMES)}")
        return [self.path / entry["path"] for entry in self.manifest.files(table)]

    def rows(self, table: str) -> int:
        """Return the number of stored rows of a table, all versions counted."""
        return sum(int(entry["rows"]) for entry in self.manifest.files(table))

    def verify(self) -> None:
        """Read every file and check it against its SHA-256; `open` reads those that may have changed.

        Raises:
            IntegrityError: A file is missing or changed; the first is named.
        """
        self._check(full=True)

    def _check(self, *, full: bool) -> None:
        entries = (entry for table in TABLE_NAMES for entry in self.manifest.files(table))
        hashes = {str(entry["path"]): str(entry["sha256"]) for entry in entries}
        wrong = VerifiedFiles(self.path, hashes, self.path / LEDGER).wrong(full=full)
        if wrong:
            raise IntegrityError(
                "is missing or not what was imported",
                where=str(self.path / wrong[0]),
                remedy="restore the tables folder from a backup, or import the sources again",
                code="table-file",
                examples=wrong,
            )


def _earlier(path: Path, manifest: Manifest, snapshot_id: str) -> Manifest:
    """Return the manifest as it was after the batch that gave it this fingerprint."""
    if manifest.snapshot_id == snapshot_id:
        return manifest
    lengths = range(len(manifest.batches), 0, -1)
    found = (Manifest(manifest.batches[:length]) for length in lengths)
    earlier = next((one for one in found if one.snapshot_id == snapshot_id), None)
    if earlier is None:
        raise InputRejectedError(
            f"the tables never were snapshot {snapshot_id}",
            where=str(path),
            remedy="restore the tables folder that held it, and name it as `tables` in vipreco.toml",
            code="snapshot-gone",
        )
    return earlier
