"""Replay of past dates: fit each trial, score its unseen customers beside the baselines, judge."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from vipreco.backtest.calibration_parts import PartCalibration, by_product, by_tier, surely_off
from vipreco.backtest.champion import (
    SAME,
    Champion,
    ChampionComparison,
    compare_with_champion,
)
from vipreco.backtest.changes import ChangeResult
from vipreco.backtest.judged_lists import JudgedLists
from vipreco.backtest.judged_parts import ACQUISITIONS, HELD_BEFORE_FIRST, Judge, judge_panel
from vipreco.backtest.report import compare, evaluate
from vipreco.backtest.scored_customers import (
    CHAMPION,
    OURS,
    BacktestPlan,
    ScoredCustomers,
    judgement,
    together,
)
from vipreco.backtest.trials import Trial
from vipreco.collaborative import SOURCES, Source
from vipreco.features import FeatureSet
from vipreco.recommender import (
    HoldingFlags,
    Recommender,
    RecommenderSettings,
    Step,
    newest_holdings,
    silent,
)
from vipreco.stats import (
    Estimate,
    Floats,
    Recalibration,
    calibration_by_product,
    calibration_summary,
    listed,
    rate_by_decile,
    ratio_interval,
    reliability_table,
    slope_interval,
)

CALIBRATED = {f"{name}{end}" for name in ("slope", "ratio") for end in ("", "/low", "/high")}
SIMPLE_RULES = {"popularity": ACQUISITIONS, "held-before": HELD_BEFORE_FIRST}
"""The rules that a champion has to beat, by the name that gates have for them."""


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
        judged: Propensities and truth of every judged customer, trial by trial, to be compared one by one.
        parts: Calibration of each product and each tier with enough acquisitions.
        against_champion: The comparison with the champion; None where there was none.
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
    parts: Mapping[str, Sequence[PartCalibration]] = field(default_factory=dict)
    against_champion: ChampionComparison | None = None

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
        for part, found in self.parts.items():
            whole |= {f"calibration-by-{part}/surely-off": surely_off(found)} if found else {}
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
    champion: Champion | None = None,
) -> BacktestResult:
    """Fit and judge every trial, then all of them together.

    Args:
        trials: What is learnt from, and who is judged.
        features: Feature definitions.
        settings: The recipe's.
        plan: List length, resamples, seed and threads.
        step: Told the name of each trial as it begins.
        champion: The recommender in force, to be judged on the same customers.

    Raises:
        InputRejectedError: A trial has no labels.
    """
    ranked: dict[str, ScoredCustomers] = {}
    rated: list[ScoredCustomers] = []
    bases: dict[str, str] = {}
    learnt: Floats = np.zeros(1)
    for trial in trials:
        step(trial.name)
        recommender = Recommender.fit(trial.training_data, features, settings, plan.machine)
        judge = _judge(trial, recommender, plan)
        if champion is not None:
            step(f"{trial.name}, the champion")
            rival, bases[trial.name] = champion.for_trial(trial, recommender, plan.machine)
            judge = replace(judge, champion=rival)
        ranked[trial.name] = judge_panel(judge, trial.ranked)
        if trial.rated:
            rated.append(judge_panel(Judge.of(recommender, {}, trial.rated.history, plan), trial.rated))
        learnt = learnt + recommender.model.calibration.positives
    return _result(recommender, ranked, (rated, learnt), bases, plan)


def _judge(trial: Trial, recommender: Recommender, plan: BacktestPlan) -> Judge:
    """Return the judge of a trial with the baselines, which learn from the holdings of the newest date."""
    panel = trial.training_data.acquirers
    state = newest_holdings(panel, HoldingFlags(recommender.product_ids, recommender.segments))
    sources: dict[str, Source] = {name: source().fit(state) for name, source in SOURCES.items()}
    return Judge.of(recommender, sources, panel.history, plan)


def _result(
    recommender: Recommender,
    ranked: dict[str, ScoredCustomers],
    rates: tuple[list[ScoredCustomers], Floats],
    bases: Mapping[str, str],
    plan: BacktestPlan,
) -> BacktestResult:
    """Judge all trials together.

    Args:
        recommender: Of the last trial.
        ranked: Judged customers of each trial.
        rates: Customers whose propensities are judged where these are others, and the acquisitions of each
            product that set the propensities.
        bases: What the champion of each trial was, where there is one.
        plan: List length, resamples, seed and threads.
    """
    pooled, (others, learnt) = together(list(ranked.values())), rates
    rated, lists = together(others) if others else pooled, pooled.every_list(plan.list_length)
    propensity, pairs = np.asarray(rated.scores[OURS]), rated.listable
    chosen = listed(propensity, pairs, plan.list_length)
    return BacktestResult(
        product_ids=recommender.product_ids,
        by_trial={name: _trial_metrics(judged, plan) for name, judged in ranked.items()},
        metrics=evaluate(lists, judgement(pooled, plan, plan.resamples)),
        calibration={
            "all": _with_intervals(rated, float(learnt.sum())),
            "listed": calibration_summary(propensity[chosen], rated.truth[chosen]),
        },
        by_product=calibration_by_product(propensity, rated.truth, pairs, recommender.product_ids),
        reliability=reliability_table(propensity[pairs], rated.truth[pairs]),
        deciles=rate_by_decile(propensity[pairs], rated.truth[pairs]),
        rates_known=recommender.model.rates_known,
        leads=_leads(lists, pooled, plan),
        acquirers=int((pooled.truth & pooled.listable).any(axis=1).sum()),
        judged=pooled,
        parts=_parts(recommender, rated, learnt),
        against_champion=_compared(ranked, pooled, bases, plan),
    )


def _compared(
    ranked: Mapping[str, ScoredCustomers],
    pooled: ScoredCustomers,
    bases: Mapping[str, str],
    plan: BacktestPlan,
) -> ChampionComparison | None:
    """Compare with the champion over the trials in which it was another model; None without a champion.

    Where champion and challenger were the same fit, nothing is learnt about either: such trials would only
    make the interval narrower around 0.
    """
    if not bases:
        return None
    told = [judged for name, judged in ranked.items() if bases[name] != SAME]
    # No second copy of all scores where every trial counts, or none does.
    chosen = together(told) if 0 < len(told) < len(ranked) else pooled
    return compare_with_champion(chosen, OURS, bases, plan)


def _parts(
    recommender: Recommender, rated: ScoredCustomers, learnt: Floats
) -> dict[str, Sequence[PartCalibration]]:
    """Return the calibration by product and by tier; nothing where propensities are no rates."""
    if not recommender.model.rates_known:
        return {}
    return {
        "product": by_product(rated, OURS, recommender.product_ids, learnt),
        "tier": by_tier(rated, OURS, float(learnt.sum())),
    }


def _leads(
    lists: Mapping[str, JudgedLists], judged: ScoredCustomers, plan: BacktestPlan
) -> dict[str, Estimate]:
    """Return the lead in MAP over each of `SIMPLE_RULES`; none where they were not scored."""
    if not set(SIMPLE_RULES.values()) <= set(lists):
        return {}
    against = replace(judgement(judged, plan, plan.resamples), tiers=None)
    rivals = {name: lists[name] for name in (OURS, *SIMPLE_RULES.values())}
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
    slope = slope_interval(propensity, Recalibration(summary["slope"], summary["intercept"]))
    return {
        **summary,
        "ratio/low": ratio.low,
        "ratio/high": ratio.high,
        "slope/low": slope.low,
        "slope/high": slope.high,
    }


def _trial_metrics(judged: ScoredCustomers, plan: BacktestPlan) -> dict[str, float]:
    """Return the figures of one trial, without intervals."""
    rated = calibration_summary(
        np.asarray(judged.scores[OURS])[judged.listable], judged.truth[judged.listable]
    )
    whole = {f"calibration_{name}": rated[name] for name in ("ratio", "slope")} | {"auc": rated["auc"]}
    lists = judged.every_list(plan.list_length)
    return {**_summary(evaluate(lists, judgement(judged, plan, resamples=1))), **whole}


def _summary(metrics: pd.DataFrame) -> dict[str, float]:
    """Return the figures over all customers; those of baselines as `name/metric`.

    The champion's are left out: figures that travel with a model depend on no other model.
    """
    chosen = metrics[(metrics["slice"] == "all") & (metrics["model"] != CHAMPION)]
    return {
        str(metric) if model == OURS else f"{model}/{metric}": value
        for model, metric, value in zip(
            chosen["model"], chosen["metric"], chosen["value"].tolist(), strict=True
        )
    }
