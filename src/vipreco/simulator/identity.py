"""The bank's own numbers of customers, managers, branches, contacts: text with leading zeros."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

DIGITS = 10
MULTIPLIER = 6_364_136_223
"""Coprime to ten, so that customer numbers do not repeat and their order says nothing."""


def customer_numbers(start: int, stop: int, seed: int) -> pl.Series:
    """Return the numbers of the customers at positions start to stop."""
    offset = (seed * 7_919 + 12_345_678) % 10**DIGITS
    number = (np.arange(start, stop, dtype=np.int64) % 10**8 * MULTIPLIER + offset) % 10**DIGITS
    return pl.Series("number", number).cast(pl.String).str.zfill(DIGITS)


def numbered(prefix: str, numbers: NDArray[np.int32], digits: int) -> pl.Series:
    """Return texts such as `M00012`."""
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(digits)


def contact_numbers(label: str, block: int, count: int) -> pl.Series:
    """Return the numbers of a month's contacts in one block."""
    return f"T{label}{block:04d}" + pl.Series(np.arange(count)).cast(pl.String).str.zfill(6)
