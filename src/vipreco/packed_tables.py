"""Tables in compressed blocks: rows of a few places are read without the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Rows = NDArray[np.int64]
SUFFIX: Final = ".packed"
BLOCK_ROWS: Final = 256
"""Rows of a block. Records of customers (25 columns) take 334 bytes a customer with 256 rows, 355 with 128,
338 with 1,024; to unpack a block takes 42, 34 and 102 microseconds."""
LEVEL: Final = 3
MAX_SLICED: Final = 8
"""Stretches of rows up to which they are put together without a copy."""
_TAIL: Final = np.dtype([("schema", "<i8"), ("blocks", "<i8"), ("rows", "<i8")])


class PackedTable:
    """A table that `write_packed` wrote; its file is mapped, and a block is unpacked when it is asked for.

    Arrow compresses each buffer of a block by itself: those of 25 columns take 400 microseconds to unpack;
    one buffer of all of them takes 42. That is why the blocks are not those of an Arrow file.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        view = self._bytes = memoryview(pa.memory_map(str(path)).read_buffer())
        (tail,) = np.frombuffer(view[-_TAIL.itemsize :], _TAIL)
        places = len(view) - _TAIL.itemsize - 16 * int(tail["blocks"])
        self._places = np.frombuffer(view[places : -_TAIL.itemsize], np.int64).reshape(-1, 2)
        self._rows = int(tail["rows"])
        self.schema: pa.Schema = pa.ipc.read_schema(pa.py_buffer(view[places - int(tail["schema"]) : places]))
        self._codec = pa.Codec("zstd")

    def take(self, rows: Rows) -> pa.Table:
        """Return some rows, in the order asked for."""
        stretches = list(_stretches(rows))
        if len(stretches) <= MAX_SLICED:
            parts = [part for start, end in stretches for part in self._slices(start, end)]
            return pa.Table.from_batches(parts, self.schema)
        numbers, place = np.unique(rows // self._rows, return_inverse=True)
        blocks = [self._block(number) for number in numbers.tolist()]
        # Every block but the last of the file is full.
        return pa.Table.from_batches(blocks, self.schema).take(place * self._rows + rows % self._rows)

    @property
    def blocks_number(self) -> int:
        """Number of blocks."""
        return len(self._places)

    def blocks(self, first: int, end: int) -> pa.Table:
        """Return the rows of some blocks."""
        return pa.Table.from_batches([self._block(number) for number in range(first, end)], self.schema)

    def _slices(self, start: int, end: int) -> Iterator[pa.RecordBatch]:
        """Give the rows from `start` to before `end`, block by block."""
        while start < end:
            number, first = divmod(start, self._rows)
            found = self._block(number).slice(first, end - start)
            yield found
            start += len(found)

    def _block(self, number: int) -> pa.RecordBatch:
        end, size = self._places[number].tolist()
        start = int(self._places[number - 1, 0]) if number else 0
        content = self._codec.decompress(self._bytes[start:end], size)
        return pa.ipc.read_record_batch(content, self.schema)


def write_packed(
    path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], block_rows: int = BLOCK_ROWS
) -> None:
    """Write rows in compressed blocks.

    The file is the blocks one after the other, each an Arrow message in a frame of zstd; the schema; end and
    unpacked size of each block; length of the schema, number of blocks, and rows of a block.
    """
    codec, places, end = pa.Codec("zstd", compression_level=LEVEL), [], 0
    with path.open("wb") as file:
        for block in _blocks(schema, batches, block_rows):
            message = block.serialize()
            end += file.write(codec.compress(message, asbytes=True))
            places.append((end, message.size))
        _write_index(file, schema, np.array(places, np.int64).reshape(-1, 2), block_rows)


def _write_index(file: BinaryIO, schema: pa.Schema, places: NDArray[np.int64], block_rows: int) -> None:
    content = schema.serialize().to_pybytes()
    # Read as they stand: numbers begin at a multiple of their size.
    content += b"\0" * (-(file.tell() + len(content)) % 8)
    file.write(content + places.tobytes())
    file.write(np.array((len(content), len(places), block_rows), _TAIL).tobytes())


def _blocks(
    schema: pa.Schema, batches: Iterable[pa.RecordBatch], block_rows: int
) -> Iterator[pa.RecordBatch]:
    """Give the rows of batches in blocks that are full, but for the last."""
    waiting = schema.empty_table()
    for batch in batches:
        waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch], schema)]).combine_chunks()
        whole = len(waiting) - len(waiting) % block_rows
        yield from waiting.slice(0, whole).to_batches(max_chunksize=block_rows)
        waiting = waiting.slice(whole)
    yield from waiting.to_batches(max_chunksize=block_rows)


def _stretches(rows: Rows) -> Iterator[tuple[int, int]]:
    """Give first row and end of each stretch of rows that follow each other.

    >>> list(_stretches(np.array([4, 5, 6, 2, 3])))
    [(4, 7), (2, 4)]
    """
    if len(rows):
        breaks = np.flatnonzero(np.diff(rows) != 1)
        yield from zip(
            rows[np.concatenate([[0], breaks + 1])].tolist(),
            (rows[np.concatenate([breaks, [len(rows) - 1]])] + 1).tolist(),
            strict=True,
        )
