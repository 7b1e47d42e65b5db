"""Adds up the facts of parts of a bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vipreco.monitoring.snapshot_facts import INPUT, ColumnCounts, Rate, SnapshotFacts, family


def merge_facts(parts: Sequence[SnapshotFacts]) -> SnapshotFacts:
    """Return the counts of all customers from those of parts of them at the same date, in one order."""
    whole = parts[0]
    for part in parts[1:]:
        whole = _both(whole, part)
    columns = {
        name: replace(one, counts=dict(sorted(one.counts.items())))
        for name, one in sorted(whole.columns.items())
    }
    # a part where nobody holds a product has no rate of it, and customers all the same
    rates = {
        name: Rate(one.cases, float(whole.customers)) if family(name) == INPUT else one
        for name, one in sorted(whole.rates.items())
    }
    return replace(whole, columns=columns, rates=rates)


def _both(one: SnapshotFacts, other: SnapshotFacts) -> SnapshotFacts:
    return replace(
        one,
        customers=one.customers + other.customers,
        columns=_columns(one.columns, other.columns),
        rates={
            name: Rate(
                *(np.add(_plain(one.rates.get(name)), _plain(other.rates.get(name))).tolist()),
            )
            for name in {**one.rates, **other.rates}
        },
    )


def _plain(rate: Rate | None) -> tuple[float, float]:
    return (rate.cases, rate.rows) if rate else (0.0, 0.0)


def _columns(one: Mapping[str, ColumnCounts], other: Mapping[str, ColumnCounts]) -> dict[str, ColumnCounts]:
    found = {**one, **other}
    for name in one.keys() & other.keys():
        first, second = one[name], other[name]
        counts = {
            code: first.counts.get(code, 0) + second.counts.get(code, 0)
            for code in {**first.counts, **second.counts}
        }
        found[name] = ColumnCounts(first.kind, first.missing + second.missing, counts)
    return found
