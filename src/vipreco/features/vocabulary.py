"""What a fit remembers of the features: their names, and the number of each category."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.durable import canonical_json

UNKNOWN = -1


@dataclass(frozen=True)
class Vocabulary:
    """Names of the customer columns in the order of the fit, and the categories behind the codes.

    Attributes:
        names: Customer-grain columns.
        categories: For each category column, its values; the code of a value is its place. All other
            values, and missing ones, have the code -1.
    """

    names: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]

    def to_bytes(self) -> bytes:
        """Return canonical JSON for the artifact."""
        return canonical_json({"names": list(self.names), "categories": self.categories})

    @classmethod
    def from_bytes(cls, content: bytes) -> Vocabulary:
        """Read what `to_bytes` wrote."""
        facts = json.loads(content)
        return cls(
            tuple(facts["names"]), {name: tuple(values) for name, values in facts["categories"].items()}
        )


def most_frequent(values: Sequence[str], counts: NDArray[np.int64], limit: int) -> tuple[str, ...]:
    """Return at most `limit` values, the frequent ones first, equal ones by name.

    >>> most_frequent(["b", "a", "c"], np.array([2, 2, 5]), 2)
    ('c', 'a')
    """
    order = np.lexsort((np.asarray(values, dtype=np.str_), -counts))[:limit]
    return tuple(values[place] for place in order if counts[place] > 0)


def recoded(values: Sequence[str], known: Sequence[str]) -> NDArray[np.float32]:
    """Return the code in `known` of each of `values`, and one more code, that of "missing", at the end."""
    places = {value: place for place, value in enumerate(known)}
    codes = [places.get(value, UNKNOWN) for value in values]
    return np.asarray([*codes, UNKNOWN], dtype=np.float32)
