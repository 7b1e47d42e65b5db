"""Arithmetic on sets of held products whose result for one customer never depends on the others.

A matrix product by BLAS may round a row differently when the number of rows changes, or on another
machine. Scores must not: a customer's list in a nightly chunk and in a single request is the same. So
sums over held products are taken from tables of the 256 possible bytes, always added in column order;
that is also quicker than the matrix product, because holdings are bits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from vipreco.collaborative.state import Flags, Scores

ROWS_PER_BLOCK = 1 << 14


def byte_tables(weights: NDArray[np.float32]) -> Scores:
    """Sums of rows of `weights` (P, m) for each possible byte of holdings: (ceil(P / 8), 256, m)."""
    products, width = weights.shape
    tables = np.zeros(((products + 7) // 8, 256, width), dtype=np.float32)
    bytes_ = np.arange(256)
    for product in range(products):
        present = (bytes_ >> (7 - product % 8)) & 1 == 1
        tables[product // 8, present] += weights[product]
    return tables


def sum_held(held: Flags, tables: Scores) -> Scores:
    """Sum over each customer's held products, (n, m) float32, from `byte_tables`."""
    packed = np.packbits(held, axis=1)
    total = np.zeros((len(held), tables.shape[2]), dtype=np.float32)
    for rows in blocks(len(held)):
        for position, table in enumerate(tables):
            total[rows] += table[packed[rows, position]]
    return total


def blocks(customers: int, size: int = ROWS_PER_BLOCK) -> Iterator[slice]:
    """Slices over `customers` rows that fit the processor's cache."""
    return (slice(start, min(start + size, customers)) for start in range(0, customers, size))


def distinct_baskets(held: Flags) -> tuple[Flags, NDArray[np.intp]]:
    """The different baskets (d, P), sorted, and for each customer which of them is theirs (n,)."""
    packed, order = _packed_in_order(held)
    new = np.ones(len(held), dtype=bool)
    new[1:] = (packed[1:] != packed[:-1]).any(axis=1)
    which = np.empty(len(held), dtype=np.intp)
    which[order] = np.cumsum(new) - 1
    return held[order[new]], which


def sorted_baskets(held: Flags) -> csr_matrix:
    """Non-empty baskets in a fixed order, so that a fit does not depend on the order of customers."""
    packed, _ = _packed_in_order(held[held.any(axis=1)])
    return csr_matrix(np.unpackbits(packed, axis=1, count=held.shape[1]), dtype=np.float32)


def _packed_in_order(held: Flags) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    packed = np.packbits(held, axis=1)
    order = np.lexsort(packed.T[::-1]) if held.size else np.arange(len(held))
    return packed[order], order


def co_occurrence(held: Flags) -> NDArray[np.float64]:
    """Return the number of customers who hold both products, (P, P); exact in any order."""
    counts = np.zeros((held.shape[1], held.shape[1]), dtype=np.float64)
    for rows in blocks(len(held), 1 << 18):
        flags = held[rows].astype(np.float32)
        counts += flags.T @ flags
    return counts
