"""Read a Parquet file once, checksums verified, and print what is wrong with it, or nothing.

Run as a script of its own, with pyarrow alone: a damaged file can kill its reader.
"""

from __future__ import annotations

import sys

import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 1 << 18


def check(path: str) -> str:
    """Return the kind of error that reading the file raises, or nothing."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        for batch in file.iter_batches(BATCH_ROWS):
            batch.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        return type(error).__name__
    return ""


if __name__ == "__main__":
    sys.stdout.write(check(sys.argv[1]))
