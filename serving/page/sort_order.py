"""Sorting a table by the column that the reader chose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

Row = TypeVar("Row")


@dataclass(frozen=True)
class Sort:
    """Order of a table, and the addresses of the other orders.

    Args:
        path: Address of the page.
        key: Column that it is sorted by.
        down: Greatest first.
        kept: Other values of the address that stay.
    """

    path: str
    key: str
    down: bool
    kept: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, query: Mapping[str, str], keys: Iterable[str], default: str) -> Sort:
        """Return the order that an address asks for; the default with the greatest first."""
        key = query.get("sort", "")
        key, known = (key, True) if key in keys else (default, False)
        kept = tuple((name, value) for name, value in query.items() if name not in {"sort", "up"})
        return cls(path, key, not (known and "up" in query), kept)

    def address(self, key: str) -> str:
        """Return the address for a column: the greatest first, or the other way round if it is so already."""
        up = [("up", "1")] if key == self.key and self.down else []
        return f"{self.path}?{urlencode([*self.kept, ('sort', key), *up])}"

    def applied(self, rows: Iterable[Row], value: Callable[[Row], Any]) -> list[Row]:
        """Return rows in this order; those without a value come last in both."""
        found = [(value(row), row) for row in rows]
        known = sorted(
            (one for one in found if one[0] is not None), key=lambda one: one[0], reverse=self.down
        )
        return [row for _, row in known] + [row for value_of, row in found if value_of is None]


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]
