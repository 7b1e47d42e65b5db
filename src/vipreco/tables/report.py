"""Result of an import: the ledger of each file, warnings and quarantine files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vipreco.errors import EXIT_OK, EXIT_ROWS_QUARANTINED


@dataclass(frozen=True)
class FileLedger:
    """Every row of one file, accounted for: `read = accepted + quarantined + duplicates`.

    Attributes:
        name: Name of the file.
        sha256: Fingerprint of its bytes.
        entry: Fingerprint of the mapping entry that read it.
        read: Rows in the file.
        accepted: Rows whose content was stored.
        quarantined: Rows refused, with a reason, in the quarantine file.
        duplicates: Rows that say exactly what another row, or a stored one, says.
        reasons: Quarantined rows by `column: code`.
        newest: Newest snapshot by table, and its number of rows.
        defaulted: By `table.column`, the values that are not understood and count as the safe one.
    """

    name: str
    sha256: str
    entry: str
    read: int
    accepted: int
    quarantined: int
    duplicates: int
    reasons: dict[str, int] = field(default_factory=dict)
    newest: dict[str, tuple[str, int]] = field(default_factory=dict)
    defaulted: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.read != self.accepted + self.quarantined + self.duplicates:
            raise AssertionError(
                f"{self.name}: {self.read} rows read, but {self.accepted} accepted, {self.quarantined} "
                f"quarantined and {self.duplicates} duplicates do not add up to them"
            )

    def content(self) -> dict[str, Any]:
        """Return the entry as it stands in the manifest."""
        return asdict(self)


@dataclass(frozen=True)
class ImportReport:
    """Result of an import.

    Attributes:
        batch_id: The batch; of an earlier one where nothing was new.
        snapshot_id: Fingerprint of the tables afterwards.
        files: Ledger of each file, in the order given.
        tables: Rows written by table.
        warnings: What was taken but deserves a look.
        quarantine: Files that hold the refused rows; correct and import them again.
        already_ingested: Nothing was new, nothing was changed.
    """

    batch_id: str
    snapshot_id: str
    files: tuple[FileLedger, ...]
    tables: dict[str, int]
    warnings: tuple[str, ...] = ()
    quarantine: tuple[Path, ...] = ()
    already_ingested: bool = False

    @property
    def exit_code(self) -> int:
        """0, or 4 when rows were quarantined."""
        if self.already_ingested or not any(file.quarantined for file in self.files):
            return EXIT_OK
        return EXIT_ROWS_QUARANTINED
