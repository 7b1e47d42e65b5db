"""Parquet files as text: first checked in a process of their own, then cast to exact text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vipreco.errors import InputRejectedError
from vipreco.tables import isolated_check
from vipreco.tables.csv_source import TEXT_TYPE
from vipreco.tables.date_forms import TYPED
from vipreco.tables.mapping_file import SourceRule
from vipreco.tables.sources import RowLocations, TextChunk, match_header, unread_warning

CHUNK_ROWS = 1 << 18
CHECK_SCRIPT = Path(__file__).with_name("parquet_check.py")


class ParquetSource:
    """A Parquet file, read as text.

    Raises:
        InputRejectedError: Damaged, or a needed column is not plain text, number, date or flag.
    """

    def __init__(self, path: Path, rule: SourceRule, *, chunk_rows: int = CHUNK_ROWS) -> None:
        self.path = path
        self.chunk_rows = chunk_rows
        self.warnings: list[str] = []
        isolated_check.check_isolated(CHECK_SCRIPT, path)
        schema = pq.ParquetFile(path).schema_arrow
        needed = rule.source_columns()
        self.header = list(schema.names)
        self._positions = match_header(self.header, needed, str(path))
        self._refuse_types(schema, rule.id_columns())
        self.warnings += unread_warning(self.header, needed)

    def _refuse_types(self, schema: pa.Schema, ids: set[str]) -> None:
        kinds = {name: schema.types[at] for name, at in self._positions.items()}
        wrong = [f"{name}: {kind}" for name, kind in kinds.items() if not _plain(kind)]
        wrong += [
            f"{name}: {kind} cannot hold ids" for name, kind in kinds.items() if _rounds(kind) and name in ids
        ]
        if wrong:
            raise InputRejectedError(
                f"{len(wrong)} column(s) have a type that is not read",
                where=str(self.path),
                remedy="write them as text, number, date or flag",
                code="column-type",
                examples=wrong,
            )

    def chunks(self) -> Iterator[TextChunk]:
        """Yield the rows, in the file's order."""
        row = 1
        for batch in self._batches():
            columns = {
                name: _text(batch.column(self.header[at]), mark=True) for name, at in self._positions.items()
            }
            yield TextChunk(columns, RowLocations.numbered(np.arange(row, row + batch.num_rows)), [])
            row += batch.num_rows

    def _batches(self) -> Iterator[pa.RecordBatch]:
        names = list(dict.fromkeys(self.header[at] for at in self._positions.values()))
        file = pq.ParquetFile(self.path, page_checksum_verification=True)
        yield from file.iter_batches(self.chunk_rows, columns=names)

    def originals(self, locations: RowLocations) -> Iterator[bytes]:
        """Yield a header line and the rows' needed columns, as CSV."""
        yield csv_line([self.header[at] for at in self._positions.values()])
        row = 1
        for batch in self._batches():
            inside = locations.rows[(locations.rows >= row) & (locations.rows < row + batch.num_rows)] - row
            picked = batch.take(pa.array(inside))
            texts = [_text(picked.column(self.header[at])).to_pylist() for at in self._positions.values()]
            yield from (csv_line(cells) for cells in zip(*texts, strict=True))
            row += batch.num_rows


def csv_line(cells: list[str] | tuple[str, ...]) -> bytes:
    """Return cells as one line of CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def _plain(kind: pa.DataType) -> bool:
    checks = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_boolean,
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_date,
        pa.types.is_timestamp,
        pa.types.is_null,
    )
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(check(inner) for check in checks)


def _rounds(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind))


def _text(column: pa.Array, *, mark: bool = False) -> pa.DictionaryArray:
    """Return a column as exact text, blank where it is null; a date behind a mark, if asked for."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.tz is None and _midnights(column):
        column = column.cast(pa.date32())
    texts = column.cast(pa.string())
    if mark and pa.types.is_temporal(column.type):
        texts = pc.binary_join_element_wise(pa.scalar(TYPED), texts, "")
    return pc.fill_null(texts, "").dictionary_encode().cast(TEXT_TYPE)


def _midnights(column: pa.Array) -> bool:
    return bool(pc.all(pc.equal(column, pc.floor_temporal(column, unit="day"))).as_py() is not False)
