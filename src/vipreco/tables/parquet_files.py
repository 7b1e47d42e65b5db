"""Parquet files of the tables: page checksums, plain types, the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP_ROWS = 1 << 19


def writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Return a writer of zstd Parquet with page checksums."""
    return pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, write_page_checksum=True, store_schema=False
    )


def write_batches(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> int:
    """Write record batches, cast to `schema`, to `path`; return the number of rows."""
    rows = 0
    with writer(path, schema) as target:
        for batch in batches:
            if batch.num_rows:
                target.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
                rows += batch.num_rows
    path.chmod(0o600)
    return rows


def keep_rows(path: Path, keep: npt.NDArray[np.bool_]) -> None:
    """Rewrite `path` with only the rows that `keep` marks."""
    source = pq.ParquetFile(path)
    temporary = path.with_suffix(".kept")
    position = 0
    with writer(temporary, source.schema_arrow) as target:
        for batch in source.iter_batches(ROW_GROUP_ROWS):
            mask = pa.array(keep[position : position + batch.num_rows])
            target.write_table(pa.Table.from_batches([batch.filter(mask)]))
            position += batch.num_rows
    temporary.replace(path)


def rows_of(path: Path) -> int:
    """Return the number of rows of a Parquet file, from its footer."""
    return int(pq.ParquetFile(path).metadata.num_rows)
