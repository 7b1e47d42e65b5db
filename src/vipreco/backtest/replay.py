"""Replay of past dates: fit each trial, score its unseen customers beside the baselines, judge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from vipreco.backtest.changes import ChangeResult
from vipreco.backtest.report import Judgement, compare, evaluate
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
    NORMAL_95,
    Estimate,
    calibration_by_product,
    calibration_summary,
    listed,
    rate_by_decile,
    ratio_interval,
    reliability_table,
)

OURS = "vipreco"
ACQUISITIONS = "acquisition-popularity"
HELD_BEFORE_FIRST = "held-before-then-acquisitions"
CALIBRATED = {f"{name}{end}" for name in ("slope", "ratio") for end in ("", "/low", "/high")}
SMALLEST = 1e-9
SIMPLE_RULES = {"popularity": ACQUISITIONS, "held-before": HELD_BEFORE_FIRST}
"""The rules that a champion has to beat, by the name that gates have for them."""
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
        leads: Our MAP minus that of each of `SIMPLE_RULES`, paired by customer.
        acquirers: Judged customers who acquired something.
        changes: What was found about attrition and tier upgrades.
        judged: Scores and truth of every judged customer, trial by trial, to be compared one by one.
    """

    product_ids: tuple[str, ...]
    by_trial: Mapping[str, Mapping[str, float]]
    metrics: pd.DataFrame
    calibration: Mapping[str, Mapping[str, float]]
    by_product: pd.DataFrame
    reliability: pd.DataFrame
    deciles: pd.DataFrame
    rates_known: bool
    leads: Mapping[str, Estimate] = field(default_factory=dict)
    acquirers: int = 0
    changes: ChangeResult = field(default_factory=ChangeResult)
    judged: ScoredCustomers | None = None

    def value(self, metric: str, part: str = "all", model: str = OURS) -> float:
        """Return one number of the metrics frame."""
        frame = self.metrics
        chosen = (frame["model"] == model) & (frame["slice"] == part) & (frame["metric"] == metric)
        return float(frame.loc[chosen, "value"].iloc[0])

    def summary(self) -> dict[str, float]:
        """Return the figures that gates and tracking look at; baselines as `name/metric`."""
        rated = self.calibration["all"]
        whole = {f"calibration_{name}": value for name, value in rated.items() if name in CALIBRATED}
        whole |= {"auc": rated["auc"], "acquirers": float(self.acquirers)}
        for rule, lead in self.leads.items():
            ends = {"": lead.value, "/low": lead.low, "/high": lead.high}
            whole |= {f"map-above-{rule}{end}": value for end, value in ends.items()}
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
    learnt = 0.0
    for trial in trials:
        step(trial.name)
        recommender = Recommender.fit(trial.training_data, features, settings, plan.machine)
        sources = _baselines(trial.training_data.acquirers, recommender)
        ranked[trial.name] = judge_panel(recommender, sources, trial.ranked)
        rated.append(judge_panel(recommender, {}, trial.rated) if trial.rated else ranked[trial.name])
        learnt += float(recommender.model.calibration.positives.sum())
    return _result(recommender, ranked, (together(rated), learnt), plan)


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
    nobody = np.zeros((0, len(recommender.product_ids)))  # a view may have no customers at all
    propensity = [nobody]
    propensity += [recommender.propensities(matrix) for matrix in computed.chunks(settings.chunk_customers)]
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
    recommender: Recommender,
    ranked: dict[str, ScoredCustomers],
    rates: tuple[ScoredCustomers, float],
    plan: BacktestPlan,
) -> BacktestResult:
    """Judge all trials together; `rates` are the judged propensities, and the acquisitions that set them."""
    pooled, (rated, learnt) = together(list(ranked.values())), rates
    propensity, pairs = np.asarray(rated.scores[OURS]), rated.listable
    chosen = listed(propensity, pairs, plan.list_length)
    return BacktestResult(
        product_ids=recommender.product_ids,
        by_trial={name: _trial_metrics(judged, plan) for name, judged in ranked.items()},
        metrics=evaluate(pooled.scores, _judgement(pooled, plan, plan.resamples)),
        calibration={
            "all": _with_intervals(rated, learnt),
            "listed": calibration_summary(propensity[chosen], rated.truth[chosen]),
        },
        by_product=calibration_by_product(propensity, rated.truth, pairs, recommender.product_ids),
        reliability=reliability_table(propensity[pairs], rated.truth[pairs]),
        deciles=rate_by_decile(propensity[pairs], rated.truth[pairs]),
        rates_known=recommender.model.rates_known,
        leads=_leads(pooled, plan),
        acquirers=int((pooled.truth & pooled.listable).any(axis=1).sum()),
        judged=pooled,
    )


def _leads(judged: ScoredCustomers, plan: BacktestPlan) -> dict[str, Estimate]:
    """Return the lead in MAP over each of `SIMPLE_RULES`; none where they were not scored."""
    if not set(SIMPLE_RULES.values()) <= set(judged.scores):
        return {}
    against = replace(_judgement(judged, plan, plan.resamples), tiers=None)
    rivals = {name: judged.scores[name] for name in (OURS, *SIMPLE_RULES.values())}
    found = compare(rivals, OURS, against)
    rows = found[found["slice"] == "all"].set_index("model")
    ends = {
        name: dict(zip(rows.index, rows[name].tolist(), strict=True)) for name in ("value", "low", "high")
    }
    return {
        rule: Estimate(ends["value"][rival], ends["low"][rival], ends["high"][rival])
        for rule, rival in SIMPLE_RULES.items()
    }


def _with_intervals(rated: ScoredCustomers, learnt: float) -> dict[str, float]:
    """Return the summary of the propensities with 95 % intervals of its sum and its slope.

    Args:
        rated: Judged customers.
        learnt: Acquisitions that the level of the propensities was learnt from.
    """
    chances, pairs = np.asarray(rated.scores[OURS]), rated.listable
    propensity = chances[pairs]
    summary = calibration_summary(propensity, rated.truth[pairs])
    if not summary["observed"] or not math.isfinite(summary["slope"]):
        return summary
    expected = np.where(pairs, chances, 0.0).sum(axis=1)
    ratio = ratio_interval(expected, (rated.truth & pairs).sum(axis=1).astype(np.float64), learnt or math.inf)
    scores = logit(np.clip(propensity.astype(np.float64), SMALLEST, 1 - SMALLEST))
    chance = expit(summary["intercept"] + summary["slope"] * scores)
    weights = chance * (1 - chance)
    centred = scores - weights @ scores / weights.sum()
    error = NORMAL_95 / math.sqrt(weights @ centred**2)
    return {
        **summary,
        "ratio/low": ratio.low,
        "ratio/high": ratio.high,
        "slope/low": summary["slope"] - error,
        "slope/high": summary["slope"] + error,
    }


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
