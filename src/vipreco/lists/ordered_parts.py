"""The offers of all parts in one order, without all of them in memory.

Each part keeps its rows in the order of the list, in compressed blocks, with the key of the first row of each
block. The keys say which blocks have rows of a range of the list; a range is read from all parts, put in
order, and given away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from vipreco.columns import AS_OF_DATE, CUSTOMER_ID, PRIORITY, RANK
from vipreco.packed_tables import BLOCK_ROWS, SUFFIX, PackedTable, write_packed

ROWS, KEYS = f"offers{SUFFIX}", "offer-keys.arrow"
BEST: Final = "_best"
KEY: Final = [BEST, CUSTOMER_ID]
RANGE_ROWS: Final = 1 << 17
"""Rows of a range, of all parts together; a block of each part comes on top."""
ONLY_OFFERS: Final = ["suppressed", "stage", "reason_code"]  # the same in every row of a list of offers


class Bound(NamedTuple):
    """The first customer of a range of the list: the priority of their best offer, and their id."""

    priority: float
    customer_id: str


def ordered_offers(rows: pl.DataFrame) -> pl.DataFrame:
    """Return offers in the order and columns of an `offer_list`."""
    return _in_order(rows).drop(BEST)


def save_ordered(rows: pl.DataFrame, folder: Path) -> None:
    """Write offers of a part for `OrderedParts`."""
    ordered = _in_order(rows)
    table = ordered.to_arrow(compat_level=pl.CompatLevel.oldest())
    write_packed(folder / ROWS, table.schema, table.to_batches())
    ordered.select(KEY).gather_every(BLOCK_ROWS).write_ipc(folder / KEYS, compression="uncompressed")


class OrderedParts:
    """Offers of all parts.

    Args:
        folders: Of the parts that have customers.
        range_rows: Rows that are put in order at once.
    """

    def __init__(self, folders: Sequence[Path], range_rows: int = RANGE_ROWS) -> None:
        self._tables = [PackedTable(folder / ROWS) for folder in folders]
        self._keys = [pl.read_ipc(folder / KEYS) for folder in folders]
        # Of each part a block is read in vain at both ends.
        self._blocks_a_range = max(range_rows // BLOCK_ROWS, 2 * len(folders))

    def frames(self) -> Iterator[pl.DataFrame]:
        """Give the rows in order and columns of an `offer_list`, a range at a time; one frame at least."""
        bounds = [None, *self._bounds(), None]
        for first, end in pairwise(bounds):
            found = [
                frame
                for table, keys in zip(self._tables, self._keys, strict=True)
                if (frame := _between(table, keys, first, end)) is not None
            ]
            if found:
                yield _sorted(pl.concat(found)).drop(BEST)

    def _bounds(self) -> list[Bound]:
        """Return the first customer of each range but the first."""
        every = pl.concat(self._keys).unique(KEY).sort(KEY, descending=[True, False])
        chosen = every.gather_every(self._blocks_a_range).slice(1)
        return [Bound(*row) for row in chosen.select(KEY).iter_rows()]


def _between(
    table: PackedTable, keys: pl.DataFrame, first: Bound | None, end: Bound | None
) -> pl.DataFrame | None:
    """Return the rows of a part from a bound to before another; None where it has no block of them."""
    # Rows of the first customer, and of others before the next block, stand in the block before.
    start = 0 if first is None else max(int(keys.select(_before(first).sum()).item()) - 1, 0)
    stop = keys.height if end is None else int(keys.select(_before(end).sum()).item())
    if start >= stop and table.blocks_number:
        return None
    rows = pl.DataFrame(pl.from_arrow(table.blocks(start, stop)))
    rows = rows if first is None else rows.filter(~_before(first))
    return rows if end is None else rows.filter(_before(end))


def _before(bound: Bound) -> pl.Expr:
    """Return whether a row stands before a bound."""
    best, customer = pl.col(BEST), pl.col(CUSTOMER_ID)
    return (best > bound.priority) | ((best == bound.priority) & (customer < bound.customer_id))


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    offers = rows.drop(ONLY_OFFERS).with_columns(pl.col(PRIORITY).max().over(CUSTOMER_ID).alias(BEST))
    front = [CUSTOMER_ID, RANK, "product_id", "product_name", "propensity", PRIORITY, "reason"]
    return _sorted(offers).select(*front, pl.exclude(*front, AS_OF_DATE), AS_OF_DATE)


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(BEST, CUSTOMER_ID, RANK, descending=[True, False, False])
