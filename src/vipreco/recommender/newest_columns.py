"""Products, columns and categories of a fit, from the newest date that it learns from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from vipreco.catalog import Catalog
from vipreco.collaborative import segment_values
from vipreco.durable import canonical_json
from vipreco.features import FeatureSet, LearntColumns
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
        newest = replace(panel, as_of=panel.as_of[-1:])
        with newest.found(ColumnCounts(features)) as parts:
            found = [json.loads(part[FOUND].tobytes()) for part in parts]
        columns = [
            LearntColumns(one["customers"], tuple(one["names"]), tuple(one["product_names"]), one["counts"])
            for one in (part["columns"] for part in found)
        ]
        return cls(
            tuple(found[0]["product_ids"]),
            tuple(found[0]["families"]),
            tuple(sorted({segment for part in found for segment in part["segments"]})),
            LearntColumns.merged(columns),
        )


@dataclass(frozen=True)
class ColumnCounts:
    """Columns and categories of the customers of a panel at its only date: a `Work`."""

    features: FeatureSet

    def arrays(self, panel: Panel) -> Arrays:
        """Return JSON as the bytes of one array."""
        view = panel.view(panel.as_of[0])
        catalog = Catalog.from_view(view)
        computed = self.features.compute(view, tuple(catalog.product_ids))
        found = {
            "product_ids": list(catalog.product_ids),
            "families": list(catalog.families),
            "segments": list(segment_values(view)),
            "columns": asdict(computed.learnt_columns()),
        }
        return {FOUND: np.frombuffer(canonical_json(found), np.uint8)}

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {name: content.decode() for name, content in self.features.definition.items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        definition = {name: text.encode() for name, text in record.items()}
        return cls(FeatureSet.from_definition(definition, checked=True))
