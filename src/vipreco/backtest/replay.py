"""Replay of past dates: fit each trial, score its unseen customers beside the baselines, judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vipreco.backtest.changes import ChangeResult
from vipreco.backtest.report import Judgement, evaluate
from vipreco.backtest.trials import Trial
from vipreco.collaborative import SOURCES, HoldingState, Source, holding_state, segment_values
from vipreco.columns import TIER
from vipreco.features import FeatureSet
from vipreco.history import View
from vipreco.propensity import Machine
from vipreco.recommender import (
    Panel,
    Recommender,
    RecommenderSettings,
    Step,
    could_acquire,
    is_in,
    label_matrix,
    silent,
)
from vipreco.stats import (
    calibration_by_product,
    calibration_summary,
    listed,
    rate_by_decile,
    reliability_table,
)

OURS = "vipreco"
ACQUISITIONS = "acquisition-popularity"
HELD_BEFORE_FIRST = "held-before-then-acquisitions"
Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BacktestPlan:
    """List length, resamples and machine of a backtest.

    Args:
        list_length: k of all ranking metrics.
        resamples: Bootstrap resamples of customers for the intervals.
        machine: Seed and threads.
    """

    list_length: int
    resamples: int
    machine: Machine


@dataclass(frozen=True)
class ScoredCustomers:
    """Unseen customers of one or more trials: what was scored, and what happened.

    Args:
        scores: Name of the model -> scores (n, P); `vipreco` holds propensities.
        truth: Acquired within the window, shape (n, P).
        listable: Could be acquired at all, shape (n, P).
        held_before: Held earlier and not now, shape (n, P).
        tiers: Tier of each customer as text, empty where unknown, shape (n,).
    """

    scores: Mapping[str, Floats]
    truth: Mask
    listable: Mask
    held_before: Mask
    tiers: NDArray[np.object_]


@dataclass(frozen=True)
class BacktestResult:
    """Results of a backtest.

    Args:
        product_ids: Columns of all arrays.
        by_trial: Name of each trial with its summary metrics.
        metrics: Tidy frame over all trials: model, slice, metric, value, low, high, customers.
        calibration: About the propensities of all judged pairs, and of the listed ones.
        by_product: Calibration of each product.
        reliability: Expected against observed rate in bins.
        deciles: Acquisition rate by decile of the propensity.
        rates_known: False when the propensities are an order among acquirers, not rates.
        changes: What was found about attrition and tier upgrades.
    """

    product_ids: tuple[str, ...]
    by_trial: Mapping[str, Mapping[str, float]]
    metrics: pd.DataFrame
    calibration: Mapping[str, Mapping[str, float]]
    by_product: pd.DataFrame
    reliability: pd.DataFrame
    deciles: pd.DataFrame
    rates_known: bool
    changes: ChangeResult = field(default_factory=ChangeResult)

    def value(self, metric: str, part: str = "all", model: str = OURS) -> float:
        """Return one number of the metrics frame."""
        frame = self.metrics
        chosen = (frame["model"] == model) & (frame["slice"] == part) & (frame["metric"] == metric)
        return float(frame.loc[chosen, "value"].iloc[0])

    def summary(self) -> dict[str, float]:
        """Return the figures that gates and tracking look at; baselines as `name/metric`."""
        rated = {f"calibration_{name}": self.calibration["all"][name] for name in ("slope", "ratio")}
        whole = {**rated, "auc": self.calibration["all"]["auc"]}
        return {**_summary(self.metrics), **whole, **self.changes.summary()}

    def every_metric(self) -> pd.DataFrame:
        """Return the metrics of the lists, then those of attrition and tier upgrades, as one tidy frame."""
        parts = [part for part in (self.metrics, self.changes.metrics) if len(part)]
        return pd.concat(parts, ignore_index=True)


def backtest(
    trials: Iterable[Trial],
    features: FeatureSet,
    settings: RecommenderSettings,
    plan: BacktestPlan,
    step: Step = silent,
) -> BacktestResult:
    """Fit and judge every trial, then all of them together.

    Raises:
        InputRejectedError: A trial has no labels.
    """
    ranked: dict[str, ScoredCustomers] = {}
    rated: list[ScoredCustomers] = []
    for trial in trials:
        step(trial.name)
        recommender = Recommender.fit(trial.training_data, features, settings, plan.machine)
        sources = _baselines(trial.training_data.acquirers, recommender)
        ranked[trial.name] = judge_panel(recommender, sources, trial.ranked)
        rated.append(judge_panel(recommender, {}, trial.rated) if trial.rated else ranked[trial.name])
    return _result(recommender, ranked, together(rated), plan)


def judge_panel(recommender: Recommender, sources: Mapping[str, Source], panel: Panel) -> ScoredCustomers:
    """Score the observed customers of a panel by the model and by the baselines."""
    return together([_judge_view(recommender, sources, view, panel) for view in panel.views()])


def together(parts: list[ScoredCustomers]) -> ScoredCustomers:
    """Put judged customers under one another."""
    return ScoredCustomers(
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("truth", "listable", "held_before", "tiers")
        ),
    )


def _baselines(panel: Panel, recommender: Recommender) -> dict[str, Source]:
    view = panel.views()[-1]
    state = holding_state(view, recommender.product_ids, segment_values(view))
    return {name: source().fit(state) for name, source in SOURCES.items()}


def _judge_view(
    recommender: Recommender, sources: Mapping[str, Source], view: View, panel: Panel
) -> ScoredCustomers:
    settings = recommender.settings
    horizon = panel.history.label_window(view.date, settings.horizon_months, settings.gap_months)
    labels = panel.history.acquisitions(*horizon)
    computed = recommender.features.compute(view, recommender.product_ids).encoded(recommender.vocabulary)
    rows = is_in(computed.customer_ids, labels.observed)
    state = holding_state(view, recommender.product_ids, recommender.segments)
    propensity = [recommender.propensities(matrix) for matrix in computed.chunks(settings.chunk_customers)]
    seen = state.take(rows)
    scores = {OURS: np.concatenate(propensity)[rows], **_baseline_scores(recommender, sources, seen)}
    tiers = np.array([tier or "" for tier in view.population()[TIER].to_pylist()], object)
    return ScoredCustomers(
        scores,
        label_matrix(computed.customer_ids, recommender.product_ids, labels)[rows],
        could_acquire(view, state)[rows],
        seen.held_before,
        tiers[rows],
    )


def _baseline_scores(
    recommender: Recommender, sources: Mapping[str, Source], state: HoldingState
) -> dict[str, Floats]:
    """Score by every source, and by the share of customers who acquired the product lately."""
    if not sources:
        return {}
    popular = np.broadcast_to(recommender.base_rates, state.held.shape)
    return {
        ACQUISITIONS: popular,
        HELD_BEFORE_FIRST: popular + state.held_before,
        **{name: source.score(state) for name, source in sources.items()},
    }


def _result(
    recommender: Recommender, ranked: dict[str, ScoredCustomers], rated: ScoredCustomers, plan: BacktestPlan
) -> BacktestResult:
    pooled = together(list(ranked.values()))
    propensity, pairs = np.asarray(rated.scores[OURS]), rated.listable
    chosen = listed(propensity, pairs, plan.list_length)
    return BacktestResult(
        product_ids=recommender.product_ids,
        by_trial={name: _trial_metrics(judged, plan) for name, judged in ranked.items()},
        metrics=evaluate(pooled.scores, _judgement(pooled, plan, plan.resamples)),
        calibration={
            "all": calibration_summary(propensity[pairs], rated.truth[pairs]),
            "listed": calibration_summary(propensity[chosen], rated.truth[chosen]),
        },
        by_product=calibration_by_product(propensity, rated.truth, pairs, recommender.product_ids),
        reliability=reliability_table(propensity[pairs], rated.truth[pairs]),
        deciles=rate_by_decile(propensity[pairs], rated.truth[pairs]),
        rates_known=recommender.model.rates_known,
    )


def _trial_metrics(judged: ScoredCustomers, plan: BacktestPlan) -> dict[str, float]:
    return _summary(evaluate(judged.scores, _judgement(judged, plan, resamples=1)))


def _summary(metrics: pd.DataFrame) -> dict[str, float]:
    """Return the figures over all customers; those of baselines as `name/metric`."""
    chosen = metrics[metrics["slice"] == "all"]
    return {
        str(metric) if model == OURS else f"{model}/{metric}": value
        for model, metric, value in zip(
            chosen["model"], chosen["metric"], chosen["value"].tolist(), strict=True
        )
    }


def _judgement(judged: ScoredCustomers, plan: BacktestPlan, resamples: int) -> Judgement:
    return Judgement(
        judged.truth,
        judged.listable,
        judged.held_before,
        judged.tiers,
        plan.list_length,
        plan.machine.seed,
        resamples,
    )
