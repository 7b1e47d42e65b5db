"""Plants known faults into raw records, and says where: so that an import can be held to find them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

INVALID_BYTES = "\ue000"
"""Stands for a byte that is no GB18030 until the text is encoded."""

EXTRA_FIELD = "\ue001"
"""Stands for an unquoted comma until the text is encoded."""

Change = Callable[[pl.Series], pl.Series]
PLANTED_SCHEMA = pl.Schema(
    {
        "file": pl.String,
        "row": pl.Int64,
        "case": pl.String,
        "kind": pl.String,
        "column": pl.String,
        "outcome": pl.String,
    }
)


class Outcome(StrEnum):
    """Outcome that an import must give a planted fault."""

    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    STORED = "stored"


@dataclass(frozen=True)
class Fault:
    """A kind of fault.

    Args:
        case: Number of the case in the catalogue of bad input.
        kind: Name of the fault.
        column: Raw column that it changes; of a copied row where `copies`.
        change: From right values to faulty ones; nothing for an identical copy.
        copies: Whether the faulty row is a copy that is added, beside the right one.
        outcome: What an import must do with it.
    """

    case: str
    kind: str
    column: str
    change: Change | None = None
    copies: bool = False
    outcome: Outcome = Outcome.QUARANTINED


@dataclass(frozen=True)
class Planted:
    """Records with faults, and the position, from 0, of each fault in them."""

    frame: pl.DataFrame
    position: NDArray[np.int64]
    fault: list[Fault]

    def report(self, file: str, first_row: int) -> pl.DataFrame:
        """Return one row a faulty record; `first_row` is the physical row of position 0."""
        return pl.DataFrame(
            {
                "file": [file] * len(self.fault),
                "row": self.position + first_row,
                "case": [fault.case for fault in self.fault],
                "kind": [fault.kind for fault in self.fault],
                "column": [fault.column for fault in self.fault],
                "outcome": [str(fault.outcome) for fault in self.fault],
            },
            schema=PLANTED_SCHEMA,
        )


def text(value: str) -> Change:
    """Return the change of every value to one text."""
    return lambda values: pl.Series(values.name, [value], dtype=pl.String).new_from_index(0, len(values))


def missing(values: pl.Series) -> pl.Series:
    """Return missing values in place of all."""
    return values.clear(len(values))


def plant(
    frame: pl.DataFrame,
    faults: tuple[Fault, ...],
    rate: float,
    random: np.random.Generator,
    eligible: NDArray[np.bool_] | None = None,
) -> Planted:
    """Plant faults into a share of the rows, the kinds in turn; each row gets one at most.

    Args:
        frame: The records; copies are added at the end.
        faults: The kinds of fault.
        rate: Share of the rows that get a fault.
        random: Stream of random numbers.
        eligible: Rows that may get one; by default all.
    """
    rows = np.arange(frame.height) if eligible is None else np.flatnonzero(eligible)
    number = min(int(rate * frame.height + random.random()), len(rows))
    chosen = np.sort(random.choice(rows, number, replace=False)) if number else rows[:0]
    kinds = (int(random.integers(len(faults))) + np.arange(number)) % len(faults)
    positions: list[int] = []
    planted: list[Fault] = []
    for kind, fault in enumerate(faults):
        here = chosen[kinds == kind]
        if here.size:
            frame, places = _plant_kind(frame, fault, here)
            positions += places
            planted += [fault] * len(places)
    return Planted(frame, np.array(positions, dtype=np.int64), planted)


def _plant_kind(frame: pl.DataFrame, fault: Fault, rows: NDArray[np.int64]) -> tuple[pl.DataFrame, list[int]]:
    """Plant one kind; return the records and the positions of the faulty ones."""
    if not fault.copies:
        column = frame[fault.column]
        return frame.with_columns(_changed(column, fault, rows)), rows.tolist()
    copy = frame[rows]
    if fault.change is not None:
        copy = copy.with_columns(fault.change(copy[fault.column]).alias(fault.column))
    added = list(range(frame.height, frame.height + len(rows)))
    both = fault.outcome is Outcome.QUARANTINED
    return pl.concat([frame, copy]), (rows.tolist() if both else []) + added


def _changed(column: pl.Series, fault: Fault, rows: NDArray[np.int64]) -> pl.Series:
    if fault.change is None:
        raise ValueError(f"{fault.kind} changes nothing")
    return column.scatter(pl.Series(rows), fault.change(column.gather(rows)))


def damaged(encoded: bytes, encoding: str) -> bytes:
    """Return encoded CSV text with the marks of broken bytes and extra fields made real."""
    broken = encoded.replace(INVALID_BYTES.encode(encoding), b"\xff")
    return broken.replace(EXTRA_FIELD.encode(encoding), b",")
