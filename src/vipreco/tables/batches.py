"""The stored batches: one manifest that is replaced atomically, one process at a time that writes."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vipreco.durable import canonical_json, flush_directory, flush_file, write_json
from vipreco.errors import BusyError, IntegrityError, UsageError
from vipreco.failpoints import reach
from vipreco.signatures import NO_SIGNATURES, TABLES, Signature, Signatures, hash_of

MANIFEST = "manifest.json"
BATCHES = "batches"
LOCK = ".lock"
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """List of the imported batches in their order, each with its files and its ledger.

    Attributes:
        batches: The batches.
        decisions: Mass reopenings that were decided to be acquisitions (see `reopenings`).
        signature: Of this content; it names the signatures of all contents before.
    """

    batches: tuple[dict[str, Any], ...] = ()
    decisions: tuple[str, ...] = ()
    signature: Signature | None = field(default=None, compare=False)

    @property
    def snapshot_id(self) -> str:
        """First 16 hex digits of the SHA-256 over the manifest's canonical JSON."""
        return self.hash[:16]

    @property
    def hash(self) -> str:
        """SHA-256 over the manifest's canonical JSON, as hex text."""
        return hashlib.sha256(canonical_json(self.content)).hexdigest()

    @property
    def content(self) -> dict[str, Any]:
        """The manifest as it is written, but for its signature."""
        content: dict[str, Any] = {"batches": list(self.batches), "format": FORMAT}
        return content | ({"decisions": sorted(self.decisions)} if self.decisions else {})

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next batch."""
        return 1 + max((int(batch["sequence"]) for batch in self.batches), default=0)

    def files(self, table: str) -> list[dict[str, Any]]:
        """Return the file entries of a table, in batch order."""
        return [entry for batch in self.batches for entry in batch["files"].get(table, [])]

    def ledger(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (batch id, ledger entry) of every file ever imported."""
        for batch in self.batches:
            for entry in batch["ledger"]:
                yield batch["batch_id"], entry

    def with_batch(self, batch: dict[str, Any]) -> Manifest:
        """Return a manifest that also has `batch`."""
        return replace(self, batches=(*self.batches, batch))


def read_manifest(folder: Path, signatures: Signatures = NO_SIGNATURES) -> Manifest:
    """Read the manifest of a tables folder; without one, nothing was imported yet.

    Args:
        folder: The tables folder.
        signatures: Checks who wrote it.

    Raises:
        IntegrityError: Damaged, written by a newer version, or not signed as it has to be.
    """
    path = folder / MANIFEST
    if not path.exists():
        return Manifest()
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise IntegrityError(
                f"has format {content['format']}, this version reads {FORMAT}",
                where=str(path),
                remedy="use the version of vipreco that wrote it",
                code="format",
            )
        decisions = tuple(content.get("decisions", ()))
        signature = dict(content["signature"]) if "signature" in content else None
        found = Manifest(tuple(content["batches"]), decisions, signature)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "is damaged", where=str(path), remedy="restore it from a backup", code="manifest"
        ) from error
    signatures.check(TABLES, found.hash, found.signature, path)
    return found


def write_manifest(folder: Path, manifest: Manifest, signatures: Signatures = NO_SIGNATURES) -> Manifest:
    """Sign the manifest of a tables folder, replace the one that is there, and return it.

    The signature names all before it, so nobody can put an older content in the place of a newer one without
    losing a link of the chain.
    """
    before = manifest.signature
    chain = [] if before is None else [*before.get("previous", ()), hash_of(before)]
    found = replace(manifest, signature=signatures.sign(TABLES, manifest.hash, chain))
    seal = {} if found.signature is None else {"signature": found.signature}
    write_json(folder / MANIFEST, {**found.content, **seal})
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the one writer's lock of a tables folder; a killed process gives it back.

    Raises:
        BusyError: Another import is running.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(
                "another import is running", where=str(folder), remedy="wait for it to end", code="locked"
            ) from error
        yield
    finally:
        os.close(descriptor)


def remove_garbage(folder: Path, manifest: Manifest) -> None:
    """Remove batch folders that no manifest entry names: what was cut off left behind."""
    known = {batch["batch_id"] for batch in manifest.batches}
    for path in sorted((folder / BATCHES).glob("*")):
        if path.name not in known:
            shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f".{MANIFEST}.*.tmp"):
        path.unlink(missing_ok=True)


@contextmanager
def batch_folder(folder: Path, batch_id: str) -> Iterator[Path]:
    """Make the folder of a new batch; it is removed again when the import does not end well."""
    (folder / BATCHES).mkdir(mode=0o700, exist_ok=True)
    path = folder / BATCHES / batch_id
    path.mkdir(mode=0o700)
    try:
        yield path
    except BaseException:
        if all(batch["batch_id"] != batch_id for batch in read_manifest(folder).batches):
            shutil.rmtree(path, ignore_errors=True)
        raise


def sign_manifest(folder: Path, signatures: Signatures) -> Manifest:
    """Sign the manifest that is there, whoever signed it before, and return it.

    Raises:
        BusyError: Another import is running.
    """
    with locked(folder):
        return write_manifest(folder, read_manifest(folder), signatures)


def undo(folder: Path, batch_id: str, signatures: Signatures = NO_SIGNATURES) -> list[dict[str, Any]]:
    """Take a batch out of the tables, with all later ones, whose rows were checked against it.

    Args:
        folder: The tables folder.
        batch_id: Id of the batch, or its sequence number.
        signatures: Checks and signs the manifest.

    Returns:
        The batches that were taken out, oldest first.

    Raises:
        UsageError: There is no such batch.
        BusyError: Another import is running.
    """
    with locked(folder):
        manifest = read_manifest(folder, signatures)
        remove_garbage(folder, manifest)  # rows of a batch that an interrupted call took out
        known = [batch["batch_id"] for batch in manifest.batches]
        found = [at for at, name in enumerate(known) if batch_id in (name, name.partition("-")[0])]
        if not found:
            raise UsageError(
                f"there is no batch {batch_id!r}",
                where=str(folder),
                remedy=f"batches are {', '.join(known[-12:]) or 'none: nothing is imported'}",
                code="no-batch",
            )
        kept = replace(
            manifest, batches=manifest.batches[: found[0]], decisions=manifest.decisions if found[0] else ()
        )
        write_manifest(folder, kept, signatures)
        reach("import-undone")
        remove_garbage(folder, kept)
        return list(manifest.batches[found[0] :])


def decide(folder: Path, reopening: str, signatures: Signatures = NO_SIGNATURES) -> Manifest:
    """Let a mass reopening, `PRODUCT@DATE`, count as acquisitions.

    Raises:
        BusyError: Another import is running.
    """
    with locked(folder):
        manifest = read_manifest(folder, signatures)
        decided = replace(manifest, decisions=tuple(sorted({*manifest.decisions, reopening})))
        return write_manifest(folder, decided, signatures)


def commit(
    folder: Path, manifest: Manifest, batch_path: Path, signatures: Signatures = NO_SIGNATURES
) -> Manifest:
    """Make the batch's files durable, then replace the manifest: the one moment at which it is imported."""
    for path in sorted(batch_path.rglob("*")):
        flush_directory(path) if path.is_dir() else flush_file(path)
    flush_directory(batch_path)
    flush_directory(batch_path.parent)
    reach("import-before-commit")
    written = write_manifest(folder, manifest, signatures)
    reach("import-after-commit")
    return written
