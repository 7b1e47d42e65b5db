"""The part of a customer: a hash of the id, the same on every machine and in every version."""

from __future__ import annotations

import hashlib
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SHARED: Final = "shared"
"""Folder of the tables that are not about customers: every part has all of them."""


def part_of(customer_id: str, parts: int) -> int:
    """Return the number of the part of a customer, 0 to `parts` - 1.

    >>> [part_of(customer, 7) for customer in ("a", "b", "c")]
    [2, 1, 4]
    """
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % parts


def parts_of(customer_ids: pa.Array, parts: int) -> NDArray[np.int32]:
    """Return the number of the part of each customer.

    >>> parts_of(pa.array(["a", "b", "c"]), 7).tolist()
    [2, 1, 4]
    """
    rows = pa.table({"id": customer_ids})
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        found = connection.from_arrow(rows).project(f"{part_sql('id', parts)} AS part").to_arrow_table()
    return np.asarray(found["part"].to_numpy(), np.int32)


def part_sql(column: str, parts: int) -> str:
    """Return the same as an SQL expression over a column of ids."""
    return f"CAST(md5_number_lower({column}) % {parts} AS INTEGER)"


def part_name(part: int) -> str:
    """Return the name of the folder of a part.

    >>> part_name(17)
    'p0017'
    """
    return f"p{part:04d}"
