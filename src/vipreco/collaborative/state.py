"""Holdings of customers at one date, as the matrix that all sources read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, TIER

Flags: TypeAlias = NDArray[np.bool_]
Scores: TypeAlias = NDArray[np.float32]
Arrays: TypeAlias = dict[str, NDArray[np.generic]]

UNKNOWN_SEGMENT = -1

# One row an interval of holding of a wanted product; a repeatable product may have several. Neither grouped
# nor joined with the products: over the few rows of a request a hash table takes longer than all else.
_HOLDINGS = """
SELECT p.customer_index AS row, list_position($products, h.product_id) - 1 AS column,
    h.closed_date IS NULL AS held
FROM holdings h
JOIN population p USING (customer_id)
WHERE list_contains($products, h.product_id)
"""


class AsOfView(Protocol):
    """The part of `history.View` that is read here."""

    def population(self) -> pa.Table:
        """Customers observed at the newest snapshot: customer_id, tier; ordered by customer_id."""

    def query(self, sql: str, parameters: dict[str, object] | None = None) -> pa.Table:
        """Run SQL over the views that end at the date."""


@dataclass(frozen=True)
class HoldingState:
    """Holdings of n customers and P products at one date.

    Attributes:
        held: (n, P); held at the date.
        held_before: (n, P); held earlier and not at the date.
        segments: (n,) int32; code of the customer's segment, -1 when unknown.
        product_ids: The P columns, each once.

    Raises:
        ValueError: The shapes do not belong together, a product occurs twice, or a product counts as
            held and as held before at once.
    """

    held: Flags
    held_before: Flags
    segments: NDArray[np.int32]
    product_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        expected = (len(self.segments), len(self.product_ids))
        if self.held.shape != expected or self.held_before.shape != expected:
            raise ValueError(
                f"held {self.held.shape} and held_before {self.held_before.shape} must be {expected}"
            )
        if len(set(self.product_ids)) != len(self.product_ids):
            raise ValueError("a product occurs twice in product_ids")
        if bool(np.any(self.held & self.held_before)):
            raise ValueError("a product cannot be held and held before at once")

    def __len__(self) -> int:
        return len(self.segments)

    def take(self, rows: slice | NDArray[np.generic]) -> HoldingState:
        """The same for some of the customers: a slice, indices or a mask."""
        return HoldingState(self.held[rows], self.held_before[rows], self.segments[rows], self.product_ids)

    def in_columns(self, product_ids: tuple[str, ...]) -> HoldingState:
        """The same in other columns: products that are not asked for go, new ones are held by nobody."""
        if product_ids == self.product_ids:
            return self
        position = {product: column for column, product in enumerate(self.product_ids)}
        known = np.array([product in position for product in product_ids], dtype=bool)
        columns = np.array([position.get(product, 0) for product in product_ids], dtype=np.intp)
        if not self.product_ids:
            columns, known = columns[:0], known[:0]
        return HoldingState(
            _pick(self.held, columns, known, len(product_ids)),
            _pick(self.held_before, columns, known, len(product_ids)),
            self.segments,
            product_ids,
        )


def _pick(flags: Flags, columns: NDArray[np.intp], known: Flags, width: int) -> Flags:
    if len(columns) == 0:
        return np.zeros((len(flags), width), dtype=bool)
    return flags[:, columns] & known


def empty_state(product_ids: tuple[str, ...], customers: int = 1) -> HoldingState:
    """The state of customers who never held anything and of whom nothing is known."""
    nothing = np.zeros((customers, len(product_ids)), dtype=bool)
    return HoldingState(nothing, nothing, np.full(customers, UNKNOWN_SEGMENT, dtype=np.int32), product_ids)


def holding_state(
    view: AsOfView, product_ids: Sequence[str], segments: Sequence[str] | None = None
) -> HoldingState:
    """Return the holdings of the customers of an as-of view; rows as in `view.population()`.

    Args:
        view: The history as of a date (`history.as_of(date)`).
        product_ids: The columns, in the order wanted; holdings of other products are left out.
        segments: Tiers in the order of their codes, as `segment_values` gave them when the source was
            fitted. A tier that is missing there, or no `segments` at all, is an unknown segment.
    """
    population = view.population()
    held = np.zeros((population.num_rows, len(product_ids)), dtype=bool)
    held_before = np.zeros_like(held)
    if product_ids and population.num_rows:
        found = view.query(_HOLDINGS, {"products": list(product_ids)})
        row, column, now = (found[name].to_numpy() for name in ("row", "column", "held"))
        held[row[now], column[now]] = True
        held_before[row, column] = True
        held_before &= ~held
    return HoldingState(held, held_before, segment_codes(population, segments or ()), tuple(product_ids))


def segment_values(view: AsOfView) -> tuple[str, ...]:
    """The tiers that occur at the date, sorted: store them with the source that is fitted on their codes."""
    tiers = view.population()[TIER].unique().drop_null().to_pylist()
    return tuple(sorted(str(tier) for tier in tiers))


def segment_codes(population: pa.Table, segments: Sequence[str]) -> NDArray[np.int32]:
    """Position of each customer's tier in `segments`; -1 where it is missing there or null."""
    known = pa.array(list(segments), type=pa.string())
    codes = pc.index_in(population[TIER].cast(pa.string()), value_set=known, skip_nulls=True)
    filled = pc.fill_null(codes, UNKNOWN_SEGMENT)
    return np.asarray(filled.to_numpy(), dtype=np.int32)


def customer_ids(view: AsOfView) -> NDArray[np.str_]:
    """Ids of the rows of `holding_state(view, ...)`, in the same order."""
    return np.asarray(view.population()[CUSTOMER_ID].to_pylist(), dtype=np.str_)
