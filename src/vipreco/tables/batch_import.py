"""`import_`: imports files of a bank into the tables as one batch, all of it or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb

from vipreco.durable import canonical_json, sha256_of
from vipreco.errors import InputRejectedError, UsageError
from vipreco.failpoints import reach
from vipreco.settings import Settings
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.tables import checks, contracts, gates
from vipreco.tables.batch_files import write_tables
from vipreco.tables.batches import Manifest, batch_folder, commit, locked, read_manifest, remove_garbage
from vipreco.tables.import_database import import_database
from vipreco.tables.intake import Candidate, Intake, inspect, staged_tables, stamp_of
from vipreco.tables.mapping_file import Mapping
from vipreco.tables.parquet_files import rows_of
from vipreco.tables.quarantine import FOLDER, write_quarantine
from vipreco.tables.readers import open_source
from vipreco.tables.report import FileLedger, ImportReport
from vipreco.tables.resources import exhaustion_named
from vipreco.tables.staged_table import StagedTable

Progress = Callable[[str, int], None]
SCRATCH = "scratch"


@dataclass(frozen=True)
class Options:
    """Choices of the user that hold for the whole import."""

    settings: Settings
    backfill: bool
    accept_drop: bool
    same_day: bool
    accept_dates: bool
    progress: Progress
    signatures: Signatures


def import_(  # noqa: PLR0913  what a caller decides about a delivery as a whole
    tables_dir: Path,
    mapping_path: Path,
    sources: Sequence[Path],
    settings: Settings,
    *,
    backfill: bool = False,
    accept_drop: bool = False,
    same_day: bool = False,
    accept_dates: bool = False,
    progress: Progress | None = None,
    signatures: Signatures = NO_SIGNATURES,
) -> ImportReport:
    """Import files into the tables as one batch; the same files again change nothing.

    Args:
        tables_dir: Folder of the tables; made when it is not there.
        mapping_path: The mapping file.
        sources: The files of this delivery.
        settings: The project's settings (limits of the import, threads).
        backfill: Take snapshots older than those already stored.
        accept_drop: Take a snapshot that is much smaller than the last one.
        same_day: Correct stored rows: one recorded on the same day takes the place of the stored one.
        accept_dates: Take dates in the future, and snapshots of few rows or far from all others.
        progress: Called with the file's name and the rows read of it so far.
        signatures: Checks the manifest of the tables, and signs the new one.

    Raises:
        UsageError: The mapping or a path is wrong.
        InputRejectedError: A file as a whole cannot be taken; nothing was changed.
        BusyError: Another import is running.
        IntegrityError: The tables are not signed as they have to be.
        ResourcesError: Disk or memory is exhausted; nothing was changed.
    """
    signatures.own_key()  # a key that nobody would accept is told before any work is done
    mapping = Mapping.read(mapping_path)
    if not sources:
        raise UsageError("no files are named", remedy="name the files to import", code="no-sources")
    for path in sources:
        stamp_of(path)  # a file that is not there fits no entry either: say the former
    candidates = [inspect(path, mapping.source_for(path)) for path in sources]
    silent: Progress = lambda _name, _rows: None  # noqa: E731
    options = Options(settings, backfill, accept_drop, same_day, accept_dates, progress or silent, signatures)
    with locked(tables_dir):
        manifest = read_manifest(tables_dir, signatures)
        remove_garbage(tables_dir, manifest)
        fresh, known = _split_known(candidates, manifest)
        if not fresh:
            return _nothing_new(known, manifest)
        with exhaustion_named(tables_dir):
            return _Import(tables_dir, manifest, options, fresh, known).run()


def _split_known(
    candidates: Sequence[Candidate], manifest: Manifest
) -> tuple[list[Candidate], list[tuple[str, FileLedger]]]:
    """Return the files that are new, and the batch and ledger of those that were imported before."""
    stored = {(entry["sha256"], entry["entry"]): (batch, entry) for batch, entry in manifest.ledger()}
    fresh: dict[tuple[str, str], Candidate] = {}
    known: list[tuple[str, FileLedger]] = []
    for candidate in candidates:
        key = (candidate.sha256, candidate.entry)
        if key in stored:
            batch, entry = stored[key]
            known.append((batch, FileLedger(**entry)))
        else:
            fresh.setdefault(key, candidate)
    return list(fresh.values()), known


def _nothing_new(known: Sequence[tuple[str, FileLedger]], manifest: Manifest) -> ImportReport:
    return ImportReport(
        batch_id=known[0][0],
        snapshot_id=manifest.snapshot_id,
        files=tuple(ledger for _, ledger in known),
        tables={},
        warnings=_known_warnings(known),
        already_ingested=True,
    )


def _known_warnings(known: Sequence[tuple[str, FileLedger]]) -> tuple[str, ...]:
    return tuple(f"{ledger.name}: already ingested as batch {batch}" for batch, ledger in known)


class _Import:
    """One import from the first byte to the commit."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        options: Options,
        candidates: list[Candidate],
        known: list[tuple[str, FileLedger]],
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.options = options
        self.candidates = candidates
        self.sequence = manifest.next_sequence
        self.batch_id = _batch_id(candidates, self.sequence)
        self.warnings = list(_known_warnings(known))

    def run(self) -> ImportReport:
        """Read, check, write, commit."""
        with batch_folder(self.folder, self.batch_id) as path:
            scratch = path / SCRATCH
            scratch.mkdir(mode=0o700)
            reach("import-batch-folder")
            intakes = [
                self._read(candidate, number, scratch) for number, candidate in enumerate(self.candidates)
            ]
            reach("import-read")
            settings = self.options.settings
            limits = settings.project.threads, settings.engine.memory
            with import_database(self.folder, self.manifest, scratch, *limits) as connection:
                self._check(connection, intakes)
                ledger = [intake.ledger(gates.newest_snapshots(intake)) for intake in intakes]
                files = write_tables(connection, intakes, path, self.sequence)
            reach("import-tables")
            quarantine = [file for one in intakes if (file := write_quarantine(one, path / FOLDER))]
            reach("import-written")
            _remove(scratch)
            manifest = self._commit(ledger, files, path)
        return ImportReport(
            batch_id=self.batch_id,
            snapshot_id=manifest.snapshot_id,
            files=tuple(ledger),
            tables={
                table: sum(entry["rows"] for entry in manifest.batches[-1]["files"][table]) for table in files
            },
            warnings=(
                *self.warnings,
                *chain.from_iterable(gates.warnings(one) for one in intakes),
                *gates.not_understood(intakes),
            ),
            quarantine=tuple(quarantine),
        )

    def _read(self, candidate: Candidate, number: int, scratch: Path) -> Intake:
        try:
            source = open_source(candidate, scratch)
            tables = staged_tables(candidate.rule, scratch, number, self.sequence)
            intake = Intake(candidate, source, tables)
            intake.read_all(lambda rows: self.options.progress(candidate.path.name, rows))
        except InputRejectedError as error:
            raise gates.placed(error, candidate.path) from error
        gates.refuse_empty(intake)
        gates.refuse_bad_share(intake, self.options.settings.import_.max_quarantined_rate)
        return intake

    def _check(self, connection: duckdb.DuckDBPyConnection, intakes: list[Intake]) -> None:
        owners = {id(table): intake for intake in intakes for table in intake.tables}
        staged = [table for intake in intakes for table in intake.tables]
        gates.refuse_missing_products(connection, staged)
        if not self.options.accept_dates:
            self._check_dates(connection, intakes, staged, owners)
        for tables in checks.same_kind(staged):
            _apply(checks.repeated(connection, tables), owners)
        for table in staged:
            if not self.options.same_day:
                gates.refuse_changed_meaning(connection, table, owners[id(table)])
            _apply(checks.stored_already(connection, table, same_day=self.options.same_day), owners)
        for table in staged:
            _apply(checks.opened_after_snapshot(connection, table, staged), owners)
            _apply(checks.unknown_references(connection, table, staged), owners)
        for intake in intakes:
            intake.settle_duplicates()
            gates.refuse_bad_share(intake, self.options.settings.import_.max_quarantined_rate)
            if not intake.candidate.repaired:
                gates.refuse_old_or_small(
                    intake,
                    self.manifest,
                    self.options.settings.import_.max_drop_rate,
                    backfill=self.options.backfill or self.options.same_day,
                    accept_drop=self.options.accept_drop,
                )

    def _check_dates(
        self,
        connection: duckdb.DuckDBPyConnection,
        intakes: list[Intake],
        staged: list[StagedTable],
        owners: dict[int, Intake],
    ) -> None:
        """Bound the dates of a batch by today and by one another: a wrong one would make all others old."""
        # A day of grace: the bank's day may have begun where this machine's has not.
        newest = date.today() + timedelta(days=1)  # noqa: DTZ011  as above
        for table in staged:
            _apply(checks.in_future(connection, table, newest), owners)
        observing = [table for table in staged if table.contract in (contracts.CUSTOMERS, contracts.FLAGS)]
        for tables in checks.same_kind([table for table in observing if table.rows]):
            if not self.options.accept_drop:
                _apply(checks.stray_snapshots(connection, tables), owners)
        for intake in intakes:
            gates.refuse_bad_share(intake, self.options.settings.import_.max_quarantined_rate)
        gates.refuse_far_snapshots(intakes, checks.stored_snapshots(connection))

    def _commit(self, ledger: list[FileLedger], files: dict[str, list[Path]], path: Path) -> Manifest:
        entries = {table: [_entry(self.folder, file) for file in files[table]] for table in sorted(files)}
        batch: dict[str, Any] = {
            "sequence": self.sequence,
            "batch_id": self.batch_id,
            "files": entries,
            "ledger": [one.content() for one in ledger],
        }
        return commit(self.folder, self.manifest.with_batch(batch), path, self.options.signatures)


def _batch_id(candidates: Sequence[Candidate], sequence: int) -> str:
    content = [[candidate.sha256, candidate.entry] for candidate in candidates]
    return f"{sequence:06d}-" + hashlib.sha256(canonical_json(content)).hexdigest()[:12]


def _apply(hits: Iterator[checks.Hit], owners: dict[int, Intake]) -> None:
    """Take the rows that a check found out of their files; refused ones out of all tables of their source."""
    found = [(hit, hit.staged.source_positions(hit.rows)) for hit in hits]
    touched = {id(hit.staged): owners[id(hit.staged)] for hit, _ in found if hit.code != checks.DUPLICATE}
    for hit, positions in found:
        if hit.code == checks.DUPLICATE:
            hit.staged.drop_positions(positions)
        else:
            column = hit.staged.rule.source_name(hit.column)
            owners[id(hit.staged)].quarantine(positions, column, hit.code)
    for intake in touched.values():
        intake.drop_quarantined()


def _entry(folder: Path, path: Path) -> dict[str, Any]:
    return {
        "path": path.relative_to(folder).as_posix(),
        "sha256": sha256_of(path),
        "rows": rows_of(path),
    }


def _remove(scratch: Path) -> None:
    for path in sorted(scratch.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    scratch.rmdir()
