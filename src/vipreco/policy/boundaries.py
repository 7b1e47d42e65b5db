"""Boundary values: those around the limits of a rule, where alone its truth can change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product as every
from math import prod
from typing import Final

import polars as pl

from vipreco.policy.columns import CHANNELS, Kind, PolicyColumn

MAX_CASES: Final = 50_000
QUOTED: Final = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w'])\d+(?:\.\d+)?")
_STRANGE: Final = ("something else", *CHANNELS)


def boundary_values(kind: Kind, sql: str) -> list[float] | list[str] | list[bool]:
    """Return values of a kind around the numbers and texts that some SQL names; none for dates.

    >>> boundary_values(Kind.NUMBER, "customer_age_years >= 65")
    [-1.0, 0.0, 1.0, 2.0, 64.0, 65.0, 66.0]
    """
    if kind is Kind.FLAG:
        return [False, True]
    if kind is Kind.TEXT:
        return list(dict.fromkeys([*sorted(set(QUOTED.findall(sql))), *_STRANGE]))
    if kind is Kind.DATE:
        return []
    numbers = {float(text) for text in _NUMBER.findall(QUOTED.sub("", sql))} | {0.0, 1.0}
    return sorted({value + step for value in numbers for step in (-1.0, 0.0, 1.0)})


def all_cases(columns: Iterable[PolicyColumn], sql: str) -> pl.DataFrame | None:
    """Return every combination of boundary values; None where these are too many, or there are dates."""
    asked = list(columns)
    values = [boundary_values(column.kind, sql) for column in asked]
    if not 0 < prod(len(item) for item in values) <= MAX_CASES:
        return None
    schema = {column.name: column.dtype for column in asked}
    return pl.DataFrame(list(every(*values)), schema=schema, orient="row")
