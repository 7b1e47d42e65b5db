"""From a history to rows that teach attrition and tier upgrade, and the models fitted on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID
from vipreco.features import FeatureSet, Vocabulary
from vipreco.folds import customer_folds
from vipreco.history import History, RelationshipLabels, View, add_months, label_windows
from vipreco.propensity import CHANGES, CLOSURE, TIER_UPGRADE, ChangeRows, Machine, RelationshipModel
from vipreco.recommender.label_arrays import is_in, kept_columns, place_of
from vipreco.recommender.labelled_rows import Gatherer
from vipreco.recommender.panels import Arrays, Panel
from vipreco.recommender.row_draw import LEFT_OUT, SAMPLING_PARTS, drawn_codes, drawn_counts, drawn_weights
from vipreco.recommender.row_order import RowOrder
from vipreco.recommender.settings import RecommenderSettings

LOST_SHARE = "lost_share"


@dataclass(frozen=True)
class ChangeGatherer:
    """Turns dates of a history into rows with the same columns and seed.

    Args:
        features: Feature definitions, with the bank's ladder of tiers.
        vocabulary: Columns and categories of the fit.
        kept: Positions, among the customer-grain columns, of those that the boosters see.
        settings: The recipe's.
        seed: The project's seed.
    """

    features: FeatureSet
    vocabulary: Vocabulary
    kept: NDArray[np.int64]
    settings: RecommenderSettings
    seed: int

    @classmethod
    def of(
        cls, features: FeatureSet, vocabulary: Vocabulary, settings: RecommenderSettings, seed: int
    ) -> ChangeGatherer:
        """Return a gatherer of all columns but those that the recipe leaves out."""
        left_out = (*settings.leave_out, *settings.relationship.leave_out)
        return cls(features, vocabulary, kept_columns(vocabulary.names, left_out), settings, seed)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that the boosters see."""
        return tuple(self.vocabulary.names[place] for place in self.kept)

    def rows(self, panel: Panel) -> ChangeRows:
        """Return the rows of a panel's as-of dates.

        All to whom something happened are taken; of VIP customers who stayed, and of the others, a weighted
        sample each, where there are many.
        """
        settings = self.settings.relationship
        limit = settings.max_rows // settings.dates
        with panel.found(ChangeCounts(self)) as parts:
            counts = np.sum([part["counts"] for part in parts], axis=0)
        rates = tuple(drawn_shares(limit - always, vip, others) for always, vip, others in counts.tolist())
        with panel.found(DrawnChanges(self, rates)) as parts:
            return _stacked(parts, RowOrder.of(parts, len(panel.as_of)), counts[:, 1:])

    def labels(self, history: History, day: date) -> RelationshipLabels:
        """Return what became of the customers of a date within the horizon."""
        _, until = history.label_window(day, self.settings.relationship_horizon_months)
        return history.relationship_changes(day, until, self.features.ladder)

    def values(self, view: View, customers: pa.Array) -> NDArray[np.float32]:
        """Return the columns that the boosters see, for some customers of a view, shape (n, k)."""
        computed = self.features.compute(view, (), customers).encoded(self.vocabulary)
        return np.ascontiguousarray(computed.customer_values[:, self.kept])

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return Gatherer(self.features, self.vocabulary, (), self.kept, self.settings, self.seed).record()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the gatherer of a `record`."""
        found = Gatherer.from_record(record)
        return cls(found.features, found.vocabulary, found.kept, found.settings, found.seed)


@dataclass(frozen=True)
class ChangeCounts:
    """Customers of each date of a panel: who is always taken, and both who are sampled: a `Work`."""

    gatherer: ChangeGatherer

    def arrays(self, panel: Panel) -> Arrays:
        """Return the `counts` of each date, shape (dates, 3)."""
        found = [_sides(self.gatherer.labels(panel.history, day).changes) for day in panel.as_of]
        return {"counts": np.array([[side.sum() for side in sides] for sides in found], np.int64)}

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return self.gatherer.record()

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        return cls(ChangeGatherer.from_record(record))


@dataclass(frozen=True)
class DrawnChanges:
    """Rows of the customers who are taken or drawn at each date of a panel: a `Work`.

    Args:
        gatherer: Makes the rows.
        rates: Shares that are drawn of VIP customers who stayed, and of the others, by date.
    """

    gatherer: ChangeGatherer
    rates: tuple[tuple[float, float], ...]

    def arrays(self, panel: Panel) -> Arrays:
        """Return the columns of `ChangeRows` of each date; `codes` instead of weights."""
        found: dict[str, NDArray[Any]] = {}
        for place, (day, rates) in enumerate(zip(panel.as_of, self.rates, strict=True)):
            changes = self.gatherer.labels(panel.history, day).changes
            own = self._of_date(panel.view(day), changes, rates)
            own["called"] = is_in(own["ids"], panel.history.called(day, add_months(day, 1))[CUSTOMER_ID])
            found |= {f"{place}.{name}": values for name, values in own.items()}
        return found

    def _of_date(self, view: View, changes: pa.Table, rates: tuple[float, float]) -> dict[str, NDArray[Any]]:
        ids = np.asarray(changes[CUSTOMER_ID].to_pylist(), np.str_)
        always, *sampled = _sides(changes)
        lottery = customer_folds(ids, SAMPLING_PARTS, self.gatherer.seed)
        codes = drawn_codes(always, sampled, rates, lottery)
        wanted = place_of(ids, view.population()[CUSTOMER_ID])
        chosen = np.sort(wanted[(wanted >= 0) & (codes != LEFT_OUT)[wanted]])
        return {
            "ids": ids[chosen],
            "values": self.gatherer.values(view, pa.array(ids[chosen].tolist(), pa.string())),
            "happened": np.column_stack([_true(changes[change]) for change in CHANGES])[chosen],
            "known": np.column_stack([_known(changes[change]) for change in CHANGES])[chosen],
            "lost": changes[LOST_SHARE].to_numpy()[chosen].astype(np.float32),
            "codes": codes[chosen],
            "drawn": drawn_counts(codes, len(sampled)),
        }

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"gatherer": self.gatherer.record(), "rates": [list(rates) for rates in self.rates]}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the work of a `record`."""
        rates = tuple((vip, others) for vip, others in record["rates"])
        return cls(ChangeGatherer.from_record(record["gatherer"]), rates)


