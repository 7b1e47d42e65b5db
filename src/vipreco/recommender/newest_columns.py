"""Products, columns and categories of a fit, from the newest date that it learns from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from vipreco.catalog import Catalog
from vipreco.collaborative import segment_values
from vipreco.durable import canonical_json
from vipreco.features import FeatureSet, LearntColumns
from vipreco.history import View
from vipreco.recommender.panels import Arrays, Panel

FOUND = "columns"


@dataclass(frozen=True)
class NewestColumns:
    """Products, columns and categories of a fit.

    Args:
        product_ids: Products of the catalog.
        families: Their families.
        segments: Tiers that occur.
        columns: Columns, and how often each category occurs.
    """

    product_ids: tuple[str, ...]
    families: tuple[str, ...]
    segments: tuple[str, ...]
    columns: LearntColumns

    @classmethod
    def of(cls, panel: Panel, features: FeatureSet) -> Self:
        """Return those of all customers of a panel."""
        found = _found(panel, ColumnCounts(features))
        return cls(
            tuple(found[0]["product_ids"]),
            tuple(found[0]["families"]),
            tuple(sorted({segment for part in found for segment in part["segments"]})),
            _merged(found),
        )


def customer_columns(panel: Panel, features: FeatureSet) -> LearntColumns:
    """Return columns and categories of all customers of a panel at its newest date, without products."""
    return _merged(_found(panel, ColumnCounts(features, with_products=False)))


def _found(panel: Panel, work: ColumnCounts) -> list[dict[str, Any]]:
    """Return what a work finds in each part at the newest date of a panel."""
    with replace(panel, as_of=panel.as_of[-1:]).found(work) as parts:
        return [json.loads(part[FOUND].tobytes()) for part in parts]


def _merged(found: Sequence[Mapping[str, Any]]) -> LearntColumns:
    columns = [
        LearntColumns(one["customers"], tuple(one["names"]), tuple(one["product_names"]), one["counts"])
        for one in (part["columns"] for part in found)
    ]
    return LearntColumns.merged(columns)


@dataclass(frozen=True)
class ColumnCounts:
    """Columns and categories of the customers of a panel at its only date: a `Work`.

    Args:
        features: Feature definitions.
        with_products: Compute the features of products as well.
    """

    features: FeatureSet
    with_products: bool = True

    def arrays(self, panel: Panel) -> Arrays:
        """Return JSON as the bytes of one array."""
        view = panel.view(panel.as_of[0])
        products = _products(view) if self.with_products else {"product_ids": [], "families": []}
        computed = self.features.compute(view, tuple(products["product_ids"]))
        found = {
            **products,
            "segments": list(segment_values(view)),
            "columns": asdict(computed.learnt_columns()),
        }
        return {FOUND: np.frombuffer(canonical_json(found), np.uint8)}

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        definition = {name: content.decode() for name, content in self.features.definition.items()}
        return {"features": definition, "with_products": self.with_products}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        definition = {name: text.encode() for name, text in record["features"].items()}
        return cls(FeatureSet.from_definition(definition, checked=True), record["with_products"])


def _products(view: View) -> dict[str, list[str]]:
    """Return the products of the catalog, with their families."""
    catalog = Catalog.from_view(view)
    return {"product_ids": list(catalog.product_ids), "families": list(catalog.families)}
