"""Arms of a campaign: control group and random offers, drawn from a salted hash, the same at any time.

A customer's draw for the control group hangs on the bank's salt and the customer alone. So nobody changes
arms from one campaign to the next, and a smaller share is always a part of a larger one.
"""

from __future__ import annotations

import hashlib

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

Draws = NDArray[np.float64]
DIGITS = 13
"""Hexadecimal digits of a draw: as many as a float holds exactly."""


class Arm:
    """Names of the arms."""

    OFFERED = "offered"
    CONTROL = "control"
    EXPLORED = "explored"
    UNALLOCATED = "unallocated"


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


def in_control(customer_ids: pl.Series, salt: str, share: float) -> NDArray[np.bool_]:
    """Return flags of the control group that has this share of the customers."""
    return draws(customer_ids, salt, "control") < share
