"""The part of a customer: a hash of the id, the same on every machine and in every version."""

from __future__ import annotations

import hashlib
from typing import Final

SHARED: Final = "shared"
"""Folder of the tables that are not about customers: every part has all of them."""


def part_of(customer_id: str, parts: int) -> int:
    """Return the number of the part of a customer, 0 to `parts` - 1.

    >>> [part_of(customer, 7) for customer in ("a", "b", "c")]
    [2, 1, 4]
    """
    digest = hashlib.md5(customer_id.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little") % parts


def part_sql(column: str, parts: int) -> str:
    """Return the same as an SQL expression over a column of ids."""
    return f"CAST(md5_number_lower({column}) % {parts} AS INTEGER)"


def part_name(part: int) -> str:
    """Return the name of the folder of a part.

    >>> part_name(17)
    'p0017'
    """
    return f"p{part:04d}"
