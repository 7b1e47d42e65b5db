"""One source file during an import: inspected, hashed, converted in chunks, every row accounted for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from vipreco.durable import canonical_json, sha256_of
from vipreco.errors import InputRejectedError, UsageError
from vipreco.project import parse_toml
from vipreco.tables import parquet_files, staged_table
from vipreco.tables.expectations import expected
from vipreco.tables.id_columns import Suspicion
from vipreco.tables.mapping_file import QUARANTINE_SUFFIX, Manifest, SourceRule, TableRule
from vipreco.tables.report import FileLedger
from vipreco.tables.sources import BadRows, RowLocations, TextChunk, TextSource
from vipreco.tables.staged_table import ConvertedChunk, StagedTable

ACCEPTED, DUPLICATE, QUARANTINED = 0, 1, 2
Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Candidate:
    """A file that is to be read, before anything of it is parsed."""

    path: Path
    rule: SourceRule
    sha256: str
    stamp: Stamp

    @property
    def entry(self) -> str:
        """Fingerprint of the mapping entry: the same file read otherwise is another import."""
        return hashlib.sha256(canonical_json(self.rule.model_dump(mode="json"))).hexdigest()[:16]

    @property
    def repaired(self) -> bool:
        """True for a corrected quarantine file."""
        return self.path.name.endswith(QUARANTINE_SUFFIX)

    @property
    def format(self) -> str:
        """The file's format: as declared, else by its ending; a quarantine file is a CSV."""
        if self.repaired:
            return "csv"
        return self.rule.format or {".parquet": "parquet", ".xlsx": "xlsx"}.get(
            self.path.suffix.lower(), "csv"
        )


def inspect(path: Path, rule: SourceRule) -> Candidate:
    """Look at a file without parsing it.

    Raises:
        UsageError: Not there, not a regular file, not readable.
        InputRejectedError: Empty, or not what its manifest says.
    """
    stamp = stamp_of(path)
    if stamp[0] == 0:
        raise InputRejectedError("empty file", where=str(path), remedy="ask for it again", code="empty-file")
    candidate = Candidate(path, rule, sha256_of(path), stamp)
    expected = manifest_of(candidate).sha256
    if expected and expected.lower() != candidate.sha256:
        raise InputRejectedError(
            f"SHA-256 is {candidate.sha256}, its manifest says {expected.lower()}",
            where=str(path),
            remedy="transfer the file again",
            code="manifest-sha256",
        )
    return candidate


