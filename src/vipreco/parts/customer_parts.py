"""All customers of a bank in parts: laid out batch by batch, and opened one part at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from vipreco.columns import CUSTOMER_ID
from vipreco.durable import canonical_json
from vipreco.history import CONTRACTS, BankCalendar, History, PartOfBank
from vipreco.parts.batch_layout import (
    FORMAT,
    MANIFEST,
    Batch,
    Limits,
    files_of,
    lay_out_batch,
    manifest_hash,
    moving_tables,
    table_schemas,
    write_empty_tables,
)
from vipreco.parts.partition import part_sql
from vipreco.parts.storage import Storage
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.tables import Tables

STATE, EMPTY = "state.json", "empty"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class CustomerParts:
    """The tables of a bank at a snapshot, in parts of customers.

    One part is the tables folder as it is. Several are copies below a storage:
    `n0007/<batch>/p0003/<table>.parquet`, and `n0007/<snapshot>/state.json` with the dates of the bank, its
    tables and the batches that count.

    Args:
        address: The tables folder, or the storage.
        number: How many parts there are.
        snapshot_id: Fingerprint of the tables.
        state_hash: SHA-256 of `state.json`; empty for one part.
    """

    address: str
    number: int
    snapshot_id: str
    state_hash: str = ""

    @classmethod
    def whole(cls, tables: Path, snapshot_id: str) -> Self:
        """Return the tables of a folder as one part."""
        return cls(str(tables.resolve()), 1, snapshot_id)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the parts of a `record`."""
        return cls(record["address"], record["number"], record["snapshot_id"], record["state_hash"])

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "address": self.address,
            "number": self.number,
            "snapshot_id": self.snapshot_id,
            "state_hash": self.state_hash,
        }

    def history(self, part: int, scratch: Path, limits: Limits) -> History:
        """Open the tables of a part: its customers alone, with the calendar of the bank.

        Args:
            part: 0 to `number` - 1.
            scratch: Folder of this machine for copies of files of other machines.
            limits: Threads and memory of queries.

        Raises:
            IntegrityError: A file is missing or not what was written.
        """
        if self.number == 1:
            return History.open(Path(self.address), limits.threads, self.snapshot_id, memory=limits.memory)
        storage = Storage(self.address)
        state = self._state(storage)
        files: dict[str, list[Path]] = {}
        for name, known in state["batches"]:
            for table, hashes in files_of(storage, name, known, part).items():
                files.setdefault(table, []).extend(storage.fetch(hashes, scratch))
        return History.of_part(
            PartOfBank(
                folder=storage.folder or scratch,
                files=files,
                own=f"{part_sql(CUSTOMER_ID, self.number)} = {part}",
                calendar=BankCalendar.from_record(state["calendar"]),
                snapshot_id=self.snapshot_id,
                decisions=tuple(state["decisions"]),
            ),
            limits.threads,
            limits.memory,
        )

    def _state(self, storage: Storage) -> dict[str, Any]:
        name = _state_name(self.number, self.snapshot_id)
        content = storage.read(name) or b""
        if hashlib.sha256(content).hexdigest() != self.state_hash:
            raise storage.changed([name])
        return dict(json.loads(content))


def lay_out(
    tables: Path,
    address: str,
    parts: int,
    limits: Limits,
    signatures: Signatures = NO_SIGNATURES,
    step: Progress = lambda *_: None,
    *,
    snapshot_id: str | None = None,
) -> CustomerParts:
    """Write the tables of a bank in parts of customers; a batch that is there already is not written again.

    Args:
        tables: The tables folder.
        address: The storage.
        parts: How many parts; one is the tables folder itself, and nothing is written.
        limits: Threads and memory of queries.
        signatures: Checks who wrote the tables.
        step: Is told what is done, how much of it, and of how much.
        snapshot_id: The tables as they were when this was their fingerprint; by default as they are.

    Raises:
        UsageError: Nothing was imported, or nothing here can read such an address.
        IntegrityError: The tables are not what was imported.
        DependencyDownError: The storage does not answer.
    """
    imported = Tables.open(tables, snapshot_id, signatures)
    if parts == 1:
        return CustomerParts.whole(tables, imported.snapshot_id)
    storage, batches = Storage(address), _batches(imported)
    keys = [batch.key(parts) for batch in batches]
    _remove_stale(storage, parts, {*keys, imported.snapshot_id})
    names = [f"{_root(parts)}/{key}" for key in keys]
    for place, (batch, name) in enumerate(zip(batches, names, strict=True)):
        step("parts of customers", place, len(batches))
        if not storage.has(f"{name}/{MANIFEST}"):
            lay_out_batch(batch, storage, name, parts, limits)
    schemas = table_schemas({table: imported.files(table) for table in CONTRACTS})
    empty = f"{_root(parts)}/{imported.snapshot_id}/{EMPTY}"
    if not storage.has(f"{empty}/{MANIFEST}"):
        write_empty_tables(schemas, storage, empty)
    history = History.open(tables, limits.threads, imported.snapshot_id, memory=limits.memory)
    state = {
        "format": FORMAT,
        "snapshot_id": imported.snapshot_id,
        "parts": parts,
        "calendar": history.calendar.record(),
        "tables": {table: {one.name: str(one.type) for one in schema} for table, schema in schemas.items()},
        "decisions": list(imported.decisions),
        "batches": [[name, manifest_hash(storage, name)] for name in (empty, *names)],
    }
    content = canonical_json(state)
    storage.write(_state_name(parts, imported.snapshot_id), content)
    return CustomerParts(address, parts, imported.snapshot_id, hashlib.sha256(content).hexdigest())


def forget_parts(address: str) -> None:
    """Remove everything from a storage: after an erasure nothing of a customer may stay in a copy."""
    Storage(address).remove()


def _remove_stale(storage: Storage, parts: int, kept: set[str]) -> None:
    """Remove copies of batches that were undone or erased from, and with them the states of former snapshots.

    Where there are none, the states stay: a run at a former snapshot may be reading them.
    """
    others = [name for name in storage.children(_root(parts)) if name not in kept]
    if any("-" in name for name in others):
        for name in others:
            storage.remove(f"{_root(parts)}/{name}")


def _batches(imported: Tables) -> list[Batch]:
    """Return the batches of the tables, oldest first, each with the files that its rows are looked up in."""
    moving, found = moving_tables(), []
    earlier: dict[str, list[dict[str, Any]]] = {table: [] for table in moving}
    for batch in imported.manifest.batches:
        own = {table: list(entries) for table, entries in batch["files"].items() if entries}
        before = {table: list(earlier[table]) for table in moving if earlier[table] and table in own}
        files, others = (
            {table: [imported.path / entry["path"] for entry in entries] for table, entries in one.items()}
            for one in (own, before)
        )
        found.append(Batch(str(batch["batch_id"]), files, others, {"own": own, "earlier": before}))
        for table in moving:
            earlier[table] += own.get(table, [])
    return found


def _root(parts: int) -> str:
    return f"n{parts:04d}"


def _state_name(parts: int, snapshot_id: str) -> str:
    return f"{_root(parts)}/{snapshot_id}/{STATE}"
