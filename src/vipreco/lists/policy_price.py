"""Cost of the rules: customers and value that each of them stops, alone and together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.policy import PASSES, Compiled
from vipreco.recommender import Decisions

Mask = NDArray[np.bool_]
MEASURES = ("customers", "pairs", "value")


@dataclass(frozen=True)
class Price:
    """Customers and value that the rules in force stop.

    Args:
        rules: One row a rule, in the order in which they are asked: `first_*` where it gives the reason,
            `alone_*` where no other rule stops, `all_*` where it stops at all; `customers` with such a
            product, `pairs`, `value` (sum of their priorities). `relaxing_opens_value` is told for rules of
            the house alone.
        overlap: rule, other, pairs that both stop; each two rules once, the most first.
    """

    rules: pl.DataFrame
    overlap: pl.DataFrame


def price(parts: Iterable[Decisions]) -> Price:
    """Return what each rule stops over all chunks of a decision frame."""
    counted: dict[str, NDArray[np.float64]] = {}
    both: dict[tuple[str, str], int] = {}
    entries: dict[str, Compiled] = {}
    for decisions in parts:
        stops = {one.entry.id: (one, mask) for one, mask in _stops(decisions)}
        entries |= {name: one for name, (one, _) in stops.items()}
        masks = {name: mask for name, (_, mask) in stops.items()}
        for name, row in _measured(decisions, stops).items():
            counted[name] = counted.get(name, 0.0) + row
        for pair, count in _together(masks).items():
            both[pair] = both.get(pair, 0) + count
    return Price(_rules_frame(entries, counted), _overlap_frame(both))


def _stops(decisions: Decisions) -> Iterable[tuple[Compiled, Mask]]:
    shape = decisions.verdict.shape
    for one, codes in decisions.policy.each(decisions.facts):
        yield one, np.broadcast_to(codes != PASSES, shape)


def _measured(
    decisions: Decisions, stops: dict[str, tuple[Compiled, Mask]]
) -> dict[str, NDArray[np.float64]]:
    """Return customers, pairs and value that each rule stops first, alone, at all: shape (9,)."""
    how_many = np.zeros(decisions.verdict.shape, np.uint16)
    for _, mask in stops.values():
        how_many += mask
    found = {}
    for name, (one, mask) in stops.items():
        first = (decisions.verdict == one.number) | (decisions.verdict == one.unknown_number)
        masks = (first, mask & (how_many == 1), mask)
        found[name] = np.array([value for item in masks for value in _measures(item, decisions.priority)])
    return found


def _measures(mask: Mask, priority: NDArray[np.float64]) -> tuple[float, float, float]:
    return float(mask.any(axis=1).sum()), float(mask.sum()), float(priority[mask].sum())


def _together(masks: dict[str, Mask]) -> dict[tuple[str, str], int]:
    """Return how many pairs each two rules stop both: one product of matrices."""
    if not masks:
        return {}
    flat = np.stack([mask.ravel() for mask in masks.values()]).astype(np.float32)
    counts = (flat @ flat.T).astype(np.int64)
    names = list(masks)
    upper = zip(*np.triu_indices(len(names), k=1), strict=True)
    return {(names[row], names[column]): int(counts[row, column]) for row, column in upper}


def _rules_frame(entries: dict[str, Compiled], counted: dict[str, NDArray[np.float64]]) -> pl.DataFrame:
    columns = [f"{when}_{what}" for when in ("first", "alone", "all") for what in MEASURES]
    rows: list[dict[str, Any]] = [
        {
            "rule": name,
            "stage": one.entry.stage.value,
            "reason_code": one.entry.reason_code,
            "law": one.entry.law,
            **dict(zip(columns, counted[name].tolist(), strict=True)),
        }
        for name, one in entries.items()
    ]
    schema = {"rule": pl.String, "stage": pl.String, "reason_code": pl.String, "law": pl.Boolean}
    frame = pl.DataFrame(rows, schema={**schema, **dict.fromkeys(columns, pl.Float64)})
    whole = [name for name in columns if not name.endswith("value")]
    relaxed = pl.when("law").then(None).otherwise("alone_value").alias("relaxing_opens_value")
    return frame.with_columns(pl.col(whole).cast(pl.Int64), relaxed)


def _overlap_frame(both: dict[tuple[str, str], int]) -> pl.DataFrame:
    rows = [(one, other, count) for (one, other), count in both.items() if count]
    frame = pl.DataFrame(
        rows, schema={"rule": pl.String, "other": pl.String, "pairs": pl.Int64}, orient="row"
    )
    return frame.sort("pairs", "rule", "other", descending=[True, False, False])
