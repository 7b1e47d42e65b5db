"""Backtest of attrition and tier upgrades: past dates judged by later ones, simple baselines beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vipreco.backtest.report import COLUMNS
from vipreco.features import FeatureSet
from vipreco.folds import customer_folds
from vipreco.propensity import (
    ATTRITION,
    ATTRITION_KINDS,
    CLOSURE,
    DIP,
    OUTFLOW,
    TIER_UPGRADE,
    ChangeRows,
    Machine,
    RelationshipModel,
)
from vipreco.recommender import (
    ChangeGatherer,
    Panel,
    RecommenderSettings,
    Step,
    change_dates,
    customer_columns,
    labelled_dates,
    silent,
)
from vipreco.stats import Flags, Floats, Ranking, percentiles, recalibration, resampled_counts

OURS = "vipreco"
ASSETS_FELL = "assets-fell-last-month"
LINE_DISTANCE = "distance-to-the-line"
ABOVE = "above"
JUDGED = (ATTRITION, *ATTRITION_KINDS, TIER_UPGRADE)
OF_ATTRITION = {ASSETS_FELL: "aum_log_change_1", LINE_DISTANCE: "own_line_log"}
BASELINES = {
    ATTRITION: OF_ATTRITION,
    CLOSURE: OF_ATTRITION,
    OUTFLOW: OF_ATTRITION,
    DIP: OF_ATTRITION,
    TIER_UPGRADE: {LINE_DISTANCE: "next_line_log"},
}
"""Feature by which each baseline ranks, the lowest value first."""
NO_LADDER = "no ladder of tiers in vipreco.toml: attrition and tier upgrades are not predicted"
TOO_SHORT = "the history is too short for the horizon of attrition and tier upgrades: they are not predicted"
TOO_FEW = "too few customers left or rose to learn from it: attrition and tier upgrades are not predicted"


@dataclass(frozen=True)
class ChangePlan:
    """Folds, resamples and machine of a backtest of attrition and tier upgrades.

    Args:
        folds: Newest dates that are judged; with too short a history, groups of customers.
        resamples: Bootstrap resamples of customers for the intervals.
        machine: Seed and threads.
    """

    folds: int
    resamples: int
    machine: Machine


@dataclass(frozen=True)
class ChangeTrial:
    """A replay.

    Args:
        name: As shown in tables.
        learnt: As-of dates that are learnt from, oldest first.
        judged: As-of dates that are judged.
        fold: Group of customers that is judged, and not learnt from; None where dates keep them apart.
    """

    name: str
    learnt: tuple[date, ...]
    judged: tuple[date, ...]
    fold: int | None = None


@dataclass(frozen=True)
class ChangeResult:
    """Results of a backtest of attrition and tier upgrades.

    Args:
        metrics: Tidy frame: model, slice (attrition, its kinds, tier_upgrade), metric, value, low, high,
            customers. A row `auc above <baseline>` is our number minus the baseline's on the same resamples.
        trials: Names of the replays.
        remark: Why there are no numbers, or fewer than expected; empty when all is there.
    """

    metrics: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    trials: tuple[str, ...] = ()
    remark: str = ""

    def summary(self) -> dict[str, float]:
        """Return the figures that gates and tracking look at: `attrition/auc`, those of baselines before it.

        Of a difference to a baseline the lower end comes along, as `.../low`: above 0 means better.
        """
        found: dict[str, float] = {}
        columns = (self.metrics[name].tolist() for name in ("model", "slice", "metric", "value", "low"))
        for model, change, metric, value, low in zip(*columns, strict=True):
            name = f"{change}/{metric}".replace(" ", "-")
            found[name if model == OURS else f"{model}/{name}"] = value
            if ABOVE in metric:
                found[f"{name}/low"] = low
        return found


@dataclass(frozen=True)
class _Judged:
    """Scores of one change: rows of customers at dates (n,), and models by name."""

    customer_ids: NDArray[Any]
    truth: Flags
    weights: Floats
    scores: dict[str, Floats]

    @classmethod
    def stack(cls, parts: Sequence[_Judged]) -> _Judged:
        return cls(
            np.concatenate([part.customer_ids for part in parts]),
            np.concatenate([part.truth for part in parts]),
            np.concatenate([part.weights for part in parts]),
            {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        )


def backtest_changes(
    panel: Panel,
    features: FeatureSet,
    settings: RecommenderSettings,
    plan: ChangePlan,
    step: Step = silent,
) -> ChangeResult:
    """Fit and judge attrition and tier upgrades on past dates; says why where it cannot.

    Args:
        panel: The history, and customers if not all; its as-of dates are not used.
        features: Feature definitions with the bank's ladder.
        settings: The recipe's.
        plan: Folds, resamples, seed and threads.
        step: Told the name of each replay as it begins.
    """
    if not features.ladder.ladder or not settings.relationship_horizon_months:
        return ChangeResult(remark=NO_LADDER)
    trials = change_trials(panel, settings, plan)
    if not trials:
        return ChangeResult(remark=TOO_SHORT)
    step("attrition and tier upgrades")
    replay = _Replay.of(panel, features, settings, plan, trials)
    judged: dict[str, list[_Judged]] = {change: [] for change in JUDGED}
    for trial in trials:
        step(f"attrition and tier upgrades, {trial.name}")
        for change, part in replay.judge(trial):
            judged[change].append(part)
    rows = [row for change, parts in judged.items() if parts for row in _rows(change, parts, plan)]
    names = tuple(trial.name for trial in trials)
    is_whole = judged[ATTRITION] and judged[TIER_UPGRADE]
    return ChangeResult(pd.DataFrame(rows, columns=COLUMNS), names, "" if is_whole else TOO_FEW)


def change_trials(panel: Panel, settings: RecommenderSettings, plan: ChangePlan) -> list[ChangeTrial]:
    """Return replays of the newest dates that can be judged, each learnt from what was known by then.

    Where no date has an earlier one with complete labels, customers are judged by other customers.
    """
    dates = panel.history.snapshot_dates
    judged = labelled_dates(settings, dates, dates[-1]) if dates else []
    learnt = {day: change_dates(settings, dates, day) for day in judged}
    rolling = [ChangeTrial(str(day), learnt[day], (day,)) for day in judged if learnt[day]]
    if rolling or not judged:
        return rolling[-plan.folds :]
    days, count = change_dates(settings, dates, dates[-1]), max(plan.folds, 2)
    return [ChangeTrial(f"customers {fold + 1} of {count}", days, days, fold) for fold in range(count)]


@dataclass(frozen=True)
class _Replay:
    """The rows of every date, gathered once, in all columns.

    With the vocabulary of the oldest training data no trial knows a category that was new after it.
    """

    rows: dict[date, ChangeRows]
    gatherer: ChangeGatherer
    columns: tuple[str, ...]
    settings: RecommenderSettings
    plan: ChangePlan

    @classmethod
    def of(
        cls,
        panel: Panel,
        features: FeatureSet,
        settings: RecommenderSettings,
        plan: ChangePlan,
        trials: Sequence[ChangeTrial],
    ) -> _Replay:
        oldest = replace(panel, as_of=trials[0].learnt)
        vocabulary = features.vocabulary_of(customer_columns(oldest, features))
        gatherer = ChangeGatherer.of(features, vocabulary, settings, plan.machine.seed)
        every = replace(gatherer, kept=np.arange(len(vocabulary.names)))
        days = sorted({day for trial in trials for day in (*trial.learnt, *trial.judged)})
        rows = {day: every.rows(replace(panel, as_of=(day,))) for day in days}
        return cls(rows, gatherer, every.names, settings, plan)

    def judge(self, trial: ChangeTrial) -> Iterator[tuple[str, _Judged]]:
        """Give the scores of each change that could be learnt; of a kind of attrition, where it happened."""
        kept, names, machine = self.gatherer.kept, self.gatherer.names, self.plan.machine
        training_data = self._of(trial.learnt, trial.fold, judged=False)
        training_data = replace(training_data, values=np.ascontiguousarray(training_data.values[:, kept]))
        model = RelationshipModel.fit(training_data, names, self.settings.relationship, machine)
        rows = self._of(trial.judged, trial.fold, judged=True)
        for change in JUDGED:
            chosen = rows.natural(change)
            seen = chosen.happened.any() if change in ATTRITION_KINDS else bool(len(chosen))
            if model.gives(change) and seen:
                own = model.chances(change, np.ascontiguousarray(chosen.values[:, kept]))
                yield change, _scored(chosen, {OURS: own, **_baselines(change, chosen, self.columns)})

    def _of(self, days: Sequence[date], fold: int | None, *, judged: bool) -> ChangeRows:
        rows = ChangeRows.stack([self.rows[day] for day in days])
        if fold is None:
            return rows
        folds = customer_folds(rows.customer_ids, max(self.plan.folds, 2), self.plan.machine.seed)
        return rows.take((folds == fold) == judged)


def _baselines(change: str, rows: ChangeRows, names: tuple[str, ...]) -> dict[str, Floats]:
    """Score by one feature each: the lowest value is the likeliest; an unknown one is last."""
    columns = {name: rows.values[:, names.index(feature)] for name, feature in BASELINES[change].items()}
    lowest = np.finfo(np.float32).min
    return {
        name: np.where(np.isnan(values), lowest, -values).astype(np.float64)
        for name, values in columns.items()
    }


def _scored(rows: ChangeRows, scores: dict[str, Floats]) -> _Judged:
    return _Judged(rows.customer_ids, rows.happened[:, 0], rows.weights.astype(np.float64), scores)


def _rows(change: str, parts: list[_Judged], plan: ChangePlan) -> Iterator[dict[str, object]]:
    judged = _Judged.stack(parts)
    number = len(np.unique(judged.customer_ids.astype(np.str_)))
    drawn = resampled_counts(judged.customer_ids, plan.machine.seed, plan.resamples)
    rankings = {name: Ranking.of(scores, judged.truth) for name, scores in judged.scores.items()}
    point = _figures(judged, rankings, judged.weights)
    samples = [_figures(judged, rankings, judged.weights * counts) for counts in drawn]
    for key, value in point.items():
        low, high = percentiles(np.array([sample[key] for sample in samples]))
        yield dict(zip(COLUMNS, [key[0], change, key[1], value, low, high, number], strict=True))
    slope = recalibration(judged.scores[OURS], judged.truth).slope
    yield dict(zip(COLUMNS, [OURS, change, "calibration_slope", slope, np.nan, np.nan, number], strict=True))


def _figures(judged: _Judged, rankings: dict[str, Ranking], weights: Floats) -> dict[tuple[str, str], float]:
    """Return the value of each (model, metric), and of our lead over each baseline."""
    found = {name: ranking.figures(weights) for name, ranking in rankings.items()}
    values = {(name, metric): value for name, own in found.items() for metric, value in own.items()}
    for baseline in found.keys() - {OURS}:
        for metric, value in found[OURS].items():
            values[OURS, f"{metric} {ABOVE} {baseline}"] = value - found[baseline][metric]
    happened = float(weights @ judged.truth)
    expected = float(weights @ judged.scores[OURS])
    values[OURS, "calibration_ratio"] = expected / happened if happened else np.nan
    return dict(sorted(values.items()))
