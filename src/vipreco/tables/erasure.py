"""Export and erasure of customers in the stored tables."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vipreco import columns as c
from vipreco.durable import flush_directory, flush_file, sha256_of, write_bytes
from vipreco.failpoints import reach
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.tables.batches import Manifest, locked, read_manifest, write_manifest
from vipreco.tables.parquet_files import keep_rows, rows_of
from vipreco.tables.quarantine import FOLDER
from vipreco.tables.snapshot import Tables

ERASED = "erased"


@dataclass(frozen=True)
class TableErasure:
    """Rows that were removed.

    Args:
        rows: Number by table; quarantined lines under `quarantine`.
        snapshot_ids: Fingerprints of the tables before.
        snapshot_id: Fingerprint of the tables after.
    """

    rows: dict[str, int]
    snapshot_ids: tuple[str, ...]
    snapshot_id: str


def customer_rows(folder: Path, customer_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return all stored rows of a customer by table, all versions of them."""
    manifest, found = read_manifest(folder), {}
    for table, paths in _paths(folder, manifest).items():
        rows = [row for path in paths for row in _rows(path, customer_id)]
        if rows:
            found[table] = rows
    return found


def customer_ids(folder: Path) -> set[str]:
    """Return the ids of all customers of whom a row is stored."""
    found: set[str] = set()
    for paths in _paths(folder, read_manifest(folder)).values():
        for path in paths:
            if c.CUSTOMER_ID in pq.ParquetFile(path).schema_arrow.names:
                ids = pq.read_table(path, columns=[c.CUSTOMER_ID])[c.CUSTOMER_ID]
                found.update(pc.unique(ids).to_pylist())
    return found


def erase_customers(
    folder: Path, customer_ids: Collection[str], signatures: Signatures = NO_SIGNATURES
) -> TableErasure:
    """Remove all rows of customers from all batches; a killed run is completed by the next one.

    The fingerprints of the tables change: a receipt of before cannot be replayed any more.

    Raises:
        BusyError: An import is running.
        IntegrityError: The manifest is damaged, or not signed as it has to be.
    """
    with locked(folder):
        manifest = read_manifest(folder, signatures)
        _remove_unlisted(folder, manifest)
        counts: dict[str, int] = {}
        batches = tuple(_without(folder, batch, customer_ids, counts) for batch in manifest.batches)
        erased = replace(manifest, batches=batches)
        reach("tables-erased")
        if erased.content != manifest.content:
            write_manifest(folder, erased, signatures)
        reach("tables-erasure-committed")
        lines = sum(_erase_lines(path, customer_ids) for path in folder.glob(f"batches/*/{FOLDER}/*"))
        _remove_unlisted(folder, erased)
    counts |= {"quarantine": lines} if lines else {}
    before = tuple(Tables(folder, manifest).snapshot_ids)
    return TableErasure(counts, before, erased.snapshot_id)


def _without(
    folder: Path, batch: dict[str, Any], customer_ids: Collection[str], counts: dict[str, int]
) -> dict[str, Any]:
    """Return the entry of a batch without the customers; files that change are written under a new name."""
    files = {
        table: [_filtered(folder, entry, customer_ids, table, counts) for entry in entries]
        for table, entries in batch["files"].items()
    }
    return {**batch, "files": files}


def _filtered(
    folder: Path, entry: dict[str, Any], customer_ids: Collection[str], table: str, counts: dict[str, int]
) -> dict[str, Any]:
    path = folder / entry["path"]
    if c.CUSTOMER_ID not in pq.ParquetFile(path).schema_arrow.names:
        return entry
    keep = ~_matches(path, customer_ids)
    if keep.all():
        return entry
    target = _next_name(path)
    shutil.copyfile(path, target)
    target.chmod(0o600)
    keep_rows(target, keep)
    target.chmod(0o600)
    flush_file(target)
    flush_directory(target.parent)
    counts[table] = counts.get(table, 0) + int((~keep).sum())
    relative = target.relative_to(folder).as_posix()
    return {**entry, "path": relative, "sha256": sha256_of(target), "rows": rows_of(target)}


def _matches(path: Path, customer_ids: Collection[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    ids = pq.read_table(path, columns=[c.CUSTOMER_ID])[c.CUSTOMER_ID]
    found = pc.is_in(ids, pa.array(sorted(customer_ids), ids.type))
    return np.asarray(found.to_numpy(), np.bool_)


def _next_name(path: Path) -> Path:
    stem, _, number = path.stem.partition(f".{ERASED}")
    return path.with_name(f"{stem}.{ERASED}{int(number or 0) + 1}{path.suffix}")


def _rows(path: Path, customer_id: str) -> list[dict[str, Any]]:
    if c.CUSTOMER_ID not in pq.ParquetFile(path).schema_arrow.names:
        return []
    table = pq.read_table(path, filters=[(c.CUSTOMER_ID, "=", customer_id)])
    return list(table.to_pylist())


def _paths(folder: Path, manifest: Manifest) -> dict[str, list[Path]]:
    tables = dict.fromkeys(table for batch in manifest.batches for table in batch["files"])
    return {table: [folder / entry["path"] for entry in manifest.files(table)] for table in tables}


def _remove_unlisted(folder: Path, manifest: Manifest) -> None:
    """Remove files of tables that the manifest does not name: those before an erasure, or of a killed one."""
    listed = {path for paths in _paths(folder, manifest).values() for path in paths}
    for path in _stored(folder):
        if path not in listed:
            path.unlink()


def _stored(folder: Path) -> Iterator[Path]:
    yield from folder.glob("batches/*/*.parquet")
    yield from folder.glob("batches/*/*.kept")


def _erase_lines(path: Path, customer_ids: Collection[str]) -> int:
    """Remove the lines of a quarantine file that hold one of the ids as a whole word."""
    words = "|".join(re.escape(one) for one in sorted(customer_ids))
    named = re.compile(rf"(?<![0-9A-Za-z])(?:{words})(?![0-9A-Za-z])".encode())
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not named.search(line)]
    if len(kept) < len(lines):
        write_bytes(path, b"".join(kept))
    return len(lines) - len(kept)
