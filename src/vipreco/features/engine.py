"""Runs feature SQL over an as-of view and brings the rows into arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.errors import UsageError
from vipreco.features.computed import Floats, Pairs
from vipreco.features.dictionary import Feature
from vipreco.features.plan import Planned
from vipreco.history import View, quoted

Ids: TypeAlias = NDArray[np.str_]
Indices: TypeAlias = NDArray[np.int64]
FEW: Final = 8  # customers up to whom a join costs more than to look for their indices
_ROW = "customer_index"
_PRODUCT = "product_index"
_JOINED = f"JOIN population USING ({CUSTOMER_ID})"


@dataclass(frozen=True)
class CustomerBlock:
    """Columns of one customer-grain file, aligned with the population."""

    names: tuple[str, ...]
    values: Floats
    categories: dict[str, tuple[str, ...]]


def customer_block(view: View, planned: Planned, ids: Ids) -> CustomerBlock:
    """Compute a customer-grain file for the population of `view`, whose ids are given.

    Raises:
        UsageError: The SQL cannot run, or gives a customer twice.
    """
    rows = len(ids)
    indices, table = _rows(view, planned, ids)
    if len(indices) and np.bincount(indices).max() > 1:
        raise _twice(planned, "customer")
    values = np.empty((rows, len(planned.features)), dtype=np.float32)
    categories = {}
    for column, feature in enumerate(planned.features):
        if feature.type == "category":
            codes, found = _codes(table[feature.name], feature, indices, rows)
            values[:, column], categories[feature.name] = codes, found
        else:
            values[:, column] = feature.fill
            values[indices, column] = _numbers(table[feature.name], feature)
    return CustomerBlock(tuple(feature.name for feature in planned.features), values, categories)


def product_pairs(view: View, planned: Sequence[Planned], ids: Ids, products: Sequence[str]) -> Pairs:
    """Compute the product-grain files for the population of `view`, whose ids are given, and these products.

    Raises:
        UsageError: The SQL cannot run, or gives a pair twice.
    """
    features = [feature for item in planned for feature in item.features]
    names = tuple(feature.name for feature in features)
    defaults = np.asarray([feature.fill for feature in features], dtype=np.float32)
    blocks = [_pair_block(view, item, ids, products) for item in planned]
    keys = union([key for key, _ in blocks])
    values = np.empty((len(keys), len(features)), dtype=np.float32)
    values[:] = defaults
    column = 0
    for key, block in blocks:
        width = block.shape[1]
        values[np.searchsorted(keys, key), column : column + width] = block
        column += width
    width = max(len(products), 1)
    return Pairs(names, defaults, (keys // width).astype(np.int32), (keys % width).astype(np.int32), values)


def _pair_block(
    view: View, planned: Planned, ids: Ids, products: Sequence[str]
) -> tuple[NDArray[np.int64], Floats]:
    """Return the key (customer index x products + product index) of each pair, and its features."""
    rows, columns, table = _pairs(view, planned, ids, products)
    keys = rows * max(len(products), 1) + columns
    if len(union([keys])) < len(keys):
        raise _twice(planned, "pair of customer and product")
    values = np.empty((len(keys), len(planned.features)), dtype=np.float32)
    for column, feature in enumerate(planned.features):
        values[:, column] = _numbers(table[feature.name], feature)
    return keys, values


def _rows(view: View, planned: Planned, ids: Ids) -> tuple[Indices, pa.Table]:
    """Return the index of the customer of each row of a file, and the rows; those of others are left out."""
    if len(ids) <= FEW:
        return _found(_run(view, planned, f"{CUSTOMER_ID}, {_selected(planned)}"), CUSTOMER_ID, ids.tolist())
    table = _run(view, planned, f"population.{_ROW}, {_selected(planned)}", _JOINED)
    return _indices(table[_ROW]), table


def _pairs(
    view: View, planned: Planned, ids: Ids, products: Sequence[str]
) -> tuple[Indices, Indices, pa.Table]:
    """Return the indices of customer and product of each row of a file, and the rows of those asked for."""
    if len(ids) <= FEW:
        table = _run(view, planned, f"{CUSTOMER_ID}, {PRODUCT_ID}, {_selected(planned)}")
        columns, table = _found(table, PRODUCT_ID, products)
        indices, own = _found(table.append_column(_PRODUCT, pa.array(columns)), CUSTOMER_ID, ids.tolist())
        return indices, _indices(own[_PRODUCT]), own
    asked = f"(SELECT unnest($products) AS {PRODUCT_ID}, unnest($indices) AS {_PRODUCT}) AS asked"
    table = _run(
        view,
        planned,
        f"population.{_ROW}, asked.{_PRODUCT}, {_selected(planned)}",
        f"{_JOINED} JOIN {asked} USING ({PRODUCT_ID})",
        {"products": list(products), "indices": list(range(len(products)))},
    )
    return _indices(table[_ROW]), _indices(table[_PRODUCT]), table


def _found(table: pa.Table, column: str, wanted: Sequence[str]) -> tuple[Indices, pa.Table]:
    """Return the rows whose value is wanted, with its index: for few rows quicker than a join."""
    known = {value: place for place, value in enumerate(wanted)}
    indices = np.array([known.get(value, -1) for value in table[column].to_pylist()], np.int64)
    there = indices >= 0
    return (indices, table) if there.all() else (indices[there], table.filter(pa.array(there)))


def _indices(column: pa.ChunkedArray) -> Indices:
    return np.asarray(column.to_numpy(), np.int64)


def _run(
    view: View,
    planned: Planned,
    columns: str,
    joined: str = "",
    parameters: dict[str, Any] | None = None,
) -> pa.Table:
    sql = f"SELECT {columns} FROM ({planned.sql}\n) AS feature {joined}"
    return view.query(sql, parameters, where=planned.file.sql_name)


def _selected(planned: Planned) -> str:
    parts = [_cast(feature) for feature in planned.features]
    return ", ".join(parts)


def _cast(feature: Feature) -> str:
    kind = "VARCHAR" if feature.type == "category" else "FLOAT"
    return f"CAST(feature.{quoted(feature.name)} AS {kind}) AS {quoted(feature.name)}"


def _numbers(column: pa.ChunkedArray, feature: Feature) -> Floats:
    fill = feature.fill
    if column.null_count and not math.isnan(fill):  # to numpy, what is missing becomes NaN by itself
        column = pc.fill_null(column, pa.scalar(fill, pa.float32()))
    values: Floats = column.to_numpy()
    return values


def _codes(
    column: pa.ChunkedArray, feature: Feature, indices: NDArray[np.int64], rows: int
) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return the index of each customer's value among the values found, which are ascending; -1 = missing."""
    if isinstance(feature.default, str):
        column = pc.fill_null(column, feature.default)
    encoded = pc.dictionary_encode(column).combine_chunks()
    found = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
    if isinstance(feature.default, str) and feature.default not in set(found):
        found = np.append(found, feature.default)
    order = np.argsort(found, kind="stable")
    rank = np.empty(len(found) + 1, dtype=np.int32)
    rank[order], rank[-1] = np.arange(len(found)), -1
    start = rank[list(found).index(feature.default)] if isinstance(feature.default, str) else -1
    codes = np.full(rows, start, dtype=np.int32)
    codes[indices] = rank[pc.fill_null(encoded.indices, -1).to_numpy()]
    return codes, tuple(str(value) for value in found[order])


def union(keys: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the different keys, ascending (`np.unique` hashes, which is ten times slower here)."""
    merged = np.sort(np.concatenate([np.empty(0, dtype=np.int64), *keys]))
    first = np.ones(len(merged), dtype=np.bool_)
    first[1:] = merged[1:] != merged[:-1]
    return merged[first]


def _twice(planned: Planned, what: str) -> UsageError:
    return UsageError(
        f"gives more than one row for the same {what}",
        where=planned.file.sql_name,
        remedy="group the rows, so that there is one",
        code="feature-rows",
    )
