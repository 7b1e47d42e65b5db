"""Stored features in compressed blocks, for banks whose features would fill the disk."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.features.computed import ComputedFeatures, Floats, Pairs
from vipreco.features.engine import Ids
from vipreco.features.stored_features import (
    Indices,
    StoredFeatures,
    StoredRows,
    indices_of,
    pair_indices,
    starts_of,
)
from vipreco.history import Records
from vipreco.mapped_arrays import mapped_array
from vipreco.packed_tables import PackedTable, write_packed

VALUES, PAIRS, STARTS, DEFAULTS = "values.packed", "pairs.packed", "starts.npy", "defaults.npy"
VALUE_ROWS: Final = 64
"""Customers of a block: their 130 columns take 246 bytes a customer in blocks of 64, 238 in blocks of 256."""
CHUNK_ROWS: Final = 1 << 16


def save_packed_features(computed: ComputedFeatures, folder: Path) -> None:
    """Write features in the columns of a fit, as `save_features`, in compressed blocks."""
    pairs = computed.pairs
    np.save(folder / STARTS, starts_of(computed).astype(np.uint32), allow_pickle=False)
    np.save(folder / DEFAULTS, pairs.defaults, allow_pickle=False)
    _write(folder / VALUES, {"values": computed.customer_values}, VALUE_ROWS)
    # A quarter of the bytes: no bank has so many products.
    _write(folder / PAIRS, {"products": pairs.products.astype(np.uint16), "values": pairs.values})


def open_stored_features(folder: Path, records: Records, day: date, customer_ids: Ids) -> StoredRows:
    """Map the features of a folder, packed or not; the other arguments are those of `StoredFeatures`."""
    packed = (folder / VALUES).is_file()
    return (PackedFeatures if packed else StoredFeatures.open)(folder, records, day, customer_ids)


class PackedFeatures:
    """Features of a population at a date, as `save_packed_features` wrote them: a `StoredRows`.

    Args:
        folder: Of the files.
        records: The rows of the tables from which they were computed.
        day: As-of date of the features.
        customer_ids: The population, ascending, shape (n,).
    """

    def __init__(self, folder: Path, records: Records, day: date, customer_ids: Ids) -> None:
        self.records, self.day, self._ids = records, day, customer_ids
        self._starts = mapped_array(folder / STARTS)
        self._defaults: Floats = np.load(folder / DEFAULTS, allow_pickle=False)
        self._values, self._pairs = PackedTable(folder / VALUES), PackedTable(folder / PAIRS)

    def indices(self, customer_ids: Ids) -> Indices:
        """Return the index of each customer; -1 for those outside the population."""
        return indices_of(self._ids, customer_ids)

    def values_of(self, indices: Indices) -> Floats:
        """Return the customer-grain columns of some customers, shape (n, columns)."""
        return _floats(self._values.take(indices))

    def pairs_of(self, indices: Indices, names: tuple[str, ...]) -> Pairs:
        """Return the pairs of some customers."""
        first, last = (self._starts[place].astype(np.int64) for place in (indices, indices + 1))
        rows, there = pair_indices(first, last - first)
        found = self._pairs.take(there)
        products = found["products"].to_numpy().astype(np.int32)
        return Pairs(names, self._defaults, rows, products, _floats(found))


def _write(path: Path, columns: dict[str, NDArray[np.generic]], *block_rows: int) -> None:
    """Write columns of numbers; one of several numbers a row becomes a list."""
    kinds = {
        name: pa.from_numpy_dtype(values.dtype)
        if values.ndim == 1
        else pa.list_(pa.from_numpy_dtype(values.dtype), values.shape[1])
        for name, values in columns.items()
    }
    schema, rows = pa.schema(list(kinds.items())), len(next(iter(columns.values())))
    chunks = (
        pa.record_batch(
            [_array(values[start : start + CHUNK_ROWS], kinds[name]) for name, values in columns.items()],
            schema=schema,
        )
        for start in range(0, rows, CHUNK_ROWS)
    )
    write_packed(path, schema, chunks, *block_rows)


def _array(values: NDArray[np.generic], kind: pa.DataType) -> pa.Array:
    if values.ndim == 1:
        return pa.array(values, kind)
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), type=kind)


def _floats(table: pa.Table) -> Floats:
    """Return the lists of a table as rows."""
    column = table["values"]
    flat = column.combine_chunks().flatten().to_numpy()
    return np.asarray(flat, np.float32).reshape(len(column), column.type.list_size)