def stamp_of(path: Path) -> Stamp:
    """Return size, time and number of a file.

    Raises:
        UsageError: Not there, not a regular file, not readable.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(
                "is not a regular file", where=str(path), remedy="name a file", code="not-a-file"
            )
        with path.open("rb"):
            return status.st_size, status.st_mtime_ns, status.st_ino
    except OSError as error:
        raise UsageError(
            f"cannot be read: {os.strerror(error.errno or 0)}", where=str(path), code="unreadable"
        ) from error


def manifest_of(candidate: Candidate) -> Manifest:
    """Return what the sender says about the file; nothing for a quarantine file that comes back."""
    declared = candidate.rule.manifest
    if declared is None or candidate.repaired:
        return Manifest()
    if isinstance(declared, Manifest):
        return declared
    return parse_toml(candidate.path.parent / declared.replace("{name}", candidate.path.name), Manifest)


@dataclass
class Intake:
    """A source being read: its staged tables, the place of each accepted row, the refused rows."""

    candidate: Candidate
    source: TextSource
    tables: list[StagedTable]
    bad: list[BadRows] = field(default_factory=list)
    read: int = 0
    accepted: int = 0
    suspects: dict[tuple[str, Suspicion], list[npt.NDArray[np.int64]]] = field(default_factory=dict)
    evidence: dict[str, frozenset[str]] = field(default_factory=dict)
    locations: RowLocations = field(default_factory=lambda: RowLocations.join([]))
    status: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))

    @property
    def name(self) -> str:
        """Name of the file, as shown."""
        return str(self.candidate.path)

    def read_all(self, progress: Callable[[int], None]) -> None:
        """Convert the whole file into the staged tables.

        Raises:
            InputRejectedError: The file as a whole cannot be taken, or it changed while it was read.
        """
        writers = [parquet_files.writer(table.path, table.schema) for table in self.tables]
        kept: list[RowLocations] = []
        try:
            for chunk in self.source.chunks():
                kept.append(self._take(chunk, writers))
                self.read += chunk.rows_read
                progress(self.read)
        finally:
            for one in writers:
                one.close()
        self.locations = RowLocations.join(kept)
        self.status = np.zeros(self.locations.rows.size, np.uint8)
        self._judge_suspects()
        self._refuse_changed()
        self._check_count()

    def _take(self, chunk: TextChunk, writers: list[pq.ParquetWriter]) -> RowLocations:
        converted = [
            staged_table.convert_chunk(chunk, self.candidate.rule, table.rule) for table in self.tables
        ]
        refused = {reason: mask for one in converted for reason, mask in one.refused.items()}
        first, reasons = staged_table.first_reasons(refused, chunk.locations.rows.size)
        self.bad += [*chunk.bad, *staged_table.bad_rows(first, reasons, chunk.locations)]
        good = first == 0
        mask = None if good.all() else pa.array(good)
        self._suspect(converted, good)
        for table, writer, one in zip(self.tables, writers, converted, strict=True):
            table.count_warnings(one.arrays)
            table.count_defaulted(one.defaulted)
            filled = staged_table.complete(one.arrays, table, chunk.locations.rows.size)
            filled = filled if mask is None else filled.filter(mask)
            if filled.num_rows:
                writer.write_table(filled)
            table.rows += filled.num_rows
        return chunk.locations if mask is None else chunk.locations.take(good)

    def _suspect(self, converted: list[ConvertedChunk], good: npt.NDArray[np.bool_]) -> None:
        """Keep in mind the accepted rows that the whole column has to judge."""
        positions = self.accepted + np.cumsum(good) - 1
        for one in converted:
            for column, found in one.evidence.items():
                self.evidence[column] = self.evidence.get(column, frozenset()) | found
            for key, mask in one.suspects.items():
                self.suspects.setdefault(key, []).append(positions[mask & good])
        self.accepted += int(good.sum())

    def _judge_suspects(self) -> None:
        """Refuse the suspect ids that the whole column does not clear."""
        for (column, suspicion), parts in self.suspects.items():
            if suspicion.holds(self.evidence.get(column, frozenset())):
                self.quarantine(np.unique(np.concatenate(parts)), column, suspicion.code)
        if (self.status == QUARANTINED).any():
            self.drop_quarantined()

    def _refuse_changed(self) -> None:
        if stamp_of(self.candidate.path) != self.candidate.stamp:
            raise self._changed()
        seen = getattr(self.source, "sha256", "")
        if seen and seen != self.candidate.sha256:
            raise self._changed()

    def _changed(self) -> InputRejectedError:
        return InputRejectedError(
            "changed during read",
            where=self.name,
            remedy="wait until its transfer is complete",
            code="changed",
        )

    def _check_count(self) -> None:
        expected = manifest_of(self.candidate).rows
        if expected is not None and expected != self.read:
            raise InputRejectedError(
                f"has {self.read} rows, its manifest says {expected}",
                where=self.name,
                remedy="transfer the file again",
                code="manifest-rows",
            )

    def quarantine(self, positions: npt.NDArray[np.int64], column: str, code: str) -> None:
        """Refuse accepted rows after all, by position; rows that are refused already stay as they are."""
        fresh = positions[self.status[positions] != QUARANTINED]
        if fresh.size:
            self.bad.append(BadRows(self.locations.take(fresh), column, code))
            self.status[fresh] = QUARANTINED

    def drop_quarantined(self) -> None:
        """Take refused rows out of every table of this source."""
        refused = self.status == QUARANTINED
        for table in self.tables:
            rows = refused if table.index is None else refused[table.index]
            table.drop(np.flatnonzero(rows))

    @property
    def quarantined(self) -> int:
        """Number of refused rows."""
        return sum(bad.locations.rows.size for bad in self.bad)

    def settle_duplicates(self) -> None:
        """Mark as duplicates the rows that no table of this source stores."""
        stored = np.zeros(self.status.size, bool)
        for table in self.tables:
            stored[slice(None) if table.index is None else table.index] = True
        self.status[~stored & (self.status == ACCEPTED)] = DUPLICATE

    def ledger(self, newest: dict[str, tuple[str, int]]) -> FileLedger:
        """Return the account of all rows of the file."""
        reasons: Counter[str] = Counter()
        for bad in self.bad:
            reasons[f"{bad.column}: {bad.code}" if bad.column else bad.code] += bad.locations.rows.size
        return FileLedger(
            name=self.candidate.path.name,
            sha256=self.candidate.sha256,
            entry=self.candidate.entry,
            read=self.read,
            accepted=int((self.status == ACCEPTED).sum()),
            quarantined=self.quarantined,
            duplicates=int((self.status == DUPLICATE).sum()),
            reasons=dict(sorted(reasons.items())),
            newest=newest,
            defaulted={
                f"{table.contract.table}.{name}": count
                for table in self.tables
                for name, count in sorted(table.defaulted.items())
            },
        )

    def examples(self, limit: int = 10) -> list[str]:
        """Return locations of refused rows: row, column, rule; never a value."""
        found = [
            (int(row), bad.column, bad.code)
            for bad in self.bad
            for row in bad.locations.rows[:limit].tolist()
        ]
        return [
            f"row {row}, {self.reason(column, code)}" if column else f"row {row}: {code}"
            for row, column, code in sorted(found)[:limit]
        ]

    def reason(self, column: str, code: str) -> str:
        """Return a reason as it is shown: the column, the code, and the form that was expected."""
        form = expected(self.candidate.rule, column, code)
        return f"column {column}: {code}" + (f", expected {form}" if form else "")


def staged_tables(rule: SourceRule, folder: Path, number: int, sequence: int) -> list[StagedTable]:
    """Return the empty staged tables of source number `number`."""
    return [
        StagedTable(table, folder / _file_name(table, number, at), staged_table.stage_schema(table), sequence)
        for at, table in enumerate(rule.table)
    ]


def _file_name(table: TableRule, number: int, at: int) -> str:
    return f"{table.contract.table}-{number:03d}-{at}.parquet"
