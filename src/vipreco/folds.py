"""Stable groups of customers: the same customer always falls into the same fold, and has the same draws."""

from __future__ import annotations

import hashlib
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Draws = NDArray[np.float64]
DIGITS = 13
"""Hexadecimal digits of a draw: as many as a float holds exactly."""

LOTTERY = 1_000_003
"""Numbers of a lottery of customers: a prime, so that no draw depends on folds by the same hash."""

HASHED = """
SELECT CAST(md5_number_lower($seed || ':' || customer_id) % $folds AS BIGINT) AS fold FROM ids
"""


def customer_folds(customer_ids: NDArray[Any], folds: int, seed: int) -> NDArray[np.int64]:
    """Put each customer into one of `folds` groups, by the MD5 of seed and id alone.

    Adding, removing or reordering customers moves nobody else, on any machine and with any version.

    Args:
        customer_ids: Ids as text, shape (n,).
        folds: Number of groups, at least 1.
        seed: The project's seed.

    Returns:
        Fold of each customer, 0 to `folds - 1`, shape (n,).

    >>> customer_folds(np.array(["a", "b", "c"]), 5, seed=1).tolist()
    [1, 1, 3]
    """
    ids = pa.table({"customer_id": pa.array(customer_ids.tolist(), pa.string())})
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("ids", ids)
        hashed = connection.sql(HASHED, params={"seed": str(seed), "folds": folds}).to_arrow_table()
    return np.asarray(hashed["fold"].to_numpy(), np.int64)


def drawn_customers(customer_ids: pa.ChunkedArray, share: float, seed: int) -> pa.Array:
    """Return a share of the customers, always the same ones, in their order; no id becomes a Python object.

    Args:
        customer_ids: Ids as text, shape (n,).
        share: From 0 to 1.
        seed: The project's seed.

    >>> drawn_customers(pa.chunked_array([["a", "b", "c"]]), 0.5, seed=1).to_pylist()
    ['c']
    """
    if share >= 1.0:
        return customer_ids.combine_chunks()
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("ids", pa.table({"customer_id": customer_ids}))
        parameters = {"seed": str(seed), "folds": LOTTERY}
        lots = connection.sql(HASHED, params=parameters).to_arrow_table()["fold"]
    return customer_ids.filter(pc.less(lots, share * LOTTERY)).combine_chunks()


def salt_of(control_salt: str, seed: int) -> str:
    """Return the salt of a bank: the one of its settings, or one that follows from its seed."""
    return hashlib.sha256(f"vipreco control {control_salt or seed}".encode()).hexdigest()


def salt_id(salt: str) -> str:
    """Return a public id of a salt, from which the salt does not follow."""
    return hashlib.sha256(f"id {salt}".encode()).hexdigest()[:12]


def draws(customer_ids: pl.Series, salt: str, purpose: str) -> Draws:
    """Return a number from 0 to below 1 for each customer, from the hash of salt, purpose and id."""
    with duckdb.connect() as connection:
        connection.register("asked", pl.DataFrame({"id": customer_ids}).to_arrow())
        sql = f"SELECT CAST('0x' || left(sha256($salt || id), {DIGITS}) AS UBIGINT) AS draw FROM asked"
        found = connection.sql(sql, params={"salt": f"{salt} {purpose} "}).to_arrow_table()
    return np.asarray(found["draw"].to_numpy(), np.float64) / 16.0**DIGITS
