"""Ranking metrics of lists, one number a customer first, so that intervals can resample customers.

All functions take matrices with one row a customer and one column a product:
`scores` (n, P) numbers whose order alone counts, `truth` (n, P) what was acquired, `listable` (n, P)
what may be listed. A product outside `listable` is never listed; acquired all the same it counts as
missed, so a rule that hides what customers buy is seen in the numbers. Equal scores are ordered by column.
Rows must be customers who were observed at the end of the window: an unobserved one is not a negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vipreco.stats.arrays import Flags, Floats

PerCustomer: TypeAlias = NDArray[np.float64]

ROWS_PER_BLOCK = 1 << 16


@dataclass(frozen=True)
class RelevantRanks:
    """Ranks of the m acquired products in the customers' lists.

    Attributes:
        customer: (m,) row of the customer; ascending.
        column: (m,) column of the product.
        rank: (m,) place in the list from 1; 0 when the product may not be listed.
        position: (m,) how many of the customer's acquired products stand at this place or above.
        relevant: (n,) how many products each customer acquired, listed or not.
    """

    customer: NDArray[np.intp]
    column: NDArray[np.intp]
    rank: NDArray[np.int64]
    position: NDArray[np.int64]
    relevant: NDArray[np.int64]

    @classmethod
    def of(cls, truth: Flags, rank: NDArray[np.integer[Any]]) -> Self:
        """Put the `acquired_ranks` (m,) of a list beside the acquisitions (n, P) that they are of."""
        customer, column = np.nonzero(truth)
        whole = rank.astype(np.int64)
        return cls(customer, column, whole, _positions(customer, whole), np.count_nonzero(truth, axis=1))

    def restricted(self, truth: Flags) -> RelevantRanks:
        """The same lists judged by some of the acquisitions alone: `truth` (n, P), part of the first."""
        kept = truth[self.customer, self.column]
        customer, rank = self.customer[kept], self.rank[kept]
        relevant = np.bincount(customer, minlength=len(self.relevant))
        return RelevantRanks(customer, self.column[kept], rank, _positions(customer, rank), relevant)

    def total(self, weights: PerCustomer, k: int) -> PerCustomer:
        """Sum of `weights` (m,) over the first k places of each customer: (n,)."""
        inside = (self.rank > 0) & (self.rank <= k)
        sums = np.bincount(self.customer[inside], weights[inside], minlength=len(self.relevant))
        return np.asarray(sums, dtype=np.float64)

    def where_relevant(self, values: PerCustomer) -> PerCustomer:
        """`values` (n,), NaN for customers who acquired nothing."""
        return np.where(self.relevant > 0, values, np.nan)


def acquired_ranks(scores: Floats, truth: Flags, listable: Flags) -> NDArray[np.int64]:
    """The place of each acquired product in its customer's list, (m,), row by row; 0 where not listable.

    Raises:
        ValueError: The shapes differ, or the score of a listable product is NaN or infinite.
    """
    _check(scores, truth, listable)
    customer, column = np.nonzero(truth)
    rank = np.zeros(len(customer), dtype=np.int64)
    for rows in _blocks(len(customer)):
        rank[rows] = _ranks(scores, listable, customer[rows], column[rows])
    return rank


def relevant_ranks(scores: Floats, truth: Flags, listable: Flags) -> RelevantRanks:
    """The places of the acquired products; every ranking metric follows from them.

    Raises:
        ValueError: As `acquired_ranks`.
    """
    return RelevantRanks.of(truth, acquired_ranks(scores, truth, listable))


def average_precision(scores: Floats, truth: Flags, listable: Flags, k: int) -> PerCustomer:
    """Average precision at k, (n,): precision at each hit, divided by min(k, number acquired).

    NaN for a customer who acquired nothing; the mean over the others is MAP@k.
    """
    return ranking_metrics(relevant_ranks(scores, truth, listable), k)["map"]


def ranking_metrics(ranks: RelevantRanks, k: int) -> dict[str, PerCustomer]:
    """All ranking metrics at k for each customer: map, recall, ndcg, hit, precision."""
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    ones = np.ones(len(ranks.rank))
    hits = ranks.total(ones, k)
    places = np.maximum(ranks.rank, 1)
    possible = np.clip(ranks.relevant, 1, None)
    gain = ranks.total(1.0 / np.log2(places + 1.0), k)
    ideal = np.cumsum(1.0 / np.log2(np.arange(2.0, k + 2.0)))
    return {
        "map": ranks.where_relevant(ranks.total(ranks.position / places, k) / np.minimum(possible, k)),
        "recall": ranks.where_relevant(hits / possible),
        "ndcg": ranks.where_relevant(gain / ideal[np.minimum(possible, k) - 1]),
        "hit": ranks.where_relevant(np.minimum(hits, 1.0)),
        "precision": hits / k,
    }


def novel(truth: Flags, held_before: Flags) -> Flags:
    """Acquisitions of products that the customer never held before."""
    return truth & ~held_before


def reacquired(truth: Flags, held_before: Flags) -> Flags:
    """Acquisitions of products that the customer had held before and given up."""
    return truth & held_before


def listed(scores: Floats, listable: Flags, k: int) -> Flags:
    """Flags of the products among the customer's first k, (n, P); fewer where fewer are listable.

    Raises:
        ValueError: The shapes differ, or the score of a listable product is NaN or infinite.
    """
    _check(scores, listable, listable)
    chosen = np.zeros(listable.shape, dtype=bool)
    for rows in _blocks(len(scores)):
        key = np.where(listable[rows], -scores[rows], np.inf)
        first = key.argsort(axis=1, kind="stable")[:, :k]
        np.put_along_axis(chosen[rows], first, True, axis=1)
    return chosen & listable


def coverage(chosen: Flags) -> float:
    """Share of the catalogue that is listed to at least one customer."""
    return float(chosen.any(axis=0).mean()) if chosen.shape[1] else 0.0


def _ranks(
    scores: Floats, listable: Flags, customer: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.int64]:
    others, own = scores[customer], scores[customer, column][:, None]
    tied_before = (others == own) & (np.arange(scores.shape[1]) < column[:, None])
    above = ((others > own) | tied_before) & listable[customer]
    return np.where(listable[customer, column], above.sum(axis=1) + 1, 0)


def _positions(customer: NDArray[np.intp], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Place of each hit among the customer's own hits, unlisted ones left out."""
    order = np.lexsort((rank, rank == 0, customer))
    sorted_customer = customer[order]
    first = np.searchsorted(sorted_customer, sorted_customer, side="left")
    positions = np.empty(len(customer), dtype=np.int64)
    positions[order] = np.arange(len(customer)) - first + 1
    return positions


def _check(scores: Floats, truth: Flags, listable: Flags) -> None:
    if not scores.shape == truth.shape == listable.shape or scores.ndim != 2:
        raise ValueError(f"shapes differ: {scores.shape}, {truth.shape}, {listable.shape}")
    if not (np.isfinite(scores) | ~listable).all():
        raise ValueError("the score of a listable product is NaN or infinite")


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_PER_BLOCK) for start in range(0, rows, ROWS_PER_BLOCK))