def _stacked(parts: Sequence[Arrays], order: RowOrder, sampled: NDArray[np.int64]) -> ChangeRows:
    """Return the rows of all parts in one order; those who were drawn stand for all of their side."""
    columns = {name: parts[0][f"0.{name}"] for name in ("values", "happened", "known", "lost", "called")}
    found = {
        name: np.empty((order.rows, *values.shape[1:]), values.dtype) for name, values in columns.items()
    }
    ids, weights = np.empty(order.rows, object), np.empty(order.rows, np.float32)
    for day, indices in enumerate(order.indices):
        drawn = np.sum([part[f"{day}.drawn"] for part in parts], axis=0)
        for part, own in zip(parts, indices, strict=True):
            ids[own] = part[f"{day}.ids"].astype(object)
            weights[own] = drawn_weights(part[f"{day}.codes"], sampled[day], drawn)
            for name, target in found.items():
                target[own] = part[f"{day}.{name}"]
    return ChangeRows(
        ids,
        found["values"],
        found["happened"],
        found["known"],
        weights,
        CHANGES,
        lost=found["lost"],
        called=found["called"],
    )


def _sides(changes: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return who is always taken, VIP customers who stayed, and the others of whom something is known."""
    happened = np.any([_true(changes[change]) for change in CHANGES], axis=0)
    vip, known = _known(changes[CLOSURE]), _known(changes[TIER_UPGRADE])
    return happened, vip & ~happened, known & ~vip & ~happened


def drawn_shares(room: int, vip: int, others: int) -> tuple[float, float]:
    """Return the shares that are drawn of VIP customers who stayed, and of others.

    Where both are too many, each has half of the room.
    """
    of_vip = min(vip, max(room - others, room // 2, 1))
    of_others = min(others, max(room - of_vip, 1))
    return of_vip / max(vip, 1), of_others / max(others, 1)


def fit_relationship(gatherer: ChangeGatherer, panel: Panel, machine: Machine) -> RelationshipModel | None:
    """Fit the models of attrition and tier upgrades on a panel; None where neither change can be learnt."""
    settings = gatherer.settings.relationship
    model = RelationshipModel.fit(gatherer.rows(panel), gatherer.names, settings, machine)
    return model if model.models else None


def change_dates(
    settings: RecommenderSettings, snapshot_dates: Sequence[date], until: date
) -> tuple[date, ...]:
    """Return the newest of the `labelled_dates` that are learnt from, oldest first."""
    return labelled_dates(settings, snapshot_dates, until)[-settings.relationship.dates :]


def labelled_dates(
    settings: RecommenderSettings, snapshot_dates: Sequence[date], until: date
) -> tuple[date, ...]:
    """Return the as-of dates whose relationship labels are complete at `until`, oldest first.

    Args:
        settings: Horizon.
        snapshot_dates: The bank's snapshots.
        until: Last date that may be known; nothing beyond it is learnt from.
    """
    days = [day for day in snapshot_dates if day <= until]
    windows = label_windows(days, settings.relationship_horizon_months)
    return tuple(day for day, (_, end) in windows.items() if end <= until)


def _true(flags: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(flags, False).to_numpy(), bool)


def _known(flags: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(pc.is_valid(flags).to_numpy(), bool)
