"""From a history to labelled rows: views, features, labels; drawn, gathered by part, and put in one order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.collaborative import customer_ids, holding_state
from vipreco.columns import TIER
from vipreco.errors import InputRejectedError
from vipreco.features import ComputedFeatures, FeatureSet, Vocabulary
from vipreco.folds import customer_folds
from vipreco.history import Labels, View
from vipreco.propensity import LabelledRows
from vipreco.recommender.contact_rows import ContactRows, contacts_beside, later_window, stacked_contacts
from vipreco.recommender.label_arrays import Mask, could_acquire, is_in, label_matrix
from vipreco.recommender.panels import Arrays, Panel, Window
from vipreco.recommender.row_draw import (
    SAMPLING_PARTS,
    Codes,
    DateCounts,
    Draw,
    drawn_codes,
    drawn_counts,
    drawn_weights,
)
from vipreco.recommender.row_order import RowOrder
from vipreco.recommender.settings import RecommenderSettings


@dataclass(frozen=True)
class Gatherer:
    """Turns panels into rows with the same products, columns and seed.

    Args:
        features: Feature definitions.
        vocabulary: Columns and categories of the fit.
        product_ids: Products of the fit.
        kept: Positions of the columns that the boosters see.
        settings: Horizon, chunk size, largest number of rows.
        seed: The project's seed.
    """

    features: FeatureSet
    vocabulary: Vocabulary
    product_ids: tuple[str, ...]
    kept: NDArray[np.int64]
    settings: RecommenderSettings
    seed: int

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "features": {name: content.decode() for name, content in self.features.definition.items()},
            "vocabulary": self.vocabulary.to_bytes().decode(),
            "product_ids": list(self.product_ids),
            "kept": self.kept.tolist(),
            "settings": json.loads(self.settings.model_dump_json()),
            "seed": self.seed,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the gatherer of a `record`."""
        definition = {name: text.encode() for name, text in record["features"].items()}
        return cls(
            FeatureSet.from_definition(definition, checked=True),
            Vocabulary.from_bytes(record["vocabulary"].encode()),
            tuple(record["product_ids"]),
            np.array(record["kept"], np.int64),
            RecommenderSettings.model_validate_json(json.dumps(record["settings"])),
            record["seed"],
        )

    def rows(self, panel: Panel) -> LabelledRows:
        """Return the acquirers of a panel and a weighted sample of its other observed customers.

        Raises:
            InputRejectedError: No acquisition is known in any of the label windows.
        """
        return self.rows_and_contacts(panel, with_contacts=False)[0]

    def rows_and_contacts(
        self, panel: Panel, *, with_contacts: bool
    ) -> tuple[LabelledRows, ContactRows | None]:
        """Return the rows of a panel, and the contacts in their label windows where these are asked for.

        Raises:
            InputRejectedError: As `rows`.
        """
        windows = self.windows(panel)
        with panel.found(RowCounts(self), windows) as parts:
            counts = [DateCounts.merged(parts, place) for place in range(len(panel.as_of))]
        draws = tuple(Draw.of(one, self.settings.propensity, len(panel.as_of)) for one in counts)
        if with_contacts:
            windows += [later for window in windows if (later := later_window(panel.history, window))]
        with panel.found(DrawnRows(self, draws, with_contacts), windows) as parts:
            order = RowOrder.of(parts, len(panel.as_of))
            rows = _stacked(panel, parts, order, len(self.kept))
            contacts = stacked_contacts(parts, order, len(self.product_ids)) if with_contacts else None
        if not rows.acquired.any():
            raise InputRejectedError(
                "no acquisition is known within the horizon of the as-of dates",
                where=", ".join(str(day) for day in panel.as_of),
                remedy="import holdings and customer snapshots that reach to the end of the label window",
                code="no-labels",
            )
        return rows, contacts

    def windows(self, panel: Panel) -> list[Window]:
        """Return the label window of each as-of date."""
        months = self.settings.horizon_months, self.settings.gap_months
        return [panel.history.label_window(day, *months) for day in panel.as_of]

    def features_of(self, view: View, drawn: NDArray[np.str_] | None = None) -> ComputedFeatures:
        """Return the features of a view, or of some customers of it, in the columns of the fit."""
        chosen = None if drawn is None else pa.array(drawn.tolist(), pa.string())
        return self.features.compute(view, self.product_ids, chosen).encoded(self.vocabulary)

    def dense(self, computed: ComputedFeatures, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the booster columns of the customers in `indices` (ascending), chunk by chunk."""
        values = np.empty((len(indices), len(self.kept)), np.float32)
        size = self.settings.chunk_customers
        for start in range(0, len(computed), size):
            first, last = np.searchsorted(indices, [start, start + size])
            if first < last:
                chunk = computed.matrix(start, start + size).values
                values[first:last] = chunk[np.ix_(indices[first:last] - start, self.kept)]
        return values


@dataclass(frozen=True)
class RowCounts:
    """Counts of acquirers and others at each date of a panel: a `Work`."""

    gatherer: Gatherer

    def arrays(self, panel: Panel) -> Arrays:
        """Return `counts` (acquirers, others) and acquisitions by `products`, shape (P,), of each date."""
        found: dict[str, NDArray[Any]] = {}
        for place, window in enumerate(self.gatherer.windows(panel)):
            labels = panel.acquisitions(window)
            ids = np.asarray(labels.observed.to_pylist(), np.str_)
            ids = ids if panel.customers is None else ids[is_in(ids, panel.customers)]
            acquired = label_matrix(ids, self.gatherer.product_ids, labels)
            acquirers = int(acquired.any(axis=1).sum())
            found[f"{place}.counts"] = np.array([acquirers, len(ids) - acquirers])
            found[f"{place}.products"] = acquired.sum(axis=0)
        return found

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self.gatherer.record()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        return cls(Gatherer.from_record(record))


@dataclass(frozen=True)
class DrawnRows:
    """Labelled rows of the customers who are drawn at each date of a panel: a `Work`."""

    gatherer: Gatherer
    draws: tuple[Draw, ...]
    with_contacts: bool = False

    def arrays(self, panel: Panel) -> Arrays:
        """Return what `_stacked` takes of each date."""
        found: dict[str, NDArray[Any]] = {}
        for place, (day, window) in enumerate(zip(panel.as_of, self.gatherer.windows(panel), strict=True)):
            view = panel.view(day)
            own = self._of_date(view, panel.acquisitions(window), self.draws[place])
            if self.with_contacts:
                products = self.gatherer.product_ids
                own |= contacts_beside(panel, window, view, (own["ids"], own["listable"]), products)
            found |= {f"{place}.{name}": values for name, values in own.items()}
        return found

    def _of_date(self, view: View, labels: Labels, draw: Draw) -> dict[str, NDArray[Any]]:
        """Return the rows of a date; features are computed for those alone who are drawn."""
        products = self.gatherer.product_ids
        everybody = customer_ids(view)
        acquired = label_matrix(everybody, products, labels)
        vip = np.isin(view.population()[TIER].to_pylist(), self.gatherer.features.ladder.vip)
        codes, total = self._drawn(everybody, labels, acquired, draw, vip)
        indices = np.flatnonzero(codes)
        drawn = everybody[indices] if len(indices) < len(everybody) else None
        computed = self.gatherer.features_of(view, drawn)
        return {
            "ids": everybody[indices],
            "values": self.gatherer.dense(computed, np.arange(len(indices))),
            "acquired": acquired[indices],
            "listable": could_acquire(view, holding_state(view, products))[indices],
            "codes": codes[indices],
            "total": total,
        }

    def _drawn(
        self, customer_ids: NDArray[Any], labels: Labels, acquired: Mask, draw: Draw, vip: Mask
    ) -> tuple[Codes, NDArray[np.int64]]:
        """Return how each was drawn, shape (n,), and the customers of each side that was drawn from."""
        observed = is_in(customer_ids, labels.observed)
        acquirers = np.asarray(acquired.any(axis=1))
        many = observed & acquirers & ~acquired[:, list(draw.rare)].any(axis=1) & (draw.acquirers < 1.0)
        others = observed & ~acquirers
        sides = (many, others & vip, others & ~vip)
        lottery = customer_folds(customer_ids, SAMPLING_PARTS, self.gatherer.seed)
        codes = drawn_codes(observed & acquirers & ~many, sides, draw.rates, lottery)
        return codes, np.array([side.sum() for side in sides], np.int64)

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "gatherer": self.gatherer.record(),
            "draws": [draw.record() for draw in self.draws],
            "with_contacts": self.with_contacts,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        draws = tuple(Draw.from_record(one) for one in record["draws"])
        return cls(Gatherer.from_record(record["gatherer"]), draws, record["with_contacts"])


def _stacked(panel: Panel, parts: Sequence[Arrays], order: RowOrder, columns: int) -> LabelledRows:
    """Return the rows of all parts in one order."""
    rows, products = order.rows, parts[0]["0.acquired"].shape[1]
    found = LabelledRows(
        np.empty(rows, object),
        np.empty((rows, columns), np.float32),
        np.empty((rows, products), bool),
        np.empty((rows, products), bool),
        np.empty(rows, "datetime64[D]"),
        np.empty(rows, np.float32),
    )
    for place, day in enumerate(panel.as_of):
        whole = order.whole(place)
        codes, total = (
            np.concatenate([part[f"{place}.{name}"] for part in parts]) for name in ("codes", "total")
        )
        of_side = total.reshape(len(parts), -1).sum(axis=0)
        found.weights[whole] = drawn_weights(codes, of_side, drawn_counts(codes, len(of_side)))
        found.as_of[whole] = np.datetime64(day, "D")
        for part, target in zip(parts, order.indices[place], strict=True):
            found.customer_ids[target] = part[f"{place}.ids"].astype(object)
            for name in ("values", "acquired", "listable"):
                getattr(found, name)[target] = part[f"{place}.{name}"]
            if isinstance(part, dict):  # or else all values are in memory twice when the last are copied
                del part[f"{place}.values"]
    return found
