"""Read a Parquet file once, checksums verified, and print what is wrong with it, or nothing.

Run as a script of its own, with pyarrow alone: a damaged file can kill its reader. The rows are counted
three times: as the footer says, as they are read, and in the headers of the pages.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 1 << 18
# Compact protocol of Thrift: how a value is written, by its type
BOOLEANS, INTEGERS, BINARY, LISTS, STRUCT = (1, 2), (4, 5, 6), 8, (9, 10), 12
FIXED = {3: 1, 7: 8}  # a byte, a double
COMPRESSED_SIZE, DATA_PAGE, DATA_PAGE_V2, VALUES = 3, 5, 8, 1
HEADER_BYTES = 1 << 16


def check(path: str) -> str:
    """Return the kind of error that reading the file raises, or how its row counts differ, or nothing."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        read = 0
        for batch in file.iter_batches(BATCH_ROWS):
            batch.validate(full=True)
            read += batch.num_rows
        return _row_counts(path, file.metadata, read)
    except (pa.ArrowException, OSError, ValueError, LookupError) as error:
        return type(error).__name__


def _row_counts(path: str, footer: Any, read: int) -> str:
    groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
    said = {footer.num_rows, sum(group.num_rows for group in groups), read}
    if len(said) > 1:
        return f"its parts say {' and '.join(map(str, sorted(said)))} rows"
    with open(path, "rb") as handle:  # noqa: PTH123  this script imports as little as it can
        for group in groups:
            for at in range(group.num_columns):
                column = group.column(at)
                if column.num_values != group.num_rows:  # a nested column: not read anyway
                    continue
                there = sum(_page_values(handle, column))
                if there != group.num_rows:
                    return f"its footer says {group.num_rows} rows of a group, its pages hold {there}"
    return ""


def _page_values(handle: BinaryIO, column: Any) -> Iterator[int]:
    """Yield the number of values of each data page of a column."""
    starts = [column.data_page_offset]
    if column.dictionary_page_offset:
        starts.append(column.dictionary_page_offset)
    at = min(starts)
    end = at + column.total_compressed_size
    while at < end:
        handle.seek(at)
        header, size = _struct(handle.read(HEADER_BYTES), 0)
        data = header.get(DATA_PAGE) or header.get(DATA_PAGE_V2)
        if data is not None:
            yield data[VALUES]
        at += size + header[COMPRESSED_SIZE]


def _struct(content: bytes, at: int) -> tuple[dict[int, Any], int]:
    """Read a Thrift struct in compact protocol; return its fields by number, and the offset behind it."""
    fields: dict[int, Any] = {}
    number = 0
    while True:
        head = content[at]
        at += 1
        if head == 0:
            return fields, at
        kind, step = head & 15, head >> 4
        if step:
            number += step
        else:
            number, at = _integer(content, at)
        fields[number], at = _value(content, at, kind)


def _value(content: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in BOOLEANS:
        return kind == BOOLEANS[0], at
    if kind in FIXED:
        return None, at + FIXED[kind]
    return _READ[kind](content, at)


def _binary(content: bytes, at: int) -> tuple[bytes, int]:
    length, at = _unsigned(content, at)
    return content[at : at + length], at + length


def _list(content: bytes, at: int) -> tuple[list[Any], int]:
    length, kind = content[at] >> 4, content[at] & 15
    at += 1
    if length == 15:
        length, at = _unsigned(content, at)
    items = []
    for _ in range(length):
        item, at = _value(content, at, kind)
        items.append(item)
    return items, at


def _unsigned(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (content[at] & 127) << shift
        shift += 7
        at += 1
        if content[at - 1] < 128:
            return value, at


def _integer(content: bytes, at: int) -> tuple[int, int]:
    value, at = _unsigned(content, at)
    return (value >> 1) ^ -(value & 1), at


_READ: dict[int, Callable[[bytes, int], tuple[Any, int]]] = {
    **dict.fromkeys(INTEGERS, _integer),
    **dict.fromkeys(LISTS, _list),
    BINARY: _binary,
    STRUCT: _struct,
}

if __name__ == "__main__":
    sys.stdout.write(check(sys.argv[1]))
