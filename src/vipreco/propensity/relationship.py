"""P(attrition) of VIP customers, in three kinds, and P(tier upgrade) of all: calibrated models of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vipreco.folds import customer_folds
from vipreco.propensity.booster import Booster, Examples, Machine, Scores, Values
from vipreco.propensity.calibration import Calibration, Mask
from vipreco.propensity.line_start import LineStart
from vipreco.propensity.settings import RelationshipSettings
from vipreco.propensity.simple_rule import RuleComparison, compared
from vipreco.stats import expit

ATTRITION: Final = "attrition"
TIER_UPGRADE: Final = "tier_upgrade"
CLOSURE: Final = "closure"
OUTFLOW: Final = "outflow"
DIP: Final = "dip"
ATTRITION_KINDS: Final = (CLOSURE, OUTFLOW, DIP)
"""Closes or empties; moves money out; dips below the line of the tier. At most one of them happens."""
CHANGES: Final = (*ATTRITION_KINDS, TIER_UPGRADE)
"""The changes of a relationship that are predicted; artifacts of before have one model of `ATTRITION`."""

RULES: Final = {
    ATTRITION: "own_line_log",
    CLOSURE: "aum_log_change_1",
    OUTFLOW: "aum_log_change_1",
    DIP: "own_line_log",
    TIER_UPGRADE: "next_line_log",
}
"""Feature of the simple rule of each change, the lowest value first; the trees start from its chance."""
USUAL_LOST_SHARES: Final = MappingProxyType({CLOSURE: 1.0, OUTFLOW: 0.6, DIP: 0.1})
OF_ROWS: Final = ("customer_ids", "values", "happened", "known", "weights")
USUAL: Final = "usual"
USUAL_CASES: Final = 10  # cases that the usual share counts as, beside those of the bank


@dataclass(frozen=True)
class ChangeRows:
    """Customers at as-of dates with what became of them within the horizon; c changes.

    Args:
        customer_ids: Shape (n,).
        values: Customer-grain columns, float32, shape (n, columns).
        happened: Whether each change happened, shape (n, c).
        known: Whether that is known and can happen at all; only VIP customers can leave, shape (n, c).
        weights: How many customers the row stands for, shape (n,).
        changes: Names of the changes, shape (c,).
        lost: Share of the assets that went, NaN where unknown, shape (n,); None where nobody asks.
        called: Whether the customer was called in the month after the date, shape (n,); None: nobody was.
    """

    customer_ids: NDArray[Any]
    values: Values
    happened: Mask
    known: Mask
    weights: NDArray[np.float32]
    changes: tuple[str, ...] = (ATTRITION, TIER_UPGRADE)
    lost: NDArray[np.float32] | None = None
    called: Mask | None = None

    def __len__(self) -> int:
        return len(self.customer_ids)

    @property
    def was_called(self) -> Mask:
        """Customers who were called in the month after the date, shape (n,)."""
        return np.zeros(len(self), bool) if self.called is None else self.called

    def take(self, rows: Mask) -> ChangeRows:
        """Return the chosen rows."""
        columns = {name: getattr(self, name)[rows] for name in OF_ROWS}
        optional = {"lost": self.lost, "called": self.called}
        columns |= {name: None if values is None else values[rows] for name, values in optional.items()}
        return replace(self, **columns)

    def about(self, change: str) -> ChangeRows:
        """Return the rows in which a change is known, with it alone; attrition is any of its kinds."""
        if change in self.changes:
            places = [self.changes.index(change)]
        else:
            places = [self.changes.index(kind) for kind in ATTRITION_KINDS]
        happened = np.asarray(self.happened[:, places].any(axis=1))[:, None]
        known = np.asarray(self.known[:, places].all(axis=1))[:, None]
        return replace(self, happened=happened, known=known, changes=(change,)).take(known[:, 0])

    def natural(self, change: str) -> ChangeRows:
        """Return the rows `about` a change that nobody tried to prevent.

        Attrition is the chance of a customer whom nobody calls, for what a call keeps is taken from it. Who
        was called in the month after the date shows another chance: models would come to believe that those
        who are called stay by themselves. Only calls of that first month count: who leaves later than that
        had less time to be called.
        """
        own = self.about(change)
        return own if change == TIER_UPGRADE else own.take(~own.was_called)

    @classmethod
    def stack(cls, parts: Sequence[ChangeRows]) -> ChangeRows:
        """Put the rows of several dates under one another."""
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in OF_ROWS
        }
        for name in ("lost", "called"):
            found = [getattr(part, name) for part in parts]
            columns[name] = None if any(values is None for values in found) else np.concatenate(found)
        return replace(parts[0], **columns)


@dataclass(frozen=True)
class ChangeModel:
    """A fitted, calibrated model of one change.

    Args:
        start: The chance by the feature of the simple rule alone.
        rule_column: Position of that feature among the booster's columns; None where the recipe leaves it
            out, or there were too few cases for a rule: then everybody has the same chance.
        booster: What the other customer-grain columns change of it; None where the simple rule is used.
        calibration: From raw to calibrated probabilities, of a single column.
        judged: How model and simple rule ranked unseen customers; None where that was not asked.
    """

    start: LineStart
    rule_column: int | None
    booster: Booster | None
    calibration: Calibration
    judged: RuleComparison | None = None

    @property
    def positives(self) -> int:
        """Number of times that the change happened in the rows that it learnt from."""
        return int(self.calibration.positives[0])

    def probabilities(self, values: Values) -> Scores:
        """Return the calibrated probability of the change, shape (n,)."""
        raw = self.start.logits(rule_values(values, self.rule_column))
        if self.booster is not None:
            raw = raw + self.booster.raw(values)
        return self.calibration.apply(expit(raw)[:, None])[:, 0]

    def contributions(self, values: Values) -> Scores:
        """Return what each column adds to the log-odds, against the mean customer, shape (n, k)."""
        added = np.zeros(values.shape) if self.booster is None else self.booster.contributions(values)
        if self.rule_column is not None:
            own = values[:, self.rule_column]
            added[:, self.rule_column] += self.start.logits(own) - self.start.centre
        return added


@dataclass(frozen=True)
class RelationshipModel:
    """Models of attrition (VIP customers) and of tier upgrades (all) within the horizon.

    Args:
        names: Columns that it sees, shape (k,).
        columns: Their positions among the columns that it is given, shape (k,).
        models: By change, of those that the history shows often enough; artifacts of before have one model
            of `ATTRITION` in place of those of its kinds.
        lost_shares: Share of the assets that went with each kind of attrition, on average.
    """

    names: tuple[str, ...]
    columns: NDArray[np.int64]
    models: Mapping[str, ChangeModel]
    lost_shares: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, rows: ChangeRows, names: tuple[str, ...], settings: RelationshipSettings, machine: Machine
    ) -> RelationshipModel:
        """Fit a model of each change of the rows, on the rows that show its natural chance.

        Whether there are cases enough is asked of all rows in which it is known: a small bank that calls many
        of its customers has at least the usual rate.
        """
        models: dict[str, ChangeModel] = {}
        shares: dict[str, float] = {}
        for change in rows.changes:
            own = rows.natural(change)
            enough = rows.about(ATTRITION if change in ATTRITION_KINDS else change)
            if _is_learnable(enough.happened[:, 0], settings):
                models[change] = _ChangeTrainer(change, names, settings, machine).judged_model(own)
                shares |= {change: lost_share(own)} if change in ATTRITION_KINDS else {}
        return cls(names, np.arange(len(names)), models, shares)

    def among(self, names: tuple[str, ...]) -> RelationshipModel:
        """Return the model for values whose columns are `names`, which hold its own."""
        return replace(self, columns=np.array([names.index(name) for name in self.names], np.int64))

    def model(self, change: str) -> ChangeModel | None:
        """Return the model of a change; None where there is none of its own."""
        return self.models.get(change)

    @property
    def has_kinds(self) -> bool:
        """True where attrition is told in its kinds."""
        return all(kind in self.models for kind in ATTRITION_KINDS)

    def rule(self, change: str) -> str:
        """Return the feature of the simple rule that gives a chance by itself, `usual` for the usual rate.

        It is empty where a model gives the chance, or nothing does.
        """
        model = self.models.get(change)
        if model is None or model.booster is not None:
            return ""
        return USUAL if model.rule_column is None else RULES[change]

    def gives(self, change: str) -> bool:
        """Return whether there is a chance of a change."""
        return change in self.models or (change == ATTRITION and self.has_kinds)

    def chances(self, change: str, seen: Values) -> Scores:
        """Return P(change) of rows of its own columns, shape (n,); that of attrition is the sum of its kinds.

        Raises:
            KeyError: There is no such model.
        """
        if change != ATTRITION or ATTRITION in self.models:
            return self.models[change].probabilities(seen)
        kinds = [self.models[kind].probabilities(seen) for kind in ATTRITION_KINDS]
        return np.asarray(np.minimum(np.sum(kinds, axis=0), 1.0), np.float64)

    def probabilities(self, change: str, values: Values, rows: Mask) -> Scores:
        """Return P(change) of the chosen customers, shape (n,); NaN for the others, or without a model.

        Args:
            change: `attrition`, one of its kinds, or `tier_upgrade`.
            values: Shape (n, columns), with its own columns at `columns`.
            rows: For whom it is asked, shape (n,).
        """
        found = np.full(len(values), np.nan)
        if self.gives(change) and rows.any():
            found[rows] = self.chances(change, self._seen(values[rows] if not rows.all() else values))
        return found

    def contributions(self, change: str, values: Values) -> Scores:
        """Return what each column adds to the raw score of a change, shape (n, k); 0 without a model."""
        model, seen = self.model(change), self._seen(values)
        return model.contributions(seen) if model else np.zeros(seen.shape)

    def _seen(self, values: Values) -> Values:
        return np.ascontiguousarray(values[:, self.columns])


def rule_values(values: Values, column: int | None) -> NDArray[np.float32]:
    """Return the feature of the simple rule, shape (n,); unknown where there is no such column."""
    return np.full(len(values), np.nan, np.float32) if column is None else values[:, column]


def lost_share(rows: ChangeRows) -> float:
    """Return the mean share of the assets that went with the one change of some rows, and the usual."""
    (change,) = rows.changes
    lost = np.zeros(0) if rows.lost is None else rows.lost[rows.happened[:, 0]].astype(np.float64)
    known = lost[~np.isnan(lost)]
    usual = USUAL_LOST_SHARES[change]
    return float((known.sum() + USUAL_CASES * usual) / (len(known) + USUAL_CASES))


def _is_learnable(happened: Mask, settings: RelationshipSettings) -> bool:
    return min(int(happened.sum()), int((~happened).sum())) >= settings.min_cases


@dataclass(frozen=True)
class _ChangeTrainer:
    change: str
    names: tuple[str, ...]
    settings: RelationshipSettings
    machine: Machine

    def judged_model(self, rows: ChangeRows) -> ChangeModel:
        """Fit the change and calibrate it on folds of customers.

        Of a kind of attrition, the simple rule is used where the trees do not beat it on unseen customers.
        """
        happened, weights = rows.happened[:, 0], rows.weights.astype(np.float64)
        if not _is_learnable(happened, self.settings):
            return self._usual(happened, weights)
        raw, by_rule = self._unseen(rows)
        if self.change not in ATTRITION_KINDS:
            return replace(self.fit(rows), calibration=self._calibration(raw, rows))
        judged = compared(raw, by_rule, happened, weights, rows.customer_ids, self.machine.seed)
        if judged.model_is_better:
            return replace(self.fit(rows), calibration=self._calibration(raw, rows), judged=judged)
        start, column = self._start(rows)
        return ChangeModel(start, column, None, self._calibration(by_rule, rows), judged)

    def fit(self, rows: ChangeRows) -> ChangeModel:
        """Fit the trees on top of the simple rule, not calibrated."""
        start, column = self._start(rows)
        logits = start.logits(rule_values(rows.values, column))
        examples = Examples(rows.values, rows.happened[:, 0], rows.weights, logits)
        upgrade = self.change == TIER_UPGRADE
        settings = self.settings.tier_upgrade if upgrade else self.settings.attrition
        booster = Booster.fit(examples, self.names, settings, self.machine)
        return ChangeModel(start, column, booster, Calibration.identity(1))

    def _start(self, rows: ChangeRows) -> tuple[LineStart, int | None]:
        name = RULES[self.change]
        column = self.names.index(name) if name in self.names else None
        feature, weights = rule_values(rows.values, column), rows.weights.astype(np.float64)
        return LineStart.fit(feature, rows.happened[:, 0], weights), column

    def _unseen(self, rows: ChangeRows) -> tuple[Scores, Scores]:
        """Score each fold of customers by a model, and by a rule, of the others, shape (n,) each.

        Windows of neighbouring dates overlap: only another customer is truly unseen.
        """
        folds = customer_folds(rows.customer_ids, self.settings.calibration_folds, self.machine.seed)
        raw, by_rule = np.empty(len(rows)), np.empty(len(rows))
        for fold in range(self.settings.calibration_folds):
            unseen = folds == fold
            model, values = self.fit(rows.take(~unseen)), rows.values[unseen]
            raw[unseen] = model.probabilities(values)
            by_rule[unseen] = expit(model.start.logits(rule_values(values, model.rule_column)))
        return raw, by_rule

    def _calibration(self, raw: Scores, rows: ChangeRows) -> Calibration:
        deviations = (self.settings.intercept_deviation, self.settings.slope_deviation)
        everyone, weights = np.ones((len(rows), 1), bool), rows.weights.astype(np.float64)
        return Calibration.fit(raw[:, None], rows.happened, everyone, weights, deviations)

    def _usual(self, happened: Mask, weights: NDArray[np.float64]) -> ChangeModel:
        """Return the same chance for everybody, which is all that a few cases can teach."""
        rate = (float(weights @ happened) + 0.5) / (float(weights.sum()) + 1.0)
        unknown = np.full(len(happened), np.nan, np.float32)
        start = LineStart.fit(unknown, happened, weights)
        counted = Calibration(1.0, np.zeros(1), np.array([int(happened.sum())]))
        return ChangeModel(replace(start, centre=float(np.log(rate / (1 - rate)))), None, None, counted)
