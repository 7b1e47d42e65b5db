"""Warnings about accepted rows: counted while rows are converted, listed in the report."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from vipreco import columns as c
from vipreco.tables.contracts import ISSUER_RISK_LEVEL, MAX_AMOUNT

Arrays = dict[str, pa.Array]


def row_warnings(table: str, arrays: Arrays) -> dict[str, int]:
    """Return, for converted rows of `table`, the number of rows by warning."""
    if table == c.CUSTOMERS:
        return _missing(arrays, c.MANAGER_ID, "rows without a manager are in nobody's book")
    if table == c.PRODUCTS:
        return _of_products(arrays)
    return {}


def higher_risk(arrays: Arrays, rows: int) -> pa.Array:
    """Return the higher of the issuer's and the seller's risk level, as the law asks for."""
    nothing = pa.nulls(rows, pa.string())
    issuer, seller = arrays.get(ISSUER_RISK_LEVEL, nothing), arrays.get(c.RISK_LEVEL, nothing)
    higher = pc.if_else(pc.greater(issuer, seller), issuer, seller)
    return pc.coalesce(higher, issuer, seller)


def _of_products(arrays: Arrays) -> dict[str, int]:
    found = _missing(
        arrays, c.RISK_LEVEL, "products have no risk level: not offerable where suitability is on"
    )
    found |= _greater(
        arrays,
        c.OFFERED_FROM,
        c.OFFERED_UNTIL,
        "products: offered_from is after offered_until, never offerable",
    )
    found |= _greater(arrays, c.MIN_AMOUNT, MAX_AMOUNT, "products: min_amount is above max_amount")
    if ISSUER_RISK_LEVEL in arrays and c.RISK_LEVEL in arrays:
        differ = pc.not_equal(arrays[ISSUER_RISK_LEVEL], arrays[c.RISK_LEVEL])
        found["products: risk levels of issuer and seller differ, the higher is used"] = _count(differ)
    return found


def _missing(arrays: Arrays, name: str, text: str) -> dict[str, int]:
    return {text: arrays[name].null_count} if name in arrays else {}


def _greater(arrays: Arrays, one: str, two: str, text: str) -> dict[str, int]:
    return {text: _count(pc.greater(arrays[one], arrays[two]))} if one in arrays and two in arrays else {}


def _count(mask: pa.Array) -> int:
    return int(pc.sum(mask).as_py() or 0)
