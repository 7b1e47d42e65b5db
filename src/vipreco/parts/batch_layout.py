"""The rows of one import batch, written in parts of customers."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from vipreco.columns import BATCH_SEQUENCE, CUSTOMER_ID, RECORDED_DATE
from vipreco.durable import canonical_json, sha256_of
from vipreco.history import CONTRACTS
from vipreco.memory import query_bytes
from vipreco.parts.partition import SHARED, part_name, part_sql
from vipreco.parts.storage import Storage
from vipreco.tables import parquet_relation

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetWriter

MANIFEST: Final = "batch.json"
FORMAT: Final = 1
ROWS_AT_ONCE: Final = 1 << 17
_PART: Final = "_part"
Files = Mapping[str, list[Path]]


@dataclass(frozen=True)
class Batch:
    """Files of an import batch.

    Args:
        name: Of the batch.
        files: Its files by table.
        earlier: Files of the batches before it, of the tables in which a row may belong to several customers.
        entries: What the manifest of the tables says of all these files.
    """

    name: str
    files: Files
    earlier: Files
    entries: Mapping[str, Any]

    def key(self, parts: int) -> str:
        """Return a name that changes with the files: an erasure changes those of former batches as well."""
        content = canonical_json({"format": FORMAT, "parts": parts, "entries": self.entries})
        return f"{self.name.partition('-')[0]}-{hashlib.sha256(content).hexdigest()[:12]}"


@dataclass(frozen=True)
class Limits:
    """Threads that a query may take, and bytes of the process (None: those of the machine)."""

    threads: int = 2
    memory: int | None = None


def moving_tables() -> list[str]:
    """Return the tables about customers in which a later version of a row may be of another customer."""
    return [
        table
        for table, contract in CONTRACTS.items()
        if CUSTOMER_ID in contract.types and CUSTOMER_ID not in contract.key
    ]


def lay_out_batch(batch: Batch, storage: Storage, name: str, parts: int, limits: Limits) -> None:
    """Write the rows of a batch by part, as the folder `name`, with a manifest of the files."""
    with storage.filling(name, MANIFEST) as folder, _database(folder, limits) as connection:
        for table, paths in batch.files.items():
            fresh = parquet_relation(paths)
            columns = connection.sql(f"SELECT * FROM {fresh} LIMIT 0").columns
            if CUSTOMER_ID not in CONTRACTS[table].types:
                rows = f"SELECT *, -1 AS {_PART} FROM {fresh}"
            elif earlier := batch.earlier.get(table):
                rows = _with_homes(table, fresh, parquet_relation(earlier), parts)
            else:
                rows = f"SELECT *, {part_sql(CUSTOMER_ID, parts)} AS {_PART} FROM {fresh}"
            clocks = [column for column in (RECORDED_DATE, BATCH_SEQUENCE) if column in columns]
            order = [
                _PART,
                *([CUSTOMER_ID] if CUSTOMER_ID in columns else []),
                *CONTRACTS[table].key,
                *clocks,
            ]
            ordered = connection.sql(f"SELECT * FROM ({rows}) ORDER BY {', '.join(order)}")
            _write(ordered.to_arrow_reader(ROWS_AT_ONCE), folder, table)
        _seal(folder)


def table_schemas(files: Files) -> dict[str, pa.Schema]:
    """Return the columns of each table over all of its files."""
    with duckdb.connect(":memory:") as connection:
        return {
            table: connection.sql(f"SELECT * FROM {parquet_relation(paths)} LIMIT 0").to_arrow_table().schema
            for table, paths in files.items()
            if paths
        }


def write_empty_tables(schemas: Mapping[str, pa.Schema], storage: Storage, name: str) -> None:
    """Write tables without rows, which every part has beside its own: a part may lack a table or a column."""
    with storage.filling(name, MANIFEST) as folder:
        (folder / SHARED).mkdir()
        for table, schema in schemas.items():
            with _writer(folder, table, -1, schema):
                pass
        _seal(folder)


def files_of(storage: Storage, name: str, known: str, part: int) -> dict[str, dict[str, str]]:
    """Return by table the names and hashes of the files of a batch that a part has, the shared ones included.

    Raises:
        IntegrityError: The manifest of the batch is missing, or not what was written.
    """
    content = storage.read(f"{name}/{MANIFEST}") or b""
    if hashlib.sha256(content).hexdigest() != known:
        raise storage.changed([f"{name}/{MANIFEST}"])
    manifest: dict[str, dict[str, str]] = json.loads(content)
    found: dict[str, dict[str, str]] = {}
    for place in (part_name(part), SHARED):
        for table, sha256 in manifest.get(place, {}).items():
            found.setdefault(table, {})[f"{name}/{place}/{table}.parquet"] = sha256
    return found


def manifest_hash(storage: Storage, name: str) -> str:
    """Return the SHA-256 of the manifest of a batch."""
    return hashlib.sha256(storage.read(f"{name}/{MANIFEST}") or b"").hexdigest()


def _with_homes(table: str, fresh: str, earlier: str, parts: int) -> str:
    """Return SQL of rows with each part that needs them: those of the customers of any of their versions.

    A part that a row comes to for the first time gets its earlier versions as well.
    """
    key = ", ".join(CONTRACTS[table].key)
    home = f"SELECT DISTINCT {key}, {part_sql(CUSTOMER_ID, parts)} AS {_PART}"
    return f"""
        WITH fresh AS (SELECT * FROM {fresh}),
        before AS (SELECT * FROM {earlier} SEMI JOIN fresh USING ({key})),
        old_homes AS ({home} FROM before),
        new_homes AS ({home} FROM fresh)
        SELECT * FROM fresh JOIN (FROM old_homes UNION FROM new_homes) USING ({key})
        UNION ALL BY NAME
        SELECT * FROM before JOIN (FROM new_homes EXCEPT FROM old_homes) USING ({key})
    """


def _seal(folder: Path) -> None:
    """Write the hashes of the files of a folder, by part and table."""
    manifest: dict[str, dict[str, str]] = {}
    for path in sorted(folder.glob("*/*.parquet")):
        manifest.setdefault(path.parent.name, {})[path.stem] = sha256_of(path)
    (folder / MANIFEST).write_bytes(canonical_json(manifest))


@contextmanager
def _database(scratch: Path, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give an empty database that spills beside the files that are written."""
    spill = scratch.with_name(f"{scratch.name}-spill")
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": limits.threads,
        "memory_limit": f"{query_bytes(limits.memory)}B",
        "temp_directory": str(spill),
    }
    try:
        with duckdb.connect(":memory:", config=config) as connection:
            yield connection
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _write(rows: pa.RecordBatchReader, folder: Path, table: str) -> None:
    """Write rows that are ordered by part, each part to a file of its own."""
    place = rows.schema.get_field_index(_PART)
    schema = rows.schema.remove(place)
    open_part = None
    writer: ParquetWriter | None = None
    for batch in rows:
        numbers = batch.column(place).to_numpy()
        own = batch.drop_columns([_PART])
        starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
        for start, end in pairwise(starts):
            if start == end:
                continue
            part = int(numbers[start])
            if writer is None or part != open_part:
                if writer:
                    writer.close()
                open_part, writer = part, _writer(folder, table, part, schema)
            writer.write_batch(own.slice(start, end - start))
    if writer:
        writer.close()


def _writer(folder: Path, table: str, part: int, schema: pa.Schema) -> ParquetWriter:
    from pyarrow.parquet import ParquetWriter  # noqa: PLC0415 - a worker of the service writes none

    target = folder / (SHARED if part < 0 else part_name(part)) / f"{table}.parquet"
    target.parent.mkdir(exist_ok=True)
    return ParquetWriter(target, schema, compression="zstd", compression_level=1, write_page_checksum=True)
