"""Copies of the tables with another future: the proof that nothing reads past the as-of date."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vipreco.columns import CLOSED_DATE, HOLDINGS, RECORDED_DATE
from vipreco.durable import sha256_of, write_json
from vipreco.errors import UsageError
from vipreco.history.contract import CONTRACTS
from vipreco.history.cuts import is_known
from vipreco.history.sources import connect, describe, typed
from vipreco.tables import parquet_relation

Mode = Literal["delete", "rewrite"]
MANIFEST = "manifest.json"
_LARGEST_SHIFT_DAYS = 400
Random = np.random.Generator


def scrambled_future(
    tables: Path, day: date, out: Path, seed: int, mode: Mode = "delete", threads: int = 2
) -> int:
    """Write a copy of the tables in which all that was known only after `day` is gone or made up.

    By both clocks: a row that happened after `day` or was recorded after it; and a closing after `day` of a
    holding known before. Whatever is computed as of `day` must be the same from the copy, byte for byte
    (except the snapshot's own fingerprint).

    Args:
        tables: Folder that `vipreco import` wrote.
        day: The as-of date under proof.
        out: New folder for the copy; it must not exist, or be empty.
        seed: Seed of the made-up values.
        mode: `delete` removes those rows; `rewrite` mixes their values, makes numbers up, gives some rows to
            customers and products that do not exist, and moves dates.
        threads: Threads for reading.

    Returns:
        Number of rows removed or rewritten.

    Raises:
        UsageError: `tables` was not imported, or `out` is not empty.
    """
    manifest = _manifest(tables)
    if out.exists() and any(out.iterdir()):
        raise UsageError("the folder for the copy is not empty", where=str(out), code="not-empty")
    generator = np.random.default_rng(seed)
    changed = 0
    for batch in manifest["batches"]:
        for table, files in batch["files"].items():
            for file in files:
                changed += _copy(tables, out, table, file, _Future(day, mode, generator, threads))
    write_json(out / MANIFEST, manifest)
    return changed


class _Future:
    """Treats the rows of the future."""

    def __init__(self, day: date, mode: Mode, generator: Random, threads: int) -> None:
        self.day, self.mode, self.generator, self.threads = day, mode, generator, threads

    def of(self, rows: pa.Table) -> pa.Table:
        """Return what stands for these rows of the future."""
        return rows.slice(0, 0) if self.mode == "delete" else _rewritten(rows, self.day, self.generator)


def _manifest(tables: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads((tables / MANIFEST).read_bytes())
    except FileNotFoundError as error:
        raise UsageError(
            "nothing was imported here",
            where=str(tables),
            remedy="run `vipreco import` first",
            code="no-tables",
        ) from error
    return content


def _copy(tables: Path, out: Path, table: str, file: dict[str, Any], future: _Future) -> int:
    import pyarrow.parquet as pq  # noqa: PLC0415 - no answer reads or writes such a file

    target = out / file["path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    past, later = _split(tables / file["path"], table, future.day, future.threads)
    if table == HOLDINGS:
        past = _with_later_closings(past, future)
    copy = pa.concat_tables([past, future.of(later)])
    pq.write_table(copy, target, compression="zstd", write_page_checksum=True)
    file["sha256"], file["rows"] = sha256_of(target), copy.num_rows
    return int(later.num_rows)


def _split(path: Path, table: str, day: date, threads: int) -> tuple[pa.Table, pa.Table]:
    """Return the rows known at `day` and the others, each as they stand in the file."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - no answer reads or writes such a file

    rows = pq.read_table(path)
    known = pa.array(_known(path, table, day, threads))
    return rows.filter(known), rows.filter(pc.invert(known))


def _known(path: Path, table: str, day: date, threads: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    relation, contract = parquet_relation([path]), CONTRACTS[table]
    with connect(threads) as connection:
        connection.execute("SET preserve_insertion_order = true")
        uncut = typed(contract, relation, describe(connection, relation))
        known = f"SELECT coalesce({is_known(contract, day)}, false) AS known FROM ({uncut})"
        found = connection.sql(known).to_arrow_table()
    return np.asarray(found["known"], dtype=np.bool_)


def _with_later_closings(holdings: pa.Table, future: _Future) -> pa.Table:
    """A holding known at the date loses, or gets another, closing after the date."""
    if CLOSED_DATE not in holdings.column_names:
        return holdings
    closed = holdings[CLOSED_DATE].combine_chunks()
    later = pc.fill_null(pc.greater(closed, pa.scalar(future.day)), False)
    other = pa.nulls(len(closed), closed.type)
    if future.mode == "rewrite":
        later = pc.or_(later, pc.is_null(closed))
        other = _later_days(len(closed), future.day, future.generator).cast(closed.type)
    place = holdings.column_names.index(CLOSED_DATE)
    return holdings.set_column(place, holdings.schema.field(place), pc.if_else(later, other, closed))


def _rewritten(rows: pa.Table, day: date, generator: Random) -> pa.Table:
    """Return rows with the values of every column mixed and changed, still recorded after `day` only."""
    columns = {name: _scrambled(rows[name].combine_chunks(), generator) for name in rows.column_names}
    if RECORDED_DATE in columns:
        later = _later_days(rows.num_rows, day, generator)
        columns[RECORDED_DATE] = later.cast(rows.schema.field(RECORDED_DATE).type)
    return pa.table([columns[name] for name in rows.column_names], schema=rows.schema)


def _scrambled(column: pa.Array, generator: Random) -> pa.Array:
    mixed = column.take(pa.array(generator.permutation(len(column))))
    for fits, change in _CHANGES:
        if fits(column.type):
            return change(mixed, generator).cast(column.type)
    return mixed


def _other_texts(column: pa.Array, generator: Random) -> pa.Array:
    """Give a tenth of the values a name that nobody has."""
    strange = pa.array(generator.random(len(column)) < 0.1)
    return pc.if_else(strange, pc.binary_join_element_wise("made-up", column, "-"), column)


def _other_numbers(column: pa.Array, generator: Random) -> pa.Array:
    return pa.array(generator.normal(size=len(column)) * 1e6)


def _other_flags(column: pa.Array, generator: Random) -> pa.Array:
    return pc.invert(column)


def _later_days(rows: int, day: date, generator: Random) -> pa.Array:
    shift = generator.integers(1, _LARGEST_SHIFT_DAYS, rows)
    start = np.datetime64(day, "D")
    return pa.array(start + shift.astype("timedelta64[D]"))


_Change = Callable[[pa.Array, Random], pa.Array]
_CHANGES: tuple[tuple[Callable[[pa.DataType], bool], _Change], ...] = (
    (pa.types.is_string, _other_texts),
    (pa.types.is_large_string, _other_texts),
    (pa.types.is_floating, _other_numbers),
    (pa.types.is_boolean, _other_flags),
)
