"""The bank's own columns of the customers of a date, as arrays that can be coded and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.columns import (
    ACTIVITY,
    BATCH_SEQUENCE,
    CUSTOMER_ID,
    CUSTOMERS,
    MONTH_DATE,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.history import CONTRACTS, View
from vipreco.stats import number_codes

Codes = NDArray[np.int64]
RULES_ALONE = "policy_"  # such an attribute is for the rules of the policy: no model sees it
_CLOCKS = {CUSTOMER_ID, SNAPSHOT_DATE, RECORDED_DATE, BATCH_SEQUENCE, MONTH_DATE}
_BY_MONTH = f"PARTITION BY {CUSTOMER_ID} ORDER BY {MONTH_DATE} DESC"
_NEWEST_MONTH = f"SELECT * FROM activity QUALIFY row_number() OVER ({_BY_MONTH}) = 1"


@dataclass(frozen=True)
class Reading:
    """Columns of the customers of a date.

    Args:
        day: The date; dates are told as days before it.
        customer_ids: Ascending, shape (n,).
        values: Each column as stored, by table and name, shape (n,).
    """

    day: date
    customer_ids: NDArray[np.str_]
    values: Mapping[str, pa.Array]

    @classmethod
    def of_view(cls, view: View) -> Reading:
        """Read the columns of customers and of their newest month of activity that a model may see."""
        customers = view.query(f"SELECT * FROM customers_now ORDER BY {CUSTOMER_ID}")
        ids = _ids(customers)
        found = _columns(CUSTOMERS, customers)
        if ACTIVITY in view.present_tables:
            newest = view.query(
                f"SELECT activity.* FROM population LEFT JOIN ({_NEWEST_MONTH}) AS activity "
                f"USING ({CUSTOMER_ID}) ORDER BY population.{CUSTOMER_ID}"
            )
            found |= _columns(ACTIVITY, newest)
        return cls(view.date, ids, found)

    @classmethod
    def of_rows(cls, day: date, customers: pa.Table) -> Reading:
        """Take the rows of customers, ordered by customer."""
        return cls(day, _ids(customers), _columns(CUSTOMERS, customers))

    def rows_of(self, customer_ids: NDArray[np.str_]) -> NDArray[np.intp]:
        """Return the row of each of these customers (ascending ids), -1 where there is none."""
        if not len(self.customer_ids):
            return np.full(len(customer_ids), -1)
        places = np.minimum(np.searchsorted(self.customer_ids, customer_ids), len(self.customer_ids) - 1)
        return np.where(self.customer_ids[places] == customer_ids, places, -1)


def own_attributes(reading: Reading) -> list[str]:
    """Return the names of the columns of customers that the bank added itself."""
    known = {f"{CUSTOMERS}.{name}" for name in CONTRACTS[CUSTOMERS].types}
    return [name for name in reading.values if name.startswith(f"{CUSTOMERS}.") and name not in known]


def codes_of(readings: Sequence[Reading], name: str) -> list[Codes]:
    """Return the codes of a column at several dates: the same code means the same value at each of them."""
    arrays = [reading.values[name] for reading in readings]
    if pa.types.is_string(arrays[0].type):
        whole = pa.chunked_array(arrays).combine_chunks().dictionary_encode()
        codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
        return list(np.split(codes, np.cumsum([len(array) for array in arrays])[:-1]))
    days = [reading.day for reading in readings]
    return [
        number_codes(_numbers(array, day)).astype(np.int64) for array, day in zip(arrays, days, strict=True)
    ]


def changed(before: pa.Array, after: pa.Array) -> NDArray[np.bool_]:
    """Return where a value, or its absence, differs."""
    differs = pc.fill_null(pc.not_equal(before, after), False)
    either = pc.xor(pc.is_null(before), pc.is_null(after))
    return np.asarray(pc.or_(differs, either).to_numpy(zero_copy_only=False), np.bool_)


def _ids(customers: pa.Table) -> NDArray[np.str_]:
    return np.asarray(customers[CUSTOMER_ID].to_pylist(), np.str_)


def _columns(table: str, rows: pa.Table) -> dict[str, pa.Array]:
    return {
        f"{table}.{name}": rows[name].combine_chunks()
        for name in rows.column_names
        if name not in _CLOCKS and _is_plain(rows.schema.field(name).type) and not _is_for_rules(name)
    }


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_null(kind))


def _is_for_rules(name: str) -> bool:
    return name.removeprefix("attribute_").startswith(RULES_ALONE)


def _numbers(array: pa.Array, day: date) -> NDArray[np.float64]:
    """Return numbers as they are, yes as 1, and a date as the days before `day`."""
    if pa.types.is_temporal(array.type):
        days = pc.cast(pc.cast(array, pa.date32()), pa.int32())
        since = (day - date(1970, 1, 1)).days
        numbers: NDArray[np.float64] = since - _floats(days)
        return numbers
    return _floats(array)


def _floats(array: pa.Array) -> NDArray[np.float64]:
    found = pc.cast(array, pa.float64(), safe=False)
    return np.asarray(pc.fill_null(found, np.nan).to_numpy(zero_copy_only=False), np.float64)
