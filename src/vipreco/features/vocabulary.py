"""The vocabulary of a fit: names of the features, and the code of each category."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.durable import canonical_json

UNKNOWN = -1


@dataclass(frozen=True)
class Vocabulary:
    """Names of the columns in the order of the fit, and the categories behind the codes.

    Attributes:
        names: Customer-grain columns.
        product_names: Product-grain features; each product has a column for every one of them.
        categories: For each category column, its values; the code of a value is its index. All other
            values, and missing ones, have the code -1.
    """

    names: tuple[str, ...]
    product_names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]

    def columns(self, product_ids: Sequence[str]) -> tuple[str, ...]:
        """Return the names of all columns of a matrix over these products, in order."""
        return column_names(self.names, self.product_names, tuple(product_ids))

    def to_bytes(self) -> bytes:
        """Return canonical JSON for the artifact."""
        return canonical_json(
            {
                "names": list(self.names),
                "product_names": list(self.product_names),
                "categories": self.categories,
            }
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Vocabulary:
        """Read what `to_bytes` wrote."""
        facts = json.loads(content)
        return cls(
            tuple(facts["names"]),
            tuple(facts["product_names"]),
            {name: tuple(values) for name, values in facts["categories"].items()},
        )


@dataclass(frozen=True)
class LearntColumns:
    """Columns of some customers, with how often each category occurs among them.

    Args:
        customers: Number of the customers.
        names: Customer-grain columns.
        product_names: Product-grain features.
        counts: Of each category column, how often each value occurs.
    """

    customers: int
    names: tuple[str, ...]
    product_names: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]

    @classmethod
    def merged(cls, parts: Sequence[LearntColumns]) -> LearntColumns:
        """Return the columns of the customers of all parts."""
        first = parts[0]
        counts: dict[str, Counter[str]] = {name: Counter() for name in first.counts}
        for part in parts:
            for name, own in part.counts.items():
                counts[name].update(own)
        return cls(sum(part.customers for part in parts), first.names, first.product_names, counts)


def column_names(
    names: tuple[str, ...], product_names: tuple[str, ...], product_ids: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the names of the columns of a matrix: the customer's, then a block for each product.

    >>> column_names(("age",), ("held", "balance"), ("p", "q"))
    ('age', 'held@p', 'balance@p', 'held@q', 'balance@q')
    """
    return (*names, *(f"{name}@{product}" for product in product_ids for name in product_names))


def most_frequent(
    values: Sequence[str], counts: NDArray[np.int64], limit: int, min_count: int = 1
) -> tuple[str, ...]:
    """Return at most `limit` values that occur `min_count` times, by falling count, equal ones by name.

    >>> most_frequent(["b", "a", "c"], np.array([2, 2, 5]), 2)
    ('c', 'a')
    >>> most_frequent(["b", "a", "c"], np.array([2, 2, 5]), 2, min_count=3)
    ('c',)
    """
    order = np.lexsort((np.asarray(values, dtype=np.str_), -counts))[:limit]
    return tuple(values[index] for index in order if counts[index] >= max(min_count, 1))


def recoded(values: Sequence[str], known: Sequence[str]) -> NDArray[np.float32]:
    """Return the code in `known` of each of `values`, and one more code, that of "missing", at the end."""
    codes_of = {value: code for code, value in enumerate(known)}
    codes = [codes_of.get(value, UNKNOWN) for value in values]
    return np.asarray([*codes, UNKNOWN], dtype=np.float32)
