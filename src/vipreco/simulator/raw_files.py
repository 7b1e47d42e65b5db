"""Writes the bank's files: CSV in the bank's encoding, Parquet with fixed settings, and their manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from vipreco.durable import replacing, sha256_of, write_bytes

ROWS_A_GROUP = 131_072
MODE = 0o644
SETTINGS: Final = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": True,
    "write_page_checksum": True,
    "store_schema": False,
}


class ParquetStream:
    """A Parquet file that grows by frames: a row group each, the same bytes for the same frames."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self.path: Path | None = None
        self._writer: pq.ParquetWriter | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add the rows of a frame."""
        table = frame.to_arrow()
        table = pa.table({column: plain(table[column]) for column in table.column_names})
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, **SETTINGS)
        self._writer.write_table(table, row_group_size=ROWS_A_GROUP)
        self.rows += table.num_rows

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()


@dataclass
class Folder:
    """Folder of raw files; remembers rows and SHA-256 of each finished file.

    Args:
        path: The folder; made if it is not there.
    """

    path: Path
    rows: dict[str, int] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def file(self, name: str) -> Iterator[Path]:
        """Give a path to write a file to; it appears whole or not at all."""
        with replacing(self.path / name, MODE) as temporary:
            yield temporary
        self.sha256[name] = sha256_of(self.path / name)

    def write_csv(self, name: str, parts: Iterable[bytes], rows: int) -> None:
        """Write a CSV from its encoded parts, the first of which begins with the header."""
        with self.file(name) as path, path.open("wb") as handle:
            for part in parts:
                handle.write(part)
        self.rows[name] = rows

    def write_parquet(self, name: str, frames: Iterable[pl.DataFrame]) -> None:
        """Write a Parquet file of all frames."""
        with self.stream(name) as stream:
            for frame in frames:
                stream.write(frame)

    @contextmanager
    def stream(self, name: str) -> Iterator[ParquetStream]:
        """Give a Parquet file to write frames to, one after the other; it appears whole or not at all."""
        stream = ParquetStream(name)
        with self.file(name) as path:
            try:
                stream.path = path
                yield stream
            finally:
                stream.close()
        self.rows[name] = stream.rows

    def write_manifests(self) -> None:
        """Write one small TOML file a raw file: its rows and SHA-256."""
        folder = self.path / "manifests"
        folder.mkdir(exist_ok=True)
        for name in sorted(self.rows):
            text = f'rows = {self.rows[name]}\nsha256 = "{self.sha256[name]}"\n'
            write_bytes(folder / f"{name}.toml", text.encode(), MODE)


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as a type that every Parquet reader knows."""
    if pa.types.is_large_string(column.type) or column.type == pa.string_view():
        return column.cast(pa.string())
    return column


def csv_text(frame: pl.DataFrame, *, header: bool) -> str:
    """Return a frame as CSV text: dates as eight digits, two decimals."""
    return frame.write_csv(
        include_header=header,
        float_precision=2,
        date_format="%Y%m%d",
        datetime_format="%Y-%m-%d %H:%M:%S",
    )
