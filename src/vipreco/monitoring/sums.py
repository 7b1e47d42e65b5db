"""Adds up the facts of parts of a bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from vipreco.monitoring.snapshot_facts import ColumnCounts, Matured, Rate, SnapshotFacts


def merge_facts(parts: Sequence[SnapshotFacts]) -> SnapshotFacts:
    """Return the facts of all customers from those of parts of them at the same date.

    The AUC of the whole is the mean of the parts' by precision: it compares customers of one part.
    """
    whole = parts[0]
    for part in parts[1:]:
        whole = _both(whole, part)
    return whole


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
        matured={
            name: _matured(one.matured.get(name), other.matured.get(name))
            for name in {**one.matured, **other.matured}
        },
        ranking=_ranking(one.ranking, other.ranking),
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


def _matured(one: Matured | None, other: Matured | None) -> Matured:
    parts = [part for part in (one, other) if part is not None]
    return Matured(
        sum(part.expected for part in parts),
        sum(part.observed for part in parts),
        sum(part.squares for part in parts),
    )


def _ranking(
    one: tuple[float, float] | None, other: tuple[float, float] | None
) -> tuple[float, float] | None:
    if one is None or other is None:
        return one or other
    weights = np.array([1 / one[1] ** 2, 1 / other[1] ** 2])
    return float(np.average([one[0], other[0]], weights=weights)), float(weights.sum() ** -0.5)
