"""The catalog: all products with their rules, as known at one date, in a stable order."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.columns import (
    CHANNELS,
    EXCLUSIONS,
    FAMILY,
    MIN_AMOUNT,
    NAME,
    OFFERED_FROM,
    OFFERED_UNTIL,
    PLACEMENT,
    PREREQUISITES,
    PRODUCT_ID,
    REPEATABLE,
    RISK_LEVEL,
    UNIT_VALUE_AMOUNT,
)
from vipreco.errors import UsageError

if TYPE_CHECKING:
    from vipreco.history import View

Flags = NDArray[np.bool_]
COLUMNS = (
    PRODUCT_ID,
    NAME,
    FAMILY,
    RISK_LEVEL,
    UNIT_VALUE_AMOUNT,
    MIN_AMOUNT,
    OFFERED_FROM,
    OFFERED_UNTIL,
    CHANNELS,
    PLACEMENT,
    REPEATABLE,
    PREREQUISITES,
    EXCLUSIONS,
)


@dataclass(frozen=True)
class CatalogFinding:
    """Something wrong with a product; such a product is kept and not offered.

    Attributes:
        product_id: The product.
        code: Stable name of the rule.
        what: What is wrong, in one sentence.
    """

    product_id: str
    code: str
    what: str


class Catalog:
    """Products in the order of their ids; every array has one entry a product.

    Attributes:
        table: The product versions, one row a product, ordered by product_id.
    """

    _last: ClassVar[tuple[pa.Table, Catalog] | None] = None
    """The newest table and its catalog: a view that answers with the same rows gets the same catalog."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table.select(COLUMNS).sort_by(PRODUCT_ID).combine_chunks()

    @classmethod
    def from_view(cls, view: View) -> Catalog:
        """Read the newest version of each product that was known at the date of `view`.

        Raises:
            UsageError: No product was known then.
        """
        table = view.catalog_table()
        if cls._last is not None and cls._last[0] is table:
            return cls._last[1]
        if not table.num_rows:
            raise UsageError(
                f"no product was known at {view.date}",
                remedy="import a products file whose recorded_date is not later",
                code="no-products",
            )
        found = cls(table)
        cls._last = table, found
        return found

    @classmethod
    def from_bytes(cls, content: bytes) -> Catalog:
        """Read what `to_bytes` wrote, from an artifact whose hash was checked."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - no answer reads or writes such a file

        return cls(pq.read_table(io.BytesIO(content)))

    def to_bytes(self) -> bytes:
        """Return the catalog as a Parquet file for the artifact."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - no answer reads or writes such a file

        sink = io.BytesIO()
        pq.write_table(self.table, sink, compression="zstd", write_page_checksum=True)
        return sink.getvalue()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def product_ids(self) -> tuple[str, ...]:
        """Ids, ascending."""
        return self._texts(PRODUCT_ID)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name shown to people; the id where there is none."""
        named = pc.coalesce(self.table[NAME], self.table[PRODUCT_ID])
        return tuple(named.to_pylist())

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Family of each product; empty where unknown."""
        return self._texts(FAMILY)

    @cached_property
    def risk_levels(self) -> tuple[str, ...]:
        """Risk level as declared; empty where unknown."""
        return self._texts(RISK_LEVEL)

    @cached_property
    def placements(self) -> tuple[str, ...]:
        """Public or private placement as declared; empty where unknown."""
        return self._texts(PLACEMENT)

    @cached_property
    def channels(self) -> tuple[frozenset[str], ...]:
        """Channels in which each product may be offered; empty = not restricted."""
        return tuple(frozenset(items) for items in self._lists(CHANNELS))

    @cached_property
    def unit_values(self) -> NDArray[np.float64]:
        """Value to the bank of one acquisition, in its currency; NaN where unknown."""
        return self._amounts(UNIT_VALUE_AMOUNT)

    @cached_property
    def min_amounts(self) -> NDArray[np.float64]:
        """Least amount of an acquisition, in the bank's currency; NaN where there is none."""
        return self._amounts(MIN_AMOUNT)

    @cached_property
    def repeatable(self) -> Flags:
        """True for products that a holder can acquire again; unknown = no."""
        return np.asarray(pc.fill_null(self.table[REPEATABLE], False), dtype=np.bool_)

    @cached_property
    def prerequisites(self) -> Flags:
        """Shape (products, products): row p has True at each product that must be held for p."""
        return self._relation(PREREQUISITES)

    @cached_property
    def exclusions(self) -> Flags:
        """Shape (products, products): row p has True at each product that must not be held for p."""
        return self._relation(EXCLUSIONS)

    @cached_property
    def sound(self) -> Flags:
        """False for a product with a finding: it is kept, and not offered."""
        flawed = {finding.product_id for finding in self.findings}
        return np.asarray([product not in flawed for product in self.product_ids], dtype=np.bool_)

    @cached_property
    def findings(self) -> tuple[CatalogFinding, ...]:
        """Faults of the products, by product."""
        found = [
            *self._unknown_references(PREREQUISITES, "prerequisite-unknown"),
            *self._unknown_references(EXCLUSIONS, "exclusion-unknown"),
            *self._backward_dates(),
            *self._undated(),
        ]
        return tuple(sorted(found, key=lambda finding: (finding.product_id, finding.code)))

    def offered_at(self, day: date) -> Flags:
        """Return whether each product is on offer on `day` (first and last date included) and sound.

        A product without `offered_until` stays on offer; one without `offered_from` is not known to be.
        """
        start = pc.fill_null(self.table[OFFERED_FROM], date.min)
        end = pc.fill_null(self.table[OFFERED_UNTIL], date.max)
        current = pc.and_(pc.less_equal(start, pa.scalar(day)), pc.greater_equal(end, pa.scalar(day)))
        return np.asarray(current, dtype=np.bool_) & self.sound

    def launched(self, day: date) -> Flags:
        """Return whether each product was there on `day`: offered since then or before, or nobody knows."""
        start = pc.fill_null(self.table[OFFERED_FROM], date.min)
        return np.asarray(pc.less_equal(start, pa.scalar(day)), dtype=np.bool_)

    def indices(self, product_ids: Sequence[str]) -> NDArray[np.int32]:
        """Return the place of each id in the catalog, -1 for an unknown product."""
        index = {product: place for place, product in enumerate(self.product_ids)}
        return np.asarray([index.get(product, -1) for product in product_ids], dtype=np.int32)

    def _texts(self, column: str) -> tuple[str, ...]:
        return tuple(pc.fill_null(self.table[column], "").to_pylist())

    def _lists(self, column: str) -> list[list[str]]:
        return [items or [] for items in self.table[column].to_pylist()]

    def _amounts(self, column: str) -> NDArray[np.float64]:
        return np.asarray(pc.fill_null(self.table[column].cast(pa.float64()), np.nan), dtype=np.float64)

    def _relation(self, column: str) -> Flags:
        relation = np.zeros((len(self), len(self)), dtype=np.bool_)
        for row, references in enumerate(self._lists(column)):
            known = self.indices(references)
            relation[row, known[known >= 0]] = True
        return relation

    def _unknown_references(self, column: str, code: str) -> list[CatalogFinding]:
        return [
            CatalogFinding(product, code, f"{column} names {reference}, which is not in the catalog")
            for product, references in zip(self.product_ids, self._lists(column), strict=True)
            for reference in references
            if reference not in self.product_ids
        ]

    def _undated(self) -> list[CatalogFinding]:
        undated = pc.is_null(self.table[OFFERED_FROM]).to_pylist()
        return [
            CatalogFinding(
                product, "offer-dates-unknown", "offered_from is missing, so it is not known to be on offer"
            )
            for product, missing in zip(self.product_ids, undated, strict=True)
            if missing
        ]

    def _backward_dates(self) -> list[CatalogFinding]:
        backward = pc.fill_null(pc.greater(self.table[OFFERED_FROM], self.table[OFFERED_UNTIL]), False)
        return [
            CatalogFinding(product, "offer-dates", "offered_from is later than offered_until")
            for product, wrong in zip(self.product_ids, backward.to_pylist(), strict=True)
            if wrong
        ]
